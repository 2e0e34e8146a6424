"""Tiny classifiers under adversarial training."""

from functools import cache

import torch
from omegaconf import DictConfig
from torch import Tensor
from torch.nn.functional import one_hot

from sparring.model.classifier import Classifier, smoothed
from sparring.model.step.draws import Draws
from sparring.trained.runs import build_model
from tests.conftest import compose
from tests.leaves import leaves

SMALL = ["model=classifier", "data.image_size=8", "model.backbone.width=4", "report=false", "trainer.accelerator=cpu"]
EPSILON = 0.2
LEAVES = [leaf for leaf in leaves("model/robust") if leaf != "none"]


@cache
def settings_of(robust: str, *overrides: str) -> DictConfig:
    return compose(*SMALL, f"model/robust={robust}", f"model.robust.epsilon={EPSILON}", *overrides)


def model_of(robust: str, *overrides: str, count: int = 6) -> Classifier:
    torch.manual_seed(0)
    model = build_model(settings_of(robust, *overrides))
    assert isinstance(model, Classifier)
    model.batch_size = count
    return model


def draws_of(model: Classifier, rows: slice = slice(None), iteration: int = 0) -> Draws:
    return model.draws("robust", iteration, rows=rows)


def batch(count: int = 6, *, soft: bool) -> tuple[Tensor, Tensor]:
    """Images (N, 1, 8, 8) in [-1, 1] that touch both ends of the range, and class probabilities (N, 10)."""
    draws = torch.Generator().manual_seed(1)
    image = (torch.rand(count, 1, 8, 8, generator=draws) * 3 - 1.5).clamp(-1, 1)
    target = one_hot(torch.arange(count) % 10, 10).float()
    return image, smoothed(target.lerp(target.flip(0), 0.3), 0.1) if soft else target
