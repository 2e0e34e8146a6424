"""Two models of one replicate on the same test images: McNemar's test, which is about these models and not the methods."""

from collections.abc import Mapping

from sparring.core.errors import ConfigError
from sparring.metric.classification import unpacked
from sparring.study.engine.cell import Tag
from sparring.study.engine.results import TEST_ACCURACY, CellResult, Results
from sparring.study.stats.mcnemar import McNemar, mcnemar
from sparring.study.tables.analysis import Table
from sparring.study.tables.text import number, p_text

_TEST = ("classification", "test")


def mcnemar_table(
    results: Results, *, arm: str, baseline: str, settings: Mapping[str, Mapping[str, Tag]], replicate: int = 0
) -> Table:
    """A row per setting: the models of `arm` and `baseline` in one replicate; settings where one of them failed are left out.

    Args:
        results: of the study.
        arm: the first model's arm.
        baseline: the second model's arm.
        settings: a setting in words ("50 labels per class") -> the tags of its cells.
        replicate: whose models.
    """
    rows = []
    for setting, tags in settings.items():
        models = [results.one(arm=each, replicate=replicate, **tags) for each in (arm, baseline)]
        finished = [each for each in models if each is not None]
        if len(finished) == 2:
            test = compare_models(*finished)
            accuracies = [number(100 * float(each.get(*TEST_ACCURACY))) for each in finished]
            kind = "exact" if test.exact else "chi-square"
            rows.append((setting, *accuracies, str(test.only_first), str(test.only_second), p_text(test.p), kind))
    head = ("setting", f"{arm}, %", f"{baseline}, %", f"only {arm} right", f"only {baseline} right", "p", "test")
    return Table(
        f"These two models: {arm} and {baseline} of replicate {replicate}", head, tuple(rows),
        "Images that only one of the two models classifies correctly, and McNemar's test of whether these two models differ on "
        "these images. It says nothing about the two ways of training: another draw of labels and seeds gives two other models.",
    )  # fmt: skip


def compare_models(first: CellResult, second: CellResult) -> McNemar:
    """McNemar's test of which test images two trained classifiers classify correctly.

    Raises:
        ConfigError: their test images differ.
    """
    fingerprints = [each.get("data", "fingerprints", "test") for each in (first, second)]
    if fingerprints[0] != fingerprints[1]:
        raise ConfigError(
            f"{first.run} and {second.run} have different test images: they cannot be paired image by image."
        )
    correct = [unpacked(str(each.get(*_TEST, "right")), int(each.get(*_TEST, "images"))) for each in (first, second)]
    return mcnemar(*[each.numpy() for each in correct])
