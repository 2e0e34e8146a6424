"""A run's networks leave it: the card's own example, run without sparring, draws and classifies as the run does."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import DictConfig

import sparring
from sparring.core.errors import CheckpointError, ConfigError
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


def exporting(run: Path, out: Path, *overrides: str) -> DictConfig:
    return compose(f"run={run}", f"paths.cache_dir={out}", *overrides, config="export", run_dir=out)


@pytest.mark.slow
def test_the_example_of_the_card_runs_without_sparring(tmp_path: Path, cache_dir: Path) -> None:
    run = trained_here(tmp_path / "run", cache_dir, *SMALL)
    out = tmp_path / "exported"
    result = export(exporting(run, out), out)
    assert result["differences"] == {"generator": {"pt2": 0.0}, "classifier": {"pt2": 0.0}}
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
    assert json.loads((out / "result.json").read_text())["files"]["generator"] == {"pt2": "generator.pt2"}


def test_a_run_that_has_not_finished_is_refused(tmp_path: Path, cache_dir: Path) -> None:
    run = trained_here(tmp_path / "run", cache_dir, *SMALL)
    result = json.loads((run / "result.json").read_text())
    (run / "result.json").write_text(json.dumps({name: value for name, value in result.items() if name != "metrics"}))
    with pytest.raises(CheckpointError, match="has not finished"):
        export(exporting(run, tmp_path / "out"), tmp_path / "out")


@pytest.fixture(scope="module")
def acgan(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Path:
    return trained_here(tmp_path_factory.mktemp("acgan") / "run", cache_dir, *SMALL)


@pytest.mark.slow
def test_networks_come_back_from_the_form_of_the_hub_bit_for_bit(acgan: Path, tmp_path: Path) -> None:
    result = export(exporting(acgan, tmp_path, "format=[safetensors]"), tmp_path)
    assert result["files"]["generator"] == {"hub": "generator/"}
    latent, label = torch.randn(5, Runs().generator(acgan).latent_dim), torch.arange(5)
    generator, classifier = (sparring.from_pretrained(tmp_path / name) for name in ("generator", "classifier"))
    assert torch.equal(generator(latent, label), Runs().generator(acgan).network(latent, label))
    image = torch.rand(3, 1, 8, 8) * 2 - 1
    assert torch.equal(classifier(image), Runs().classifier(acgan).network(image))
    assert not any(each.requires_grad for each in generator.parameters())
    config = json.loads((tmp_path / "classifier" / "config.json").read_text())
    assert config["pretrained_cfg"]["input_size"] == [1, 8, 8]  # as timm names it
    assert str(tmp_path) not in json.dumps(config)
    (example,) = re.findall(r"```python\n(.*?)```", (tmp_path / "generator" / "README.md").read_text(), re.DOTALL)
    assert 'sparring.from_pretrained("generator")' in example


@pytest.mark.slow  # torch's exporter, twice
def test_onnxruntime_computes_what_the_network_computes(
    acgan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime", reason="pip install onnx onnxruntime onnxscript, or sparring's extra onnx")
    result = export(exporting(acgan, tmp_path, "format=[onnx]"), tmp_path)
    assert all(each["onnx"] < 1e-4 for each in result["differences"].values())
    draws, classifies = re.findall(r"```python\n(.*?)```", (tmp_path / "README.md").read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    seen: dict[str, Any] = {}
    exec(draws + classifies, seen)
    assert seen["logits"].shape == (16, 10)
    network = Runs().classifier(acgan).network
    assert torch.allclose(network(torch.from_numpy(seen["image"])), torch.from_numpy(seen["logits"]), atol=1e-4)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["format=[pickle]"], r"format=\['pickle'\] must name one or more of pt2, onnx, hub"),
        (["network=enhancer"], "network=enhancer is not in the run, which holds generator and classifier"),
        (["push=me/mine"], r"push=me/mine uploads the form of the hub: add format=\[pt2,hub\]"),
        (
            ["push=me/mine", "format=[hub]"],
            "uploads one network and the run holds generator and classifier: add network=",
        ),
    ],
)
def test_what_cannot_be_exported_so_is_refused(
    overrides: list[str], sentence: str, acgan: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        export(exporting(acgan, tmp_path, *overrides), tmp_path)
