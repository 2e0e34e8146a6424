"""Confusion matrix and reliability plot, from what result.json holds."""

from sparring.report.classifier import MOST_CLASSES, confusion, reliability

TEST = {"confusion": [[3, 1], [0, 0]], "reliability": [[0.4, 0.5, 10], [0.9, 0.8, 90]]}
RESULT = {"classes": ["cat", "dog"], "classification": {"test": TEST}}


def test_cells_hold_counts_and_shares_of_their_class() -> None:
    made = confusion(RESULT)
    assert made is not None
    (name, cells), (_, empty) = made["rows"]
    assert (name, [cell["count"] for cell in cells], [cell["share"] for cell in cells]) == ("cat", [3, 1], [0.75, 0.25])
    assert [cell["right"] for cell in cells] == [True, False]
    assert [cell["share"] for cell in empty] == [0, 0]


def test_without_a_classifier_or_with_too_many_classes_there_is_none() -> None:
    assert confusion({}) is None
    assert reliability({"classification": {}}) is None
    wide = {"confusion": [[0] * (MOST_CLASSES + 1)] * (MOST_CLASSES + 1)}
    assert confusion({"classes": [], "classification": {"test": wide}}) is None


def test_a_dot_lies_at_its_confidence_and_accuracy() -> None:
    drawn = reliability(RESULT)
    assert drawn is not None
    assert drawn.count("<circle") == 2
    assert "90 images: confidence 90.0%, accuracy 80.0%" in drawn
    assert 'cx="253.2" cy="59.6" r="8.5"' in drawn  # 48 + 228 * 0.9, 8 + 258 * 0.2
