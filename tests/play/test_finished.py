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
    old = trained(tmp_path / "train" / "old") / ".hydra" / "config.yaml"
    old.write_text(old.read_text().replace("schema_version: 2", "schema_version: 1"))
    found = offered(tmp_path)
    assert set(found.generators) == {gan, both}
    assert found.classifiers == [both]
    assert found.enhancers == []
    assert set(found.trainings) == {gan, both, begun}  # neither the damaged one nor that of another schema
    assert offered(tmp_path / "nowhere").generators == []
