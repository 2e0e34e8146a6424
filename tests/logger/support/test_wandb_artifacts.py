"""Artifacts on W&B, in its offline files: what a run leaves, and that a later run names the same version."""

from pathlib import Path

import pytest

from sparring.logger.support.wandb_artifacts import name_of
from tests.logger.wandb_runs import artifacts, close, make

pytestmark = pytest.mark.usefixtures("no_wandb_account")


def finished(folder: Path, **files: bytes) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / f"{name}.safetensors").write_bytes(content)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "versions"),
    [
        ({"weights": b"last"}, [["latest"]]),
        (
            {"weights": b"last", "weights_best": b"best"},
            [["best", "latest"], ["latest"]],
        ),  # the SDK gives it to every version
        ({"weights": b"best", "weights_best": b"best"}, [["best", "latest"]]),  # callback/quality_stop took them back
        ({}, []),
    ],
)
def test_a_training_leaves_its_weights_and_the_best_ones(
    files: dict[str, bytes], versions: list[list[str]], tmp_path: Path
) -> None:
    folder = finished(tmp_path / "2026_rpgan digits", **files)
    logger = make(folder, mode="offline", artifacts=True)
    logger.log_artifacts(folder)
    close(logger)
    found = artifacts(folder) if versions else []
    assert [aliases for _, _, aliases, _, _ in found] == versions
    assert {(kind, name, used) for kind, name, _, used, _ in found} == (
        {("model", "2026_rpgan-digits", False)} if versions else set()
    )
    assert len({digest for *_, digest in found}) == len(found)


@pytest.mark.slow
def test_the_line_goes_from_a_training_over_its_images_to_a_classifier(tmp_path: Path) -> None:
    gan = finished(tmp_path / "train" / "1_rpgan", weights=b"g", weights_best=b"better")
    images = finished(tmp_path / "generate" / "2_images")
    (images / "folder" / "0").mkdir(parents=True)
    (images / "folder" / "0" / "000000.png").write_bytes(b"png")
    (images / "samples.parquet").write_bytes(b"parquet")
    (images / "manifest.csv").write_text("index,label\n0,0\n")
    classifier = finished(tmp_path / "train" / "3_classifier", weights=b"c")
    for folder, used in ((gan, []), (images, [(gan, "model", "best")]), (classifier, [(images, "images", "last")])):
        logger = make(folder, mode="offline", artifacts=True)
        for source, kind, checkpoint in used:
            logger.log_used(source, kind, checkpoint)
        logger.log_artifacts(folder)
        close(logger)
    best, last = artifacts(gan)
    read, drawn = artifacts(images)
    assert read[:4] == ("model", "1_rpgan", ["best", "latest"], True)
    assert read[4] == best[4] != last[4]  # the version that the training left
    assert drawn[:4] == ("images", "2_images", ["latest"], False)
    read, own = artifacts(classifier)
    assert read == ("images", "2_images", ["latest"], True, drawn[4])
    assert own[:4] == ("model", "3_classifier", ["latest"], False)


@pytest.mark.slow
def test_nothing_leaves_where_it_is_not_asked_for(tmp_path: Path) -> None:
    folder = finished(tmp_path / "run", weights=b"w")
    logger = make(folder, mode="offline")
    logger.log_metrics({"loss": 1.0}, step=1)
    logger.log_used(folder, "model")
    logger.log_artifacts(folder)
    close(logger)
    assert artifacts(folder) == []


@pytest.mark.slow
def test_a_run_that_holds_no_weights_is_not_named(tmp_path: Path) -> None:
    folder = finished(tmp_path / "run")
    logger = make(folder, mode="offline", artifacts=True)
    logger.log_used(tmp_path / "nowhere", "model")
    logger.log_used(folder, "images")
    close(logger)
    assert artifacts(folder) == []


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("logs/train/2026_rpgan_7", "2026_rpgan_7"),
        ("logs/train/2026_sweep_7/0_seed-1", "2026_sweep_7-0_seed-1"),
        ("cells/study/2026_cas_7/cells/r0/gan", "2026_cas_7-r0-gan"),
        ("data/cells/logs/train/2026_rpgan_7", "2026_rpgan_7"),
        ("logs/train/2026_größe", "2026_gr-e"),
    ],
)
def test_no_two_runs_share_a_name(folder: str, name: str, tmp_path: Path) -> None:
    study = tmp_path / "cells" / "study" / "2026_cas_7" / ".hydra"
    study.mkdir(parents=True)
    (study / "config.yaml").write_text("dir: null\n")
    assert name_of(tmp_path / folder) == name


def test_a_long_name_is_cut_and_stays_the_only_one(tmp_path: Path) -> None:
    jobs = [finished(tmp_path / "1_sweep_7" / ("x" * 140 + end), weights=b"w") for end in "ab"]
    logger = make(jobs[0], mode="offline", artifacts=True)
    logger.log_artifacts(jobs[0])
    close(logger)
    assert [(name, len(name)) for _, name, *_ in artifacts(jobs[0])] == [(name_of(jobs[0]), 128)]
    assert name_of(jobs[0]) != name_of(jobs[1])


def test_a_finished_training_is_not_taken_along_by_its_artifacts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ValueError("no such name")

    folder = finished(tmp_path / "run", weights=b"w")
    logger = make(folder, mode="offline", artifacts=True)
    monkeypatch.setattr("sparring.logger.support.wandb_artifacts._model", refuse)
    logger.log_artifacts(folder)
    close(logger)
    assert "W&B failed (no such name); training goes on" in caplog.text
