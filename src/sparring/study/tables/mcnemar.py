"""One replicate's two models on the same test images: McNemar's test, which is about these models and not about the methods."""

from collections.abc import Mapping

from sparring.core.errors import ConfigError
from sparring.metric.classification import unpacked
from sparring.study.engine.results import CellResult, Results, Tag
from sparring.study.stats.statistics import McNemar, mcnemar
from sparring.study.tables.analysis import Table, number, p_value

TEST = ("classification", "test")
ACCURACY = ("metrics", "test/accuracy", "value")


def pair_table(
    results: Results, *, arm: str, baseline: str, places: Mapping[str, Mapping[str, Tag]], replicate: int = 0
) -> Table:
    """A row per setting: the models of `arm` and `baseline` in one replicate; settings where one of them failed are left out.

    places: by setting in words ("50 labels per class"), the tags of its cells.
    """
    rows = []
    for where, tags in places.items():
        both = [results.one(arm=each, replicate=replicate, **tags) for each in (arm, baseline)]
        found = [each for each in both if each is not None]
        if len(found) == 2:
            it = two_models(*found)
            accuracies = [number(100 * float(each.get(*ACCURACY))) for each in found]
            kind = "exact" if it.exact else "chi-square"
            rows.append((where, *accuracies, str(it.only_first), str(it.only_second), p_value(it.p), kind))
    head = ("setting", f"{arm}, %", f"{baseline}, %", f"only {arm} right", f"only {baseline} right", "p", "test")
    return Table(
        f"These two models: {arm} and {baseline} of replicate {replicate}", head, tuple(rows),
        "Images that just one of the two models gets right, and McNemar's test of whether these two models differ on these "
        "images. It says nothing about the two ways of training: another draw of labels and seeds gives two other models.",
    )  # fmt: skip


def two_models(first: CellResult, second: CellResult) -> McNemar:
    """McNemar's test of the answers that two runs recorded.

    Raises:
        ConfigError: they were judged on other images.
    """
    tests = [each.get("data", "fingerprints", "test") for each in (first, second)]
    if tests[0] != tests[1]:
        raise ConfigError(f"{first.run} and {second.run} have other test images: their answers cannot be paired.")
    answers = [unpacked(str(each.get(*TEST, "right")), int(each.get(*TEST, "images"))) for each in (first, second)]
    return mcnemar(*[each.numpy() for each in answers])
