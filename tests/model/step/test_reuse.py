"""Images of D's step that G's step learns from (`model.reuse_fakes`): a plain loop, statistics, and what it cannot work with."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import softplus

from sparring.core.errors import ConfigError
from sparring.model.gan import GAN
from tests.model.alone import Counted, alone, weights

TINY = ["data=digits", "data.image_size=8", "model.generator.width=4", "model.discriminator.width=4"]


def gan(*overrides: str) -> tuple[GAN, object]:
    model, batches = alone(*TINY, *overrides, dtype=torch.float64)
    assert isinstance(model, GAN)
    return model, batches


@pytest.mark.parametrize("d_steps", [1, 2])
def test_a_step_is_that_of_a_plain_loop(d_steps: int) -> None:
    """DCGAN's script: fakes once, detached for D, with their graph for G after D's step; BatchNorm's statistics included."""
    model, batches = gan("model=dcgan", "model.reuse_fakes=true", f"model.d_steps={d_steps}")
    g, d = copy.deepcopy(model.generator), copy.deepcopy(model.discriminator)
    assert any(isinstance(each, nn.BatchNorm2d) for each in g.modules())
    optimizers = [torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (g, d)]
    for number in range(3):
        for step, chunk in enumerate(batches[number]["discriminator"]):
            draw = number * d_steps + step
            latent = model_latent(model, draw)
            label = torch.multinomial(model.class_prior, 8, replacement=True, generator=model_label_draws(model, draw))
            fake = g(latent, label)
            loss = softplus(-d(chunk.image.double(), chunk.label)).mean() + softplus(d(fake.detach(), label)).mean()
            learn(optimizers[1], loss)
        learn(optimizers[0], softplus(-d(fake, label)).mean())
        optimizers[1].zero_grad()
        model.training_step(batches[number], number)
    for ours, plain in ((model.generator, g), (model.discriminator, d)):
        for name, value in weights(plain).items():
            torch.testing.assert_close(weights(ours)[name], value, rtol=1e-9, atol=1e-11)


def model_latent(model: GAN, draw: int) -> torch.Tensor:
    model.batch_size = 8
    return model.draws("discriminator", draw).normal("latent", model.latent_dim)


def model_label_draws(model: GAN, draw: int) -> torch.Generator:
    return model.random("label", "discriminator", draw)


def learn(optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()


@pytest.mark.slow
def test_a_generator_with_spectral_norm_iterates_once_a_step_and_makes_one_pass_less() -> None:
    counts, vectors = {}, {}
    for reuse in ("true", "false"):
        model, batches = gan("model=sagan", f"model.reuse_fakes={reuse}", "data.image_size=16")
        with Counted() as counted:
            model.training_step(batches[0], 0)
        counts[reuse] = counted
        vectors[reuse] = {name: value for name, value in weights(model.generator).items() if name.endswith("._u")}
    assert counts["true"].flops < 0.95 * counts["false"].flops
    start, _ = gan("model=sagan", "data.image_size=16")
    for name, once in vectors["true"].items():
        norm = start.generator.get_submodule(name.rpartition(".")[0])
        weight = start.generator.get_parameter(name.replace("0._u", "original"))
        matrix = norm.matrix(weight)
        expected = nn.functional.normalize(matrix @ norm._v, dim=0)
        torch.testing.assert_close(once, expected)


def test_what_it_cannot_work_with() -> None:
    with pytest.raises(ConfigError, match=r"step has other real images than D's"):
        gan("model=rpgan", "model.reuse_fakes=true")
    with pytest.raises(ConfigError, match=r"model.accumulate=2 parts at once"):
        gan("model=dcgan", "model.reuse_fakes=true", "model.accumulate=2")
