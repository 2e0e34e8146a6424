"""The study of the seed alone, with real classifiers: pairs share images, differ in the seed, and results are read correctly."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparring.config.build import build
from sparring.config.compose import compose
from sparring.core.errors import ConfigError
from sparring.run.directory import RunDir
from sparring.stage.study import study
from sparring.study.engine.context import StudyContext

QUICK = ["study=seed_noise", "study.replicates=2", "study.labels_per_class=[10]", "study.steps=8", "executor=inline"]


def cells(cache_dir: Path, *overrides: str) -> list[Any]:
    config = compose("study", ["study=seed_noise", f"paths.cache_dir={cache_dir}", *overrides])
    return build(config.study, section="study").cells(StudyContext.read(config))


def test_pairs_share_the_labelled_images_and_nothing_else(cache_dir: Path) -> None:
    by_tags = {tuple(each.tags.values()): dict(item.split("=") for item in each.overrides) for each in cells(cache_dir)}
    assert len(by_tags) == 2 * 6 * 2
    for (labels, replicate, arm), settings in by_tags.items():
        other = by_tags[labels, replicate, "again" if arm == "first" else "first"]
        assert settings["data.subset_seed"] == other["data.subset_seed"]
        assert settings["seed"] != other["seed"]
    assert len({settings["data.subset_seed"] for settings in by_tags.values()}) == 6


def test_no_labels_are_refused(cache_dir: Path) -> None:
    with pytest.raises(ConfigError, match="must name at least one count"):
        cells(cache_dir, "study.labels_per_class=[]")
    with pytest.raises(ConfigError, match="labels_per_class=500 must be from 1 to"):
        cells(cache_dir, "study.labels_per_class=[10,500]")
    with pytest.raises(ConfigError, match="smallest_effect=-1 must be above 0"):
        cells(cache_dir, "study.smallest_effect=-1")
    few = dict(item.split("=") for item in cells(cache_dir, "study.labels_per_class=[1]")[0].overrides)
    assert few["data.batch_size"] == "10"  # all labelled images where they are fewer than a batch


@pytest.mark.slow
def test_the_study_reads_the_accuracies_of_its_cells(tmp_path: Path, cache_dir: Path) -> None:
    folder = tmp_path / "study"
    result = study(compose("study", [*QUICK, "data.image_size=8", f"paths.cache_dir={cache_dir}"]), folder)
    accuracy = {
        (r, arm): 100
        * RunDir.open(folder / "cells" / f"labels10/r{r}_{arm}").result()["metrics"]["test/accuracy"]["value"]
        for r in range(2)
        for arm in ("first", "again")
    }
    (comparison,) = result["analysis"]["comparisons"]
    assert comparison["values"] == pytest.approx([accuracy[r, "again"] for r in range(2)])
    assert comparison["baseline_values"] == pytest.approx([accuracy[r, "first"] for r in range(2)])
    deltas = [accuracy[r, "again"] - accuracy[r, "first"] for r in range(2)]
    assert comparison["delta"] == pytest.approx(np.mean(deltas))
    assert comparison["verdict"] == "OPEN"
    (noise,) = result["analysis"]["tables"][1]["rows"]
    assert float(noise[1]) == pytest.approx(np.std(deltas, ddof=1) / math.sqrt(2), abs=0.006)
    assert result["checks"][0]["equal_training"] == {"iteration": 8, "images_seen": 8 * 64}
    assert not (folder / "cells" / "labels10" / "r0_first" / "checkpoints").exists()
    assert (folder / "cells" / "labels10" / "r0_first" / "weights.safetensors").exists()
    assert "How much does the seed alone" in (folder / "report.html").read_text()
