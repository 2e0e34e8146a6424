"""When the end of a training was concluded, and when it has to be made again."""

from pathlib import Path

import pytest

from sparring.run.directory import RunDir
from sparring.training.resume import is_concluded


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
