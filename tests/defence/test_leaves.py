"""Every defence of conf/defence: what attack.py and the attacks rely on."""

import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor, nn

from sparring.attack.evaluation.target import Target
from sparring.config.build import build
from sparring.defence.base import Defended, Prior
from tests.conftest import compose
from tests.leaves import leaves

SIDE, LATENT, CLASSES = 4, 3, 5
FEW = {"steps": 8, "restarts": 2}


class Generator(nn.Module):
    """Smooth images of 1 x 4 x 4 pixels, in classes."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(LATENT, SIDE**2)
        self.offset = nn.Embedding(CLASSES, SIDE**2)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return (self.linear(latent) + self.offset(label)).tanh().view(-1, 1, SIDE, SIDE)


def defended(leaf: str) -> nn.Module:
    torch.manual_seed(0)
    config = compose(f"defence={leaf}", "run=classifier", config="attack").defence
    for key in FEW.keys() & config.keys():
        config[key] = FEW[key]
    if OmegaConf.is_missing(config, "generator"):
        config.generator = "gan"
    classifier = nn.Sequential(nn.Flatten(), nn.Linear(SIDE**2, 8), nn.Tanh(), nn.Linear(8, CLASSES))
    prior = Prior(Generator().requires_grad_(False), LATENT, CLASSES) if config.get("generator") else None
    return build(config, section="defence").defend(classifier.requires_grad_(False).eval(), prior)


def images(count: int) -> Tensor:
    return torch.rand(count, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("leaf", leaves("defence"))
def test_logits_are_a_function_of_the_image_alone(leaf: str) -> None:
    target, image = Target(defended(leaf), rows=4), images(7)
    logits = target(image)
    assert logits.shape == (7, CLASSES)
    assert bool(logits.isfinite().all())
    assert torch.equal(logits, target(image))
    assert torch.equal(logits, torch.cat([target(part) for part in image.split(3)]))


@pytest.mark.parametrize("leaf", leaves("defence"))
def test_a_defence_has_a_gradient_or_says_how_bpda_gets_one(leaf: str) -> None:
    model, image = defended(leaf), images(3).requires_grad_()
    if getattr(model, "differentiable", True):
        (gradient,) = torch.autograd.grad(model(image).sum(), image)
    else:
        assert isinstance(model, Defended)
        logits = model.straight_through(image)
        torch.testing.assert_close(logits, model(image), rtol=0, atol=0)
        (gradient,) = torch.autograd.grad(logits[:, 0].sum(), image)
    assert bool(gradient.isfinite().all())
