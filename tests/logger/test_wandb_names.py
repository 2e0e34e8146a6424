"""What runs are called on W&B, by their settings."""

from pathlib import Path

import pytest

from sparring.logger.support.wandb_start import kind_of_work, labels


@pytest.fixture(autouse=True)
def _no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WANDB_NAME", "WANDB_JOB_TYPE"):
        monkeypatch.delenv(name, raising=False)


def test_a_run_of_another_verb_says_which_and_on_what(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"metric": {"k": 5}, "run": "logs/train/2026-11-29_22-30-27-715901_rpgan_digits_9679"}
    assert kind_of_work(settings, called="x") == {"job_type": "evaluate", "name": "x of rpgan_digits"}
    assert kind_of_work({"trainer": {}, "run": "y"}, called="x") == {"job_type": "train"}
    job = {"trainer": {}, "name": "dcgan_digits"}
    assert kind_of_work(job, called="x 0_seed-1") == {"job_type": "train", "name": "x 0_seed-1 dcgan_digits"}
    assert kind_of_work(job, called="x_dcgan_digits_7") == {"job_type": "train"}
    named = settings | {"logger": {"wandb": {"name": "mine"}}}
    assert kind_of_work(named, called="mine") == {"job_type": "evaluate"}
    monkeypatch.setenv("WANDB_JOB_TYPE", "check")
    assert kind_of_work(settings | {"run": "logs/train/x_sweep/0_seed-2"}, called="x") == {
        "job_type": "check", "name": "x of seed-2"
    }  # fmt: skip


def test_cells_of_a_study_are_one_group_and_called_by_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_RUN_GROUP", raising=False)
    unset = {"project": None, "entity": None, "name": None, "group": None, "tags": []}
    study = tmp_path / "cells" / "t_cas_digits_7"  # a folder of that name above the study says nothing
    (study / ".hydra").mkdir(parents=True)
    (study / ".hydra" / "config.yaml").write_text("dir: null\n")
    cell = labels(study / "cells" / "r0" / "gan", **unset)
    assert (cell["group"], cell["name"]) == ("t_cas_digits_7", "r0/gan")
    assert labels(study / "cells" / "r0", **{**unset, "group": "mine"})["group"] == "mine"
    apart = labels(tmp_path / "cells" / "sparring" / "t_rpgan_7", **unset)
    assert (apart["group"], apart["name"]) == (None, "t_rpgan_7")
    assert labels(Path("logs/train/t_rpgan_7"), **unset)["group"] is None
