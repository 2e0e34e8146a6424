"""similarity_stop: made-up qualities and accuracies come out as the correlations and choices that they are."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparring.config.compose import compose
from sparring.core.errors import ConfigError
from sparring.run.directory import RunDir
from sparring.stage.study import study
from sparring.study.engine.cell import Cell
from sparring.study.tables.analysis import Analysis
from sparring.study.tables.similarity import correlation_sentence, within_replicates
from tests.study.fabricated import planned_by, results, settings, trained

SMALL = ("study=similarity_stop", "study.checkpoints=4", "study.every=10", "study.quality=[fd,coverage]")
FD = {10: 9.0, 20: 3.0, 30: 5.0, 40: 7.0}  # best at 20
ALONE = {10: 0.4, 20: 0.7, 30: 0.6, 40: 0.5}  # ranks exactly as FD
ADDED = {10: 0.8, 20: 0.5, 30: 0.6, 40: 0.7}  # ranks exactly against FD


def made_up(cell: Cell, run: Path) -> dict[str, Any]:
    replicate = int(cell.tags["replicate"])
    if cell.tags.get("part") == "generator":
        with (run / "quality.csv").open("w") as file:
            table = csv.writer(file)
            table.writerow(["iteration", "images_seen", "fd", "coverage", "best"])
            table.writerows([k, k, fd - 0.01 * replicate * (k == 20), 1 / fd, 0] for k, fd in FD.items())
    use, iteration = cell.tags.get("use"), int(cell.tags.get("iteration", 0))
    accuracy = {"alone": ALONE, "added": ADDED}.get(str(use), {}).get(iteration, 0.5)
    return trained(accuracy + 0.001 * replicate * (iteration == 20), val=accuracy)


def test_each_checkpoint_has_its_pool_and_classifiers(cache_dir: Path) -> None:
    _, cells = planned_by(cache_dir, *SMALL)
    by_name = {each.name: settings(each) for each in cells}
    assert len(by_name) == 6 * (2 + 4 * 3)
    gan = by_name["r1/gan"]
    assert (gan["trainer.max_steps"], gan["callback.quality.every"]) == ("40", "10")
    assert gan["callback.quality.keep_weights"] == "true"
    assert by_name["r1/pool20"]["checkpoint"] == "20"
    assert by_name["r1/pool20"]["seed"] == by_name["r1/pool40"]["seed"]
    assert by_name["r1/alone20"]["data.mix.fraction"] == "1.0"
    assert by_name["r1/added20"]["data.mix.images"] == "[cell:r1/pool20]"
    assert (
        by_name["r1/added20"]["data.subset_seed"] == by_name["r1/real"]["data.subset_seed"] == gan["data.subset_seed"]
    )


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Analysis:
    """Of the made-up results."""
    subject, cells = planned_by(cache_dir, *SMALL)
    return subject.analyse(results(subject, cells, tmp_path_factory.mktemp("similarity"), made_up))


@pytest.mark.slow
def test_our_correlation_is_shown_next_to_the_published_one_with_the_metric_as_it_is(analysis: Analysis) -> None:
    rows = {row[0]: row for row in analysis.tables[-1].rows}
    fid = next(row for setting, row in rows.items() if setting.endswith("with FID"))
    assert fid[1:3] == ("−1.00 (rank correlation of fd as it is)", "0.16")  # the lower, the better the classifier
    assert rows["the same, with the Inception score"][1] == "–"  # not measured


def test_perfect_and_reversed_ranks(analysis: Analysis) -> None:
    rho = analysis.numbers["spearman"]
    assert rho["fd/alone"]["rho"] == pytest.approx(1)
    assert rho["fd/alone"]["interval"] == pytest.approx([1, 1])
    assert rho["fd/added"]["rho"] < -0.9  # within the checkpoint 20, the noise has the other sign
    assert rho["coverage/alone"]["units"] == 6
    assert "Better quality goes with a better classifier" in analysis.conclusion
    table = analysis.tables[0]
    assert (table.rows[0][2], table.rows[0][6]) == ("1.00", "6/6")  # within each GAN; best quality is best classifier
    assert (table.rows[2][2], table.rows[2][6]) == ("−1.00", "0/6")


def test_the_chosen_checkpoints_are_compared_with_the_last(analysis: Analysis) -> None:
    deltas = {(it.arm, it.baseline, it.where): it.delta for it in analysis.comparisons}
    assert deltas["best quality", "last", "alone"] == pytest.approx(20 + 0.25)
    assert deltas["best quality", "last", "added"] == pytest.approx(-20 + 0.25)
    assert deltas["best classifier on val", "last", "added"] == pytest.approx(10)
    assert deltas["best classifier on val", "best quality", "alone"] == pytest.approx(0)
    assert next(it for it in analysis.comparisons if it.primary).verdict == "HELPS"
    assert analysis.verdict is None  # that is of stopping; the page asks whether quality and usefulness rank alike


@pytest.mark.slow
def test_a_claim_about_ranks_is_rare_where_there_is_nothing() -> None:
    random = np.random.default_rng(0)
    walks = {
        "independent": lambda: random.normal(size=(2, 6, 6)),
        "random walks": lambda: random.normal(size=(2, 6, 6)).cumsum(axis=2),
        "differences between GANs": lambda: random.normal(size=(2, 6, 6)) + 5 * random.normal(size=(2, 6, 1)),
    }
    for name, draw in walks.items():
        claims = 0
        for _ in range(500):
            quality, accuracy = draw().tolist()
            claims += "goes with" in correlation_sentence(within_replicates("coverage", quality, accuracy), "coverage")
        assert claims / 500 <= 0.05 + 2.6 * (0.05 * 0.95 / 500) ** 0.5, name


@pytest.mark.slow
def test_equal_training_is_recorded_and_further_labels_are_reported(tmp_path: Path, cache_dir: Path) -> None:
    subject, cells = planned_by(cache_dir, *SMALL)
    finished = results(subject, cells, tmp_path / "equal", made_up)
    analysis = subject.analyse(finished)
    assert [(each["where"], each["cells"]) for each in finished.checks] == [("alone", 24), ("added", 24)]
    assert any(
        "labels that GAN and classifier do not have" in limit and "reference" in limit for limit in analysis.limits
    )
    plain, _ = planned_by(cache_dir, *SMALL, "study.features=pixels")
    assert not any("reference classifier" in limit for limit in plain.analyse(finished).limits)

    def longer(cell: Cell, run: Path) -> dict[str, Any]:
        more = {"clock": {"iteration": 9, "images_seen": 72}} if cell.name == "r3/alone20" else {}
        return made_up(cell, run) | more

    with pytest.raises(ConfigError, match="were not trained equally long"):
        subject.analyse(results(subject, cells, tmp_path / "longer", longer))


def test_a_last_checkpoint_that_is_the_best_is_said_to_be(tmp_path: Path, cache_dir: Path) -> None:
    subject, cells = planned_by(
        cache_dir, *SMALL, "study.uses=[alone]", "study.quality=[coverage]", "study.metric=coverage"
    )

    def improving(cell: Cell, run: Path) -> dict[str, Any]:
        if cell.tags.get("part") == "generator":
            (run / "quality.csv").write_text("iteration,coverage\n10,0.1\n20,0.2\n30,0.3\n40,0.4\n")
        return trained(0.5 + 0.001 * int(cell.tags.get("iteration", 0)) + 0.01 * int(cell.tags["replicate"]))

    analysis = subject.analyse(results(subject, cells, tmp_path, improving))
    assert "In all 6 GANs the checkpoint of the best coverage on val was the last one" in analysis.conclusion
    assert analysis.comparisons[0].delta == 0


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("study.metric=authentic", "must be one of study.quality"),
        ("study.checkpoints=2", "at least 3"),
        ("study.uses=[alonee]", "must name one or both"),
        ("study.fraction=0", "between 0 and 1"),
    ],
)
def test_settings_that_do_not_fit_are_refused(cache_dir: Path, override: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        planned_by(cache_dir, *SMALL, override)


@pytest.mark.slow
def test_a_tiny_one_runs(tmp_path: Path, cache_dir: Path) -> None:
    tiny = [
        "study.replicates=2", "study.labels_per_class=5", "study.checkpoints=3", "study.every=2", "study.features=pixels",
        "study.samples=20", "study.steps=3", "study.pool=1", "study.uses=[alone]", "study.quality=[fd]",
    ]  # fmt: skip
    places = ["data.image_size=8", "executor=inline", f"paths.cache_dir={cache_dir}"]
    folder = tmp_path / "study"
    result = study(compose("study", ["study=similarity_stop", *tiny, *places]), folder)
    rows = result["analysis"]["tables"][2]["rows"]
    assert [row[0] for row in rows] == ["2", "4", "6"]
    assert all(float(row[1]) > 0 for row in rows)
    gan = RunDir.open(folder / "cells" / "r0" / "gan")
    assert sorted(file.name for file in gan.checkpoints.iterdir()) == [
        f"quality_{k:08d}.safetensors" for k in (2, 4, 6)
    ]
    drawn = {k: (folder / "cells" / "r0" / f"pool{k}" / "samples.parquet").read_bytes() for k in (2, 4, 6)}
    assert len(set(drawn.values())) == 3
