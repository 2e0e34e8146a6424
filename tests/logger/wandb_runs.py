"""What the W&B tests share: a logger, something to log, and a reader for the SDK's offline files."""

import json
import logging
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wandb

from sparring.logger.wandb import WandbLogger

PICTURE = np.random.default_rng(0).integers(0, 2, (6, 4, 3), dtype=np.uint8)  # values that W&B would rescale


def make(folder: Path, **change: Any) -> WandbLogger:
    settings: dict[str, Any] = {
        "save_dir": folder, "mode": "auto", "project": "sparring", "entity": None, "name": None, "group": None, "tags": [],
        "online_timeout": 15, "artifacts": False, "watch": None, "watch_every": 1,
    }  # fmt: skip
    return WandbLogger(**{**settings, **change})


def close(logger: WandbLogger, status: str = "success") -> None:
    """Finalize, and let the SDK's process write its files out as it does when Python ends."""
    logger.finalize(status)
    wandb.teardown()


def log_something(logger: WandbLogger, steps: range) -> None:
    for step in steps:
        logger.log_metrics({"images_seen": 64 * step, "loss/generator": 1 / step}, step=step)
    logger.log_image("samples", PICTURE, step=steps[-1])


def said(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Our own lines; the SDK logs its doings at INFO."""
    return [record for record in caplog.records if record.name.startswith("sparring")]


def assert_given_up(waits: list[tuple[str, float]], limit: float, began: float) -> None:
    """W&B was asked once, was told to give up within the limit, and did.

    By itself it waits 90 s; the rest of that is left to a computer that is busy.
    """
    assert [mode for mode, _ in waits] == ["online", "offline"]
    assert waits[0][1] <= limit - 3  # which it takes to give up and to start offline
    assert time.monotonic() - began < 60 < wandb.Settings().init_timeout


def records(path: Path) -> Iterator[Any]:
    """The protobuf records in a `.wandb` file: a 7-byte header, then LevelDB's log format in blocks of 32 KiB."""
    from wandb.proto import wandb_internal_pb2

    make_record: Any = wandb_internal_pb2.Record  # type: ignore[attr-defined]
    data, block = path.read_bytes(), 32768
    assert data[:4] == b":W&B"
    position, payload = 7, b""
    while position + 7 <= len(data):
        if block - position % block < 7:
            position += block - position % block
            continue
        _, length, kind = struct.unpack("<IHB", data[position : position + 7])
        payload += data[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (1, 4):  # a whole record, or the last part of one
            record = make_record()
            record.ParseFromString(payload)
            payload = b""
            yield record


def artifacts(folder: Path) -> list[tuple[str, str, list[str], bool, str]]:
    """(type, name, aliases, whether the run reads it, digest) of the artifacts in the one offline file in `folder`."""
    (path,) = folder.rglob("*.wandb")
    found = []
    for record in records(path):
        kind = record.WhichOneof("record_type")
        if kind == "request" and record.request.WhichOneof("request_type") == "log_artifact":
            found.append(record.request.log_artifact.artifact)
        elif kind == "artifact":
            found.append(record.artifact)
    return [
        (each.type, each.name, sorted(each.aliases), each.use_after_commit, each.digest)
        for each in found
        if each.type in ("model", "images")  # tables are artifacts, too
    ]


def offline_run(folder: Path) -> dict[str, Any]:
    """What the one offline file in `folder` says: run, config, metrics with their step metric, history, summary, exit code."""
    (path,) = folder.rglob("*.wandb")
    found: dict[str, Any] = {"history": [], "steps": {}, "config": {}, "summary": {}, "exit": None}
    for record in records(path):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            found["run"] = record.run
            found["config"] |= {
                item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in record.run.config.update
            }
        elif kind == "config":
            found["config"] |= {
                item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in record.config.update
            }
        elif kind == "metric":
            found["steps"][record.metric.name or record.metric.glob_name] = record.metric.step_metric
        elif kind == "history":
            row = {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
            found["history"].append(row)
        elif kind == "summary":
            found["summary"] |= {
                item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in record.summary.update
            }
        elif kind == "exit":
            found["exit"] = record.exit.exit_code
    return found
