"""Accuracy, confusion and calibration against hand-computed cases."""

import math

import pytest
import torch

from sparring.metric import classification


def logits_for(*probabilities: tuple[float, ...]) -> torch.Tensor:
    return torch.tensor(probabilities, dtype=torch.float64).log()


def test_confusion_and_per_class() -> None:
    logits, label = torch.eye(3)[[0, 0, 1, 1, 1]], torch.tensor([0, 1, 1, 1, 0])
    counts = classification.confusion(logits, label)
    assert counts.tolist() == [[1, 1, 0], [1, 2, 0], [0, 0, 0]]
    assert classification.per_class(counts) == [0.5, 2 / 3, None]
    assert math.isclose(classification.accuracy(logits, label), 0.6, rel_tol=1e-12)


def test_calibration_error_by_hand() -> None:
    # two images of confidence 0.9, one right: gap 0.4 over 2 of 3 images; one of confidence 0.6, right: gap 0.4 over 1 of 3
    logits = logits_for((0.9, 0.1), (0.9, 0.1), (0.6, 0.4))
    label = torch.tensor([0, 1, 0])
    assert math.isclose(classification.expected_calibration_error(logits.exp(), label), 0.4, rel_tol=1e-9)


def test_perfectly_calibrated_is_zero() -> None:
    logits = logits_for(*[(0.75, 0.25)] * 4)
    label = torch.tensor([0, 0, 0, 1])
    assert classification.expected_calibration_error(logits.exp(), label) < 1e-12


def test_report_is_plain() -> None:
    result = classification.report(logits_for((0.5, 0.5), (0.25, 0.75)), torch.tensor([0, 1]))
    assert result["images"] == 2
    assert math.isclose(result["cross_entropy"], -(math.log(0.5) + math.log(0.75)) / 2, rel_tol=1e-9)


@pytest.mark.parametrize("count", [0, 7, 8, 355])
def test_answers_survive_packing(count: int) -> None:
    right = torch.rand(count, generator=torch.Generator().manual_seed(count)) < 0.5
    text = classification.packed(right)
    assert torch.equal(classification.unpacked(text, count), right)
    assert len(text) <= 4 * (count / 8 / 3 + 2)


def test_report_says_which_images_are_right() -> None:
    result = classification.report(torch.eye(3)[[0, 0, 1, 2]], torch.tensor([0, 1, 1, 2]))
    assert classification.unpacked(result["right"], 4).tolist() == [True, False, True, True]


def test_the_surest_mistakes_come_first() -> None:
    probability = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.3, 0.7], [0.45, 0.55]])
    label = torch.tensor([0, 0, 0, 1, 0])  # right, wrong, wrong, right, wrong
    found = classification.mistakes(probability, label)
    assert [(each["image"], each["label"], each["answer"]) for each in found] == [(1, 0, 1), (2, 0, 1), (4, 0, 1)]
    assert found[0]["confidence"] == pytest.approx(0.8)
    assert classification.mistakes(probability, label, most=1) == found[:1]
    assert classification.mistakes(probability[:1], label[:1]) == []


def test_reliability_weighted_by_images_is_the_calibration_error() -> None:
    probability = torch.rand(200, 4, generator=torch.Generator().manual_seed(0)).double().softmax(1)
    label = torch.arange(200) % 4
    bins = classification.reliability(probability, label)
    assert sum(count for _, _, count in bins) == 200
    gap = sum(abs(confidence - accuracy) * count for confidence, accuracy, count in bins) / 200
    assert gap == pytest.approx(classification.expected_calibration_error(probability, label))
