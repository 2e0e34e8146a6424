"""Files on W&B, in its offline file."""

from pathlib import Path

import pytest

from tests.logger.wandb_runs import close, make, records

pytestmark = pytest.mark.usefixtures("no_wandb_account")


@pytest.mark.parametrize("asked", [True, False])
def test_weights_are_an_artifact_where_they_are_asked_for(asked: bool, tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"numbers")
    logger = make(tmp_path / "2026_rpgan digits", mode="offline", model_artifact=asked)
    logger.log_metrics({"loss": 1.0}, step=1)
    logger.log_weights(tmp_path / "weights.safetensors")
    close(logger)
    (binary,) = tmp_path.rglob("*.wandb")
    artifacts = [
        record.request.log_artifact.artifact
        for record in records(binary)
        if record.WhichOneof("record_type") == "request" and record.request.WhichOneof("request_type") == "log_artifact"
    ] + [record.artifact for record in records(binary) if record.WhichOneof("record_type") == "artifact"]
    found = [(each.type, each.name) for each in artifacts]
    assert found == ([("model", "2026_rpgan-digits")] if asked else [])
