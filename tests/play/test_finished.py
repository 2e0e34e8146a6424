"""Which runs the page offers."""

from pathlib import Path

from sparring.play.finished import offered
from tests.stage.test_generate import trained


def test_runs_are_told_apart_by_what_they_hold(tmp_path: Path) -> None:
    gan = trained(tmp_path / "train" / "gan")
    both = trained(tmp_path / "train" / "2_sweep_1" / "0", "model=acgan")
    damaged = trained(tmp_path / "train" / "damaged")
    (damaged / ".hydra" / "config.yaml").write_text("{")
    begun = trained(tmp_path / "train" / "begun")
    (begun / "weights.safetensors").unlink()
    found = offered(tmp_path)
    assert set(found.generators) == {gan, both}
    assert found.classifiers == [both]
    assert found.enhancers == []
    assert offered(tmp_path / "nowhere").generators == []
