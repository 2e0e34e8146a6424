"""When the end of a training was concluded, and when it has to be made again."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from sparring.core.errors import CheckpointError
from sparring.run.checkpoint import VerifiedCheckpointIO
from sparring.run.directory import RunDir
from sparring.training.resume import PARTS, best_state, check_parts, check_settings, is_concluded
from tests.callback.test_quality_run import same
from tests.conftest import TINY, trained_here
from tests.leaves import slow_but


@pytest.mark.parametrize(
    ("result", "page", "concluded"),
    [
        ({"clock": {"iteration": 6}, "stopped": "budget"}, True, True),
        ({"clock": {"iteration": 6}, "stopped": "no longer improving: x"}, True, True),
        ({"clock": {"iteration": 6}, "stopped": "budget"}, False, False),
        ({"clock": {"iteration": 3}, "stopped": "budget"}, True, False),
        ({"clock": {"iteration": 6}, "stopped": "interrupted"}, True, False),
        ("{", True, False),
        (None, True, False),
    ],
)
def test_a_training_is_concluded_by_the_result_and_the_page_of_its_last_state(
    result: object, page: bool, concluded: bool, tmp_path: Path
) -> None:
    run = RunDir(tmp_path)
    if isinstance(result, dict):
        run.write_result(result)
    elif isinstance(result, str):
        (tmp_path / "result.json").write_text(result)
    if page:
        run.report.write_text("page")
    assert is_concluded(run, 6, report=True) == concluded


def test_a_run_from_before_a_setting_existed_goes_on_as_it_was() -> None:
    before: dict[str, Any] = {
        "seed": 1,
        "model": {"discriminator": {"width": 8}},
        "data": {"flip": False},
        "trainer": {},
        "speed": {},
    }
    run: Any = SimpleNamespace(config=before, path=Path("earlier"))
    added = {"window": None, "permuted_labels": False}
    model = {"discriminator": {"width": 8, "zero_biases": True}, "reuse_fakes": False}
    check_settings(run, {**before, "model": model, "data": {"flip": False, **added}})
    with pytest.raises(CheckpointError, match=r"data\.window was None, now 4096"):
        check_settings(run, {**before, "data": {"flip": False, **added, "window": 4096}})


@pytest.mark.parametrize("part", sorted(PARTS))
@pytest.mark.parametrize("value", [None, "x"])
def test_a_checkpoint_without_one_of_its_parts_is_refused(part: str, value: object) -> None:
    whole: dict[str, Any] = {name: [] if kind is list else {} if kind is dict else 3 for name, kind in PARTS.items()}
    whole["clock"] = {"iteration": 3}
    check_parts(Path("last.ckpt"), whole)
    with pytest.raises(CheckpointError, match=f"last.ckpt has no {part}, so"):
        check_parts(Path("last.ckpt"), {**whole, part: value})
    with pytest.raises(CheckpointError, match="does not say its iteration"):
        check_parts(Path("last.ckpt"), {**whole, "clock": {"iteration": "3"}})


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> tuple[Path, dict[str, Any]]:
    """A training of one iteration, and its checkpoint."""
    run = trained_here(tmp_path_factory.mktemp("stopped") / "run", cache_dir, *SMALL, "trainer.max_steps=1")
    return run, VerifiedCheckpointIO().load_checkpoint(run / "checkpoints" / "last.ckpt")


SMALL = [*TINY, "data.batch_size=64", "trainer.val_check_interval=1"]
WRONG: dict[str, tuple[str, Any]] = {
    "no weights": ("state_dict", {}),
    "weights of another shape": ("state_dict", {"generator.mix.weight": torch.zeros(1)}),
    "no optimizers": ("optimizer_states", []),
    "an optimizer of another kind": ("optimizer_states", [{"a": 1}, {"b": 2}]),
    "loops of another kind": ("loops", {"fit_loop": 3}),
    "callbacks of another kind": ("callbacks", {"Checkpoint": 3, "Progress": []}),
    "a clock without images": ("clock", {"iteration": 1}),
    "a meter of another kind": ("meter", {"values": 3}),
}


@pytest.mark.parametrize("name", slow_but(WRONG, "no weights", "loops of another kind"))
def test_a_part_with_other_content_is_refused(name: str, stopped: tuple[Path, dict[str, Any]], cache_dir: Path) -> None:
    run, whole = stopped
    part, value = WRONG[name]
    VerifiedCheckpointIO().save_checkpoint({**whole, part: value}, run / "checkpoints" / "last.ckpt")
    with pytest.raises(
        CheckpointError, match=r"last\.ckpt (holds something else than this training|has no callbacks)"
    ) as caught:
        trained_here(run, cache_dir, *SMALL, "trainer.max_steps=2", f"resume={run}")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_resume_in_float64_equals_an_uninterrupted_run(tmp_path: Path, cache_dir: Path) -> None:
    """Lightning restores weights before it makes the model float64."""
    double = [*SMALL, "trainer.precision=64-true"]
    trained_here(tmp_path / "resumed", cache_dir, *double, "trainer.max_steps=1")
    trained_here(tmp_path / "resumed", cache_dir, *double, "trainer.max_steps=2", f"resume={tmp_path / 'resumed'}")
    trained_here(tmp_path / "whole", cache_dir, *double, "trainer.max_steps=2")
    resumed, whole = (
        VerifiedCheckpointIO().load_checkpoint(tmp_path / name / "checkpoints" / "last.ckpt")
        for name in ("resumed", "whole")
    )
    assert any(value.dtype == torch.float64 for value in whole["state_dict"].values())
    assert same(resumed["state_dict"], whole["state_dict"])
    assert same(resumed["optimizer_states"], whole["optimizer_states"])


def test_best_weights_that_do_not_fit_are_left_and_said(
    stopped: tuple[Path, dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    run, whole = stopped
    file = run / "checkpoints" / "best.ckpt"
    for content in ({**whole, "state_dict": {"x": torch.zeros(1)}}, {"state_dict": {}}):
        VerifiedCheckpointIO().save_checkpoint(content, file)
        assert best_state(RunDir(run), torch.nn.Linear(2, 2)) is None  # type: ignore[arg-type]
    assert caplog.text.count("The weights of the best measurement are not taken") == 2
