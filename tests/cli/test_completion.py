"""Which runs a shell is offered."""

from pathlib import Path

import pytest

from sparring.cli.completion import runs_offered
from tests.cli.test_early import run


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Two GANs, one of them a job of a sweep, a classifier, and a run that was stopped."""
    run(tmp_path, "2026_gan", 30, parameters={"generator": 1, "discriminator": 1})
    run(tmp_path, "2026_sweep_7/0_seed-1", 25, parameters={"generator": 1})
    run(tmp_path, "2026_classifier", 20, classification={}, parameters={"network": 1})
    run(tmp_path, "2026_stopped", 10, state="interrupted")
    return tmp_path


@pytest.mark.parametrize(
    ("verb", "line", "offered"),
    [
        ("generate", "python generate.py run=", ["run=latest", "run=2026_sweep_7/0_seed-1", "run=2026_gan"]),
        ("generate", "sparring generate count=3 run=2026_g", ["run=2026_gan"]),
        ("attack", "python attack.py run=l", ["run=latest"]),
        ("attack", "python attack.py baseline=2", ["baseline=2026_classifier"]),
        ("train", "python train.py resume=2026_s", ["resume=2026_stopped", "resume=2026_sweep_7/0_seed-1"]),
        ("attack", "python attack.py run=/tmp/", None),
        ("attack", "python attack.py seed=", None),
        ("train", "python train.py run=", None),
        ("attack", "python attack.py run", None),
        ("attack", "", None),
    ],
)
def test_runs_that_fit_the_newest_first(verb: str, line: str, offered: list[str] | None, logs: Path) -> None:
    assert runs_offered(verb, line, folder=logs) == offered
