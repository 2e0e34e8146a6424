"""What an earlier process has sent to W&B is read back; a damaged file costs rows sent twice, and that is said."""

from pathlib import Path

import pytest

from sparring.logger.support.wandb_start import sent_before


def test_a_whole_file_and_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "sent.json"
    assert sent_before(file) == (0, {})
    file.write_text('{"rows": 7, "iterations": {"scalars": 40}}')
    assert sent_before(file) == (7, {"scalars": 40})
    assert not caplog.records


@pytest.mark.parametrize(
    "text", ["", '{"rows": 7', "[7]", '{"rows": "x", "iterations": {}}', '{"rows": 7, "iterations": [4]}', "\x00"]
)
def test_a_damaged_one(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "sent.json"
    file.write_text(text)
    assert sent_before(file) == (0, {})
    assert "sent.json is damaged: rows that W&B has already may be sent to it again." in caplog.text
