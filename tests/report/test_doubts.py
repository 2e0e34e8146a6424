"""What deserves a second look, from the content of a result alone; and that terminal, result and page get the sentence."""

from typing import Any

import pytest

from sparring.report.doubts import doubts
from sparring.report.outcome import outcome
from tests.report.test_outcome import TRAINED, attacked, distance, share


def record(metric: str, value: float | None, real: float | None = None, **more: Any) -> dict[str, Any]:
    return {"metric": metric, "value": value, "real_data_reference": real, "more": more}


def classifier(accuracy: float, classes: int, confusion: list[list[int]] | None = None) -> dict[str, Any]:
    table = {} if confusion is None else {"classification": {"test": {"confusion": confusion}}}
    return {"metrics": {"test/accuracy": share(accuracy, 0, 1)}, "classes": list(range(classes)), **table}


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (classifier(0.11, 10), "a test accuracy of 11.0% is at chance (10.0% with 10 classes)"),
        (classifier(0.52, 2), "is at chance (50.0% with 2 classes)"),
        (classifier(0.96, 10), None),
        (classifier(1.0, 1), "the data have one class"),
        (classifier(0.6, 2, [[6, 0], [4, 0]]), "the classifier gives one class to every test image"),
        (classifier(0.9, 2, [[6, 0], [1, 3]]), None),
    ],
)
def test_a_classifier(result: dict[str, Any], words: str | None) -> None:
    check(result, words)


def check(result: dict[str, Any], words: str | None) -> None:
    found = doubts(result)
    assert len(found) == (words is not None)
    assert words is None or words in found[0]


def attacks(kept: float, *, trained: str = "none", channels: int = 1, **more: Any) -> dict[str, Any]:
    """result.json of an attack by PGD and by random noise, at 0.1 and at 0.2."""
    rows = [
        {"epsilon": eps, "shown": f"{eps}", "accuracy": value, "gradients_per_image": 10.0}
        for eps, value in ((0.1, 0.8), (0.2, kept))
    ]
    noise = [{**row, "accuracy": 0.95, "gradients_per_image": 0.0} for row in rows]
    return {"metrics": {}, "classifier": {"adversarial_training": trained, "channels": channels}, "clean": {"accuracy": 0.97},
            "attacks": {"pgd": rows, "noise": noise}, "defence": None, **more}  # fmt: skip


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (attacks(0.6), "trained without attacks and keeps 60.0% of the images under pgd at epsilon 0.2"),
        (attacks(0.05), None),
        (attacks(0.6, trained="pgd_at"), None),
        (attacks(0.6, defence={"name": "purify"}), None),  # what it may hold, its own flags say
        (attacks(0.55, channels=3), "keeps 55.0% of the images under pgd at epsilon 0.2"),
        (attacks(0.05, channels=3), None),
        (attacks(0.6, attacks={}), None),
    ],
)
def test_a_classifier_that_was_never_attacked_and_does_not_fall(result: dict[str, Any], words: str | None) -> None:
    check(result, words)


PER_CLASS = {str(k): 0.1 for k in range(10)}


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([record("agreement", 0.12, 0.98, per_class=PER_CLASS)], "in 12.0%, by chance in 10.0%, real images in 98.0%"),
        ([record("agreement", 0.7, 0.98, per_class=PER_CLASS)], None),
        ([record("agreement", None)], None),
        ([record("authentic", 3.0, copies=0.4)], "40.0% of the samples equal a training image exactly"),
        ([record("authentic", 60.0, copies=0.0)], None),
        ([record("ratio", 0.2)], "0.2 times as far from training images as from held-out ones"),
        ([record("ratio", 0.97)], None),
    ],
)
def test_samples(records: list[dict[str, Any]], words: str | None) -> None:
    check({"metrics": {}, "records": records}, words)


@pytest.mark.parametrize(
    ("value", "real", "images", "words"),
    [
        (0.0, 0.16, 355, "is 0: the samples are the images"),
        (0.01, 0.16, 355, "is 0.01, below the 0.16 of real images"),
        (0.01, 0.16, 177, None),  # the value of real images is of fewer, and so larger
        (0.1, 0.16, 355, None),  # within two standard deviations
        (1.6, 0.16, 355, None),
        (None, 0.16, 355, None),
    ],
)
def test_distances(value: float | None, real: float, images: int, words: str | None) -> None:
    metric = distance(value, real)
    metric["protocol"] |= {
        "count": 355, "real_data_reference": f"{images} real images in place of the samples, against {images}",
    }  # fmt: skip
    check({"metrics": {"test/fd_pixels_355": metric}}, words)


def test_each_verb_shows_them_in_the_terminal() -> None:
    said = {"remarks": ["its images are copies"]}
    drawn = {"test/fd_pixels_9": distance(2, 1)}
    for result in (
        {**TRAINED, "metrics": drawn, **said},
        {"verb": "evaluate", "metrics": drawn, **said},
        {**attacked(("pgd", 0.1, 0.3)), **said, "flags": ["The output is random."]},
    ):
        assert outcome(result).words.endswith("Its images are copies.")
    assert "The output is random." in outcome(result).words
