"""The table of `study=attack_table`: robust accuracy, success, distances and cost by classifier and attack."""

from collections.abc import Mapping, Sequence
from typing import Any

from sparring.core.settings import epsilon_text
from sparring.study.engine.results import CellResult, Results
from sparring.study.tables.analysis import Table
from sparring.study.tables.robustness import attack_record, clean_accuracy, no_more_robust, robust_accuracy
from sparring.study.tables.text import DASH, mean_std

EVALUATION = "evaluation"  # the tag `part` of cells that attack a classifier
CLASSIFIERS = {
    "standard": "trained on real images, without attacks",
    "robust": "the same, with PGD adversarial training at the study's epsilon",
}
# Column -> (entry of an attack's record, factor).
_COLUMNS = {
    "robust accuracy, %": ("accuracy", 100),
    "success, %": ("success_rate", 100),
    "mean Linf, k/255": ("mean_linf", 255),
    "mean L2": ("mean_l2", 1),
    "queries per image": ("queries_per_image", 1),
    "of them with gradient": ("gradients_per_image", 1),
}


def attacks_table(results: Results, attacks: Sequence[str], epsilon: float) -> Table:
    """A row per classifier and attack, and one without an attack."""
    rows = []
    for classifier in CLASSIFIERS:
        cells = results.find(classifier=classifier, part=EVALUATION)
        rows.append((classifier, "none", mean_std([clean_accuracy(each) for each in cells]), *[DASH] * len(_COLUMNS)))
        rows += [(classifier, attack, *_columns(cells, attack, epsilon)) for attack in attacks]
    return Table(
        f"Attacks at epsilon {epsilon_text(epsilon)}", ("classifier", "attack", *_COLUMNS, "CPU ms per image"), tuple(rows),
        "Success: share of the correctly classified images that become errors. Distances: of these, L2 in units of the pixel "
        "range. Queries: images that the attacked classifier evaluates for the attack and its check, per correctly classified "
        "image; a transfer and AdvGAN have further costs on another classifier or before (see the costs).",
    )  # fmt: skip


def robust_warning(results: Results, attack: str, epsilon: float) -> str:
    """That the robust classifier is no more robust than the standard one, in a sentence; empty where it is."""
    plain, robust = (
        results.read(robust_accuracy(attack, epsilon), classifier=name, part=EVALUATION) for name in CLASSIFIERS
    )
    under = f"{attack} at {epsilon_text(epsilon)}"
    return no_more_robust(plain, robust, names=("the standard classifier", "the robust one"), attack=under)


def _columns(cells: Sequence[CellResult], attack: str, epsilon: float) -> list[str]:
    records: list[Mapping[str, Any]] = [attack_record(each, attack, epsilon) for each in cells]
    milliseconds = [
        1000 * record["cpu_seconds"] / int(each.get("cost", "images"))
        for each, record in zip(cells, records, strict=True)
    ]
    columns = [
        mean_std([scale * record[key] for record in records if record[key] is not None])
        for key, scale in _COLUMNS.values()
    ]
    return [*columns, mean_std(milliseconds)]
