"""Confusion matrix and reliability plot, from what result.json holds."""

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from sparring.core.picture import write_png
from sparring.report.classifier import MISTAKE_BYTES, MOST_CLASSES, confusion, mistakes, reliability

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


def test_every_mistake_has_its_own_picture_and_class_names(tmp_path: Path) -> None:
    rows = [
        {"image": 7, "label": 0, "answer": 1, "confidence": 0.987},
        {"image": 2, "label": 1, "answer": 0, "confidence": 0.5},
    ]
    result = {"classes": ["cat", "dog"], "classification": {"test": TEST | {"mistakes": rows}}}
    assert mistakes(result, tmp_path) == []  # of a run from before there was a picture
    strip = np.concatenate([np.full((4, 4, 3), 50, np.uint8), np.full((4, 4, 3), 200, np.uint8)], axis=1)
    write_png(tmp_path / "mistakes.png", strip)
    first, second = mistakes(result, tmp_path)
    assert (first["is"], first["answer"], first["confidence"]) == ("cat", "dog", "98.7%")
    for each, level in ((first, 50), (second, 200)):
        picture = Image.open(io.BytesIO(base64.b64decode(each["uri"].partition(",")[2])))
        assert (picture.size, np.unique(np.asarray(picture)).tolist()) == ((4, 4), [level])
    noise = np.random.default_rng(0).integers(0, 256, (256, 512, 3), dtype=np.uint8)
    write_png(tmp_path / "mistakes.png", noise)
    assert all(len(each["uri"]) < 4 / 3 * MISTAKE_BYTES + 100 for each in mistakes(result, tmp_path))
    assert mistakes({"classes": ["cat"], "classification": {"test": TEST}}, tmp_path) == []
