"""Classifiers judged by attack.py: the cells that do it, and what they say of accuracy, robustness and calibration."""

import math
from collections.abc import Callable, Mapping, Sequence

from sparring.core.errors import ConfigError
from sparring.core.settings import epsilon_text
from sparring.corruption.score import mean_corruption_error
from sparring.study.engine.results import CellResult, Results, Tag
from sparring.study.tables.analysis import DASH, Plot, Table, number, spread
from sparring.study.tables.curve import mean_line

Read = Callable[[CellResult], float]


# -- what one judgement says, in % -------------------------------------------------------------------------------------------


def clean(each: CellResult) -> float:
    """Accuracy without an attack."""
    return 100 * float(each.get("clean", "accuracy"))


def ece(each: CellResult) -> float:
    """Expected calibration error without an attack."""
    return 100 * float(each.get("clean", "ece"))


def corrupted(each: CellResult) -> float:
    """Accuracy, mean over corruptions and severities."""
    return 100 * float(each.get("corruptions", "mean_accuracy"))


def corrupted_ece(each: CellResult) -> float:
    """Expected calibration error, mean over corruptions and severities."""
    return 100 * float(each.get("corruptions", "mean_ece"))


def row(each: CellResult, attack: str, epsilon: float) -> Mapping[str, float]:
    """What result.json holds of an attack at a strength.

    Raises:
        ConfigError: the cell has no such attack, or not at this strength.
    """
    rows: list[Mapping[str, float]] = each.get("attacks", attack)
    for found in rows:
        if math.isclose(found["epsilon"], epsilon, rel_tol=1e-6):
            return found
    raise ConfigError(f"{each.run}/result.json has {attack} at other strengths than epsilon {epsilon_text(epsilon)}.")


def left_by(attack: str, epsilon: float) -> Read:
    """Reads the accuracy that an attack leaves."""
    return lambda each: 100 * row(each, attack, epsilon)["accuracy"]


def fooled_by(attack: str, epsilon: float) -> Read:
    """Reads the share of images, of those classified correctly at first, that an attack turns wrong."""
    return lambda each: 100 * row(each, attack, epsilon)["success_rate"]


# -- over replicates ---------------------------------------------------------------------------------------------------------


def values(results: Results, read: Read, **tags: Tag) -> list[float]:
    """Per replicate, of the cell with these tags; NaN where it failed."""
    cells = [results.one(replicate=r, **tags) for r in range(results.replicates)]
    return [math.nan if each is None else read(each) for each in cells]


def known(found: Sequence[float]) -> list[float]:
    """Without the replicates that failed."""
    return [value for value in found if not math.isnan(value)]


def errors(each: CellResult) -> dict[str, list[float]]:
    """Corruption -> error rates at severities 1 to 5."""
    table: Mapping[str, list[Mapping[str, float]]] = each.get("corruptions", "table")
    return {name: [1 - found["accuracy"] for found in rows] for name, rows in table.items()}


def mce_values(results: Results, arm: str, baseline: str, **tags: Tag) -> list[float]:
    """mCE of an arm against another arm of the same replicate, 1.0 is as good; NaN where either failed.

    Corruptions under which the baseline makes no error in some replicate have no mCE and are left out in all of them.
    """
    skipped = perfect(results, baseline, **tags)
    found = []
    for r in range(results.replicates):
        pair = [results.one(replicate=r, arm=name, **tags) for name in (arm, baseline)]
        tables = [{k: v for k, v in errors(each).items() if k not in skipped} for each in pair if each is not None]
        found.append(mean_corruption_error(*tables) if len(tables) == 2 and tables[0] else math.nan)
    return found


def perfect(results: Results, baseline: str, **tags: Tag) -> set[str]:
    """Corruptions under which the baseline makes no error at all in some replicate."""
    tables = [errors(each) for each in results.find(arm=baseline, **tags)]
    return {name for table in tables for name, rates in table.items() if not sum(rates) > 0}


# -- tables and plots --------------------------------------------------------------------------------------------------------


