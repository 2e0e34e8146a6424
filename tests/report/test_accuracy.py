"""What the page says of a classifier."""

from sparring.report.accuracy import accuracies, per_class

RESULT = {
    "classes": ["cat", "dog", "owl"],
    "metrics": {
        "test/accuracy": {"value": 0.75, "protocol": {"split": "test", "images": 8}},
        "test/ece": {"value": 0.0312, "protocol": {"split": "test", "images": 8}},
    },
    "classification": {
        "network": "ema",
        "test": {"per_class": [0.75, 0.75, None], "confusion": [[3, 1, 0], [0, 3, 1], [0, 0, 0]], "images": 8},
    },
}


def test_accuracies() -> None:
    assert list(accuracies(RESULT)) == [("Test accuracy", "75.00%", "8 images, calibration error 3.12%")]


def test_robust_accuracy_at_the_end_and_at_its_best() -> None:
    robust = {"value": 0.625, "protocol": {"images": 1000, "attack": "PGD", "steps": 10, "epsilon": 8 / 255}}
    result = {**RESULT, "metrics": {**RESULT["metrics"], "val/robust_accuracy/pgd@8/255": robust}}  # type: ignore[dict-item]
    title, value, note = list(accuracies(result))[-1]
    assert (title, value) == ("Robust validation accuracy", "62.50%")
    assert note == "1,000 images, PGD of 10 steps at 8/255 (0.03137)"
    kept = {"validation": {"best": {"iteration": 1200, "value": 0.7}}}
    assert list(accuracies({**result, **kept}))[-1][2] == note + "; best 70.00% at iteration 1,200"


def test_each_class_beside_the_one_it_is_taken_for() -> None:
    assert list(per_class(RESULT)) == [
        ("cat", "75.00% of 4, most often taken for dog (1)"),
        ("dog", "75.00% of 4, most often taken for owl (1)"),
        ("owl", "no test image"),
    ]


def test_a_gan_has_none() -> None:
    for result in ({}, {"metrics": {"val/fd_classifier_100": {"value": 3.2, "protocol": {}}}, "classes": ["cat"]}):
        assert list(accuracies(result)) == []
        assert list(per_class(result)) == []
