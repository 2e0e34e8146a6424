"""What a step saves changes no value: it is held against the same step in its plain form."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import sparring.model.gan as gan_module
from sparring.model.gan import GAN
from sparring.model.layer.spectral import SpectralNorm, power_iteration
from sparring.model.regularizer.base import squared_gradient_norm
from sparring.model.step.views import DiscriminatorView
from tests.model.alone import alone, weights

TINY = ["data.image_size=8", "model.generator.width=4", "model.discriminator.width=4"]


@contextmanager
def each_pass_by_itself(network: nn.Module, *, graph: bool = True, update: bool = True) -> Iterator[None]:
    """In place of `weights_once`: one power iteration, then every pass computes its weights anew."""
    lists = [m for m in network.modules() if isinstance(m, nn.utils.parametrize.ParametrizationList)]
    norms = [(norm, each.original) for each in lists for norm in each if isinstance(norm, SpectralNorm)]
    for norm, weight in norms:
        if update:
            power_iteration([norm], [norm.matrix(weight.detach())])
        norm.training = False
    yield
    for norm, _ in norms:
        norm.training = True


def own_gradient(view: DiscriminatorView, side: str) -> Tensor:
    output = getattr(view, side)
    return squared_gradient_norm(output.image, output.logits)


def stepped(*overrides: str, steps: int) -> dict[str, Tensor]:
    model, batches = alone(*TINY, *overrides, batch=6, dtype=torch.float64)
    assert isinstance(model, GAN)
    for number in range(steps):
        model.training_step(batches[number], number)
    return weights(model)


@pytest.mark.parametrize(
    "overrides",
    [
        ["model=sngan"],
        ["model=sngan", "model.accumulate=2", "model.d_steps=2"],
        ["model=rpgan"],
        pytest.param(["model=wgan_gp"], marks=pytest.mark.slow),
        ["model=biggan"],
        pytest.param(["model=contragan"], marks=pytest.mark.slow),
        ["model=stylegan2", "model.regularizer.r1.interval=2"],
        ["model=dcgan"],
        ["model=rpgan", "model.discriminator.spectral_norm=true", "model/regularizer=[r1,cr,bcr,zcr]"],
        ["model=robgan"],
    ],
    ids=" ".join,
)
def test_a_step_has_the_values_of_its_plain_form(overrides: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Real and generated images by themselves, weights computed in every pass, a backward pass for each penalty."""
    found = stepped(*overrides, steps=3)
    real_init: Any = GAN.__init__

    def apart(self: GAN, **settings: Any) -> None:
        real_init(self, **settings)
        self._together = False

    monkeypatch.setattr(GAN, "__init__", apart)
    monkeypatch.setattr(gan_module, "weights_once", each_pass_by_itself)
    monkeypatch.setattr(DiscriminatorView, "squared_gradient_norm", own_gradient)
    for name, plain in stepped(*overrides, steps=3).items():
        torch.testing.assert_close(found[name], plain, rtol=1e-7, atol=1e-8, msg=lambda text, n=name: f"{n}: {text}")
