"""When the end of a training was concluded, and when it has to be made again."""

from pathlib import Path
from typing import Any

import pytest

from sparring.core.errors import CheckpointError
from sparring.run.directory import RunDir
from sparring.training.resume import PARTS, check_parts, is_concluded


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
