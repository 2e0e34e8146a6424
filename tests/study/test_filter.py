"""filter: every rule acts on the same pool and uses only the arm's labels; kept shares and differences are read correctly."""

from pathlib import Path
from typing import Any

import pytest

from sparring.config.compose import compose
from sparring.core.errors import ConfigError
from sparring.run.directory import RunDir
from sparring.stage.study import StudyError, study
from sparring.study.engine.cell import Cell
from sparring.study.tables.plots import kept_share_plot
from tests.study.fabricated import planned_by, results, settings, trained

ARMS = ["all", "random 0.25", "random 0.5", "top 0.25", "top 0.5", "confidence 0.5", "agree", "score 0.25", "score 0.5",
        "rejection 80", "truncation 1", "redrawn 80", "langevin 20"]  # fmt: skip


def test_all_rules_draw_from_one_pool(cache_dir: Path) -> None:
    _, cells = planned_by(cache_dir, "study=filter")
    by_name = {each.name: settings(each) for each in cells}
    assert [each.tags["arm"] for each in cells if each.name.startswith("r0/alone")] == ARMS
    whole, half = by_name["r0/pool"], by_name["r0/pool_random0.5"]
    assert (whole["count"], half["count"], whole["seed"] == half["seed"]) == ("2000", "1000", True)
    assert by_name["r0/pool_truncation1"] == whole | {"truncation": "1.0"}
    again = by_name["r0/pool_redrawn80"]
    assert again == whole | {"sampling": "rejection", "sampling.percentile": "80.0"}
    assert by_name["r0/pool_langevin20"] == whole | {"sampling": "langevin", "sampling.steps": "20"}
    assert by_name["r0/alone_langevin20"]["data.mix.images"] == "[cell:r0/pool_langevin20]"
    for arm in ("top0.5", "confidence0.5", "agree"):
        assert by_name[f"r0/alone_{arm}"]["data.mix.filter.classifier"] == "cell:r0/real"
        assert by_name[f"r0/added_{arm}"]["data.mix.images"] == "[cell:r0/pool]"
    assert by_name["r0/alone_score0.5"]["data.mix.filter.discriminator"] == "cell:r0/gan"
    assert by_name["r0/real"]["data.subset_seed"] == by_name["r0/gan"]["data.subset_seed"]
    assert by_name["r0/alone_top0.5"]["data.mix.fraction"] == "1.0"


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("study.primary=top 0.7", "study.primary=top 0.7 must be one of random 0.25"),
        ("study.primary=all", "must be one of"),
        ("study.smallest_effect=-1", "smallest_effect=-1 must be above 0"),
        ("+study.rules.topp=[0.5]", "study.rules has no 'topp'"),
        ("study.rules.top=[1.5]", "must be a share between 0 and 1"),
        ("study.uses=[]", "must name one or both"),
    ],
)
def test_settings_that_do_not_fit_are_refused(cache_dir: Path, override: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        planned_by(cache_dir, "study=filter", override)


def test_kept_shares_and_differences(tmp_path: Path, cache_dir: Path) -> None:
    subject, cells = planned_by(cache_dir, "study=filter")

    def made_up(cell: Cell, run: Path) -> dict[str, Any]:
        arm, replicate = str(cell.tags.get("arm")), int(cell.tags["replicate"])
        gain = 0.04 if arm == "top 0.5" else 0.0
        kept = {"kept_fraction": 0.3 + 0.1 * (replicate % 2)} if arm == "agree" else {}
        return trained(0.6 + gain + 0.002 * replicate * (arm == "top 0.5")) | {
            "data": {"origin": {"mix": {"filter": {"before": 2000} | kept}}}
        }

    analysis = subject.analyse(results(subject, cells, tmp_path, made_up))
    assert analysis.comparisons[0].delta == pytest.approx(4.5)
    assert analysis.verdict == "HELPS"
    kept = {row[0]: row[1] for row in next(t for t in analysis.tables if t.title.startswith("How much")).rows}
    assert (kept["agree"], kept["random 0.25"], kept["all"]) == ("35.00 ± 5.48", "25.00 ± 0.00", "100.00 ± 0.00")


def test_every_curve_ends_at_the_whole_pool() -> None:
    plot = kept_share_plot({"all": [(1.0, [50.0, 52.0])], "top": [(0.5, [60.0, 62.0])], "agree": [(0.35, [70.0])]},
                     title="t", whole="all")  # fmt: skip
    assert plot.x == (35.0, 50.0, 100.0)
    top, agree = plot.lines
    assert top.y[1:] == (61.0, 51.0)
    assert (agree.y[0], agree.y[2]) == (70.0, 51.0)
    assert top.y[0] != top.y[0]  # NaN: it has no point there


@pytest.mark.slow
def test_a_tiny_one_runs_and_a_rule_that_keeps_nothing_is_reported(tmp_path: Path, cache_dir: Path) -> None:
    few = [f"study.rules.{rule}=[0.5]" for rule in ("random", "top", "score", "truncation")]
    rules = [*few, "study.rules.confidence=[0.999]", "study.rules.langevin=[2]", "~study.rules.agree",
             "~study.rules.rejection"]  # fmt: skip
    tiny = ["study.replicates=2", "study.labels_per_class=5", "study.gan_steps=3", "study.steps=3", "study.pool=2",
            "study.uses=[alone]", "data.image_size=8", "executor=inline"]  # fmt: skip
    config = compose("study", ["study=filter", *rules, *tiny, f"paths.cache_dir={cache_dir}"])
    with pytest.raises(StudyError, match="2 cells failed, first r0/alone_confidence0"):
        study(config, tmp_path / "study")
    result = RunDir.open(tmp_path / "study").result()
    kept = {row[0]: row[1] for row in result["analysis"]["tables"][1]["rows"]}
    assert (kept["top 0.5"], kept["score 0.5"], kept["all"]) == ("50.00 ± 0.00",) * 2 + ("100.00 ± 0.00",)
    assert kept["confidence 0.999"] == "–"
    assert kept["redrawn 80"] == kept["langevin 2"] == "100.00 ± 0.00"
    pools = {
        name: RunDir.open(tmp_path / "study/cells/r0" / f"pool{name}") for name in ("", "_redrawn80", "_langevin2")
    }
    assert len({(each.path / "samples.parquet").read_bytes() for each in pools.values()}) == 3
