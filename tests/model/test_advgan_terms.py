"""AdvGAN's losses, statistics and validation scalars by hand."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from sparring.attack.evaluation.baselines import conclusion
from sparring.core.settings import radius
from sparring.model import advgan_terms as terms

LOGITS = [[2.0, 1.0, -1.0], [0.5, 3.0, 2.5], [0.0, 0.0, 4.0]]


@pytest.mark.parametrize(
    ("target_class", "confidence", "expected"),
    [
        (None, 0.0, [1.0, 0.0, 4.0]),  # z_label - best other: 2 - 1, 0.5 - 3 cut at 0, 4 - 0
        (None, 1.5, [1.0, -1.5, 4.0]),
        (None, 9.0, [1.0, -2.5, 4.0]),
        (1, 0.0, [1.0, 0.0, 4.0]),  # best other - z_1: 2 - 1, 2.5 - 3 cut, 4 - 0
        (1, 9.0, [1.0, -0.5, 4.0]),
        (2, 0.2, [3.0, 0.5, -0.2]),
    ],
)
def test_margin_by_hand(target_class: int | None, confidence: float, expected: list[float]) -> None:
    logits, label = torch.tensor(LOGITS, dtype=torch.float64), torch.tensor([0, 0, 2])
    assert terms.margin(logits, label, target_class, confidence).tolist() == expected


def test_norm_hinge_by_hand() -> None:
    change = (
        np.random.default_rng(0).normal(size=(5, 3, 4, 4)) * np.array([0.0, 0.1, 0.3, 0.5, 1.0])[:, None, None, None]
    )
    paper = [max(0.0, np.linalg.norm(each) - 0.5 * 0.4 * math.sqrt(48)) / (0.4 * math.sqrt(48)) for each in change]
    penalty = terms.norm_hinge(torch.tensor(change), radius(0.2), 0.5)
    np.testing.assert_allclose(penalty.numpy(), paper, atol=1e-12)
    assert paper[0] == 0 < paper[-1]
    none = torch.zeros(2, 1, 2, 2, requires_grad=True)
    terms.norm_hinge(none, 0.4, 0.0).sum().backward()
    assert none.grad is not None
    assert bool(none.grad.isfinite().all())


def test_statistics_show_one_perturbation_for_all_images() -> None:
    same, sign = torch.full((6, 1, 2, 2), -0.4), torch.tensor([0.4, -0.4] * 3).view(6, 1, 1, 1).expand(6, 1, 2, 2)
    fixed, varied = (terms.perturbation_statistics(change, 0.4) for change in (same, sign))
    assert [float(fixed[f"perturbation/{key}"]) for key in ("size", "saturated", "varied")] == [1, 1, 0]
    assert float(varied["perturbation/varied"]) == 1


def test_validation_scalars_by_hand() -> None:
    label, clean, adversarial = (
        torch.tensor([0, 0, 1, 1, 2]),
        torch.tensor([0, 0, 1, 0, 2]),
        torch.tensor([0, 2, 2, 1, 2]),
    )
    predictions = [torch.stack([label, clean, adversarial])[:, :3], torch.stack([label, clean, adversarial])[:, 3:]]
    # Right at first: images 0, 1, 2, 4; still right: 0 and 4 (3 was wrong before). Of the four not of class 2, two become it.
    scalars = terms.validation_scalars(predictions, 2)
    assert scalars == pytest.approx({"val/accuracy": 0.8, "val/robust_accuracy": 0.4, "val/hit_rate": 0.5})
    assert terms.validation_scalars([], None) == {}


METRICS: Mapping[str, Any] = {
    "split": "test", "images": 1000, "epsilon": 0.2, "accuracy_clean": 0.99, "robust_accuracy_noise": 0.95,
    "robust_accuracy_pgd": 0.01,
}  # fmt: skip


@pytest.mark.parametrize(
    ("robust_accuracy", "warning"), [(0.98, "no more than random signs"), (0.7, "less than half of PGD"), (0.2, "")]
)
def test_a_weak_perturber_gets_a_warning(robust_accuracy: float, warning: str) -> None:
    text = conclusion({**METRICS, "robust_accuracy_advgan": robust_accuracy})
    assert "99.0% clean, 95.0% under random signs" in text
    assert "1.0% under PGD-50" in text
    assert ("WARNING" in text) == bool(warning)
    assert warning in text
