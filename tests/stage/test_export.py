"""A run's networks leave it: the card's own example, run without sparring, draws and classifies as the run does."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig

from sparring.core.errors import CheckpointError
from sparring.stage.export import export
from sparring.trained.runs import Runs
from tests.conftest import compose, trained_here

SMALL = [
    "model=acgan",
    "data.image_size=8",
    "model.generator.width=4",
    "model.discriminator.width=4",
    "trainer.max_steps=2",
]
COMPARE = """
import sys
torch.save((latent, label, image, probability), "seen.pt")
assert not [name for name in sys.modules if name.startswith(("sparring", "lightning", "hydra"))]
"""


def exporting(run: Path, out: Path) -> DictConfig:
    return compose(f"run={run}", f"paths.cache_dir={out}", config="export", run_dir=out)


@pytest.mark.slow
def test_the_example_of_the_card_runs_without_sparring(tmp_path: Path, cache_dir: Path) -> None:
    run = trained_here(tmp_path / "run", cache_dir, *SMALL)
    out = tmp_path / "exported"
    result = export(exporting(run, out), out)
    assert result["differences"] == {"generator": 0.0, "classifier": 0.0}
    draws, classifies = re.findall(r"```python\n(.*?)```", (out / "README.md").read_text(), re.DOTALL)
    given = "image = torch.rand(16, 1, 8, 8) * 2 - 1  # yours, scaled to -1 .. 1\n"
    assert given in classifies
    subprocess.run([sys.executable, "-I", "-c", draws + classifies.replace(given, "") + COMPARE], cwd=out, check=True)
    latent, label, image, probability = torch.load(out / "seen.pt")
    with torch.no_grad():
        assert torch.allclose(Runs().generator(run).network(latent, label), image, atol=1e-6)
        assert torch.allclose(Runs().classifier(run).network(image).softmax(1), probability, atol=1e-6)
    config = json.loads((out / "config.json").read_text())
    assert set(config["networks"]) == {"generator", "classifier"}
    assert config["training"]["iterations"] == 2
    assert json.loads((out / "result.json").read_text())["files"]["generator"] == "generator.pt2"


def test_a_run_that_has_not_finished_is_refused(tmp_path: Path, cache_dir: Path) -> None:
    run = trained_here(tmp_path / "run", cache_dir, *SMALL)
    result = json.loads((run / "result.json").read_text())
    (run / "result.json").write_text(json.dumps({name: value for name, value in result.items() if name != "metrics"}))
    with pytest.raises(CheckpointError, match="has not finished"):
        export(exporting(run, tmp_path / "out"), tmp_path / "out")