def combined_table(
    results: Results, arms: Sequence[str], *, robust: Mapping[str, tuple[Read, str]], against: str, part: str
) -> Table:
    """Accurate, robust, calibrated: a row per arm.

    robust: column -> (how to read it, the `part` of the cells it stands in). against: the arm that mCE is held against.
    part: tag of the cells that looked at clean and corrupted images.
    """
    columns: dict[str, Callable[[str], list[float]]] = {
        "clean accuracy, %": lambda arm: values(results, clean, arm=arm, part=part),
        **{name: _reader(results, *each) for name, each in robust.items()},
        "under corruptions, %": lambda arm: values(results, corrupted, arm=arm, part=part),
        f"mCE against {against}": lambda arm: mce_values(results, arm, against, part=part),
        "ECE, %": lambda arm: values(results, ece, arm=arm, part=part),
        "ECE under corruptions, %": lambda arm: values(results, corrupted_ece, arm=arm, part=part),
    }
    rows = tuple((arm, *[spread(known(read(arm))) for read in columns.values()]) for arm in arms)
    skipped = sorted(perfect(results, against, part=part))
    without = f" Without {', '.join(skipped)}, where {against} makes no error." if skipped else ""
    return Table(
        "Accurate, robust, calibrated", ("arm", *columns), rows,
        "Mean ± standard deviation over replicates, on test images. Under corruptions: mean over kinds and severities. mCE: mean "
        f"over kinds of the summed error over that of {against} in the same replicate; below 1 is better.{without} ECE: expected "
        "calibration error, 15 bins; smaller is better.",
    )  # fmt: skip


def _reader(results: Results, read: Read, part: str) -> Callable[[str], list[float]]:
    return lambda arm: values(results, read, arm=arm, part=part)


def combined_plots(
    results: Results, arms: Sequence[str], *, robust: Mapping[str, tuple[Read, str]], part: str
) -> list[Plot]:
    """The same as bars: what stays right, and how far confidence is off."""
    note = "Means and 95 % t intervals over replicates; of single arms, not of the paired differences."
    right = {"clean": (clean, part), **robust, "under corruptions": (corrupted, part)}
    off = {"clean": (ece, part), "under corruptions": (corrupted_ece, part)}
    plots = []
    for title, unit, reads in (
        ("Accurate and robust: what stays right", "test accuracy, %", right),
        ("Calibrated: how far confidence is off", "expected calibration error, %", off),
    ):
        lines = [
            mean_line(name.removesuffix(", %"), [values(results, read, arm=arm, part=of) for arm in arms])
            for name, (read, of) in reads.items()
        ]
        plots.append(Plot(title, "", unit, tuple(arms), tuple(lines), note=note))
    return plots


def flags_table(results: Results, names: Mapping[str, Mapping[str, Tag]]) -> Table:
    """What attack.py found suspicious, by what was judged. names: name -> tags of its cells, over replicates."""
    rows = []
    for name, tags in names.items():
        told: dict[str, int] = {}
        for each in results.find(**tags):
            for sentence in each.get("flags"):
                told[sentence] = told.get(sentence, 0) + 1
        rows += [(name, sentence, str(count)) for sentence, count in told.items()] or [(name, "none", DASH)]
    return Table(
        "Signs of attacks that are weaker than they look", ("judged", "sign", "replicates"), tuple(rows),
        "Random output, zero gradients, a black box that beats gradients, more steps that do not help, epsilon 1 "
        "survived: with such a sign, the accuracy left by gradient attacks is not to be trusted.",
    )  # fmt: skip


def cost_table(results: Results, names: Mapping[str, Mapping[str, Tag]]) -> Table:
    """Mean seconds of cells. names: what is shown -> the cells' tags."""
    rows = []
    for name, tags in names.items():
        seconds = [float(each.get("cost", "seconds")) for each in results.find(**tags)]
        if seconds:
            rows.append((name, number(sum(seconds) / len(seconds), 1), str(len(seconds))))
    return Table("What it cost", ("run", "seconds, mean", "runs"), tuple(rows), "Wall time of each run.")
