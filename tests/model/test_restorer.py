"""Enhancers and the games that train them: the start, what a step changes, what needs what."""

import itertools

import pytest
import torch
from torch import nn

from sparring.config.build import build
from sparring.core.errors import ConfigError
from sparring.model.enhancer.base import Enhancer, enlarged
from sparring.trained.runs import build_model
from tests.conftest import compose
from tests.leaves import leaves
from tests.model.test_zoo import one_iteration

SMALL = ["data.image_size=8", "model.enhancer.width=4", "model.enhancer.blocks=1"]


@pytest.mark.parametrize("leaf", leaves("model/enhancer"))
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_an_untrained_enhancer_is_the_bicubic_enlargement_at_any_size(leaf: str, factor: int) -> None:
    config = compose("model=restorer", f"model/enhancer={leaf}", *SMALL, f"model.degradation.factor={factor}")
    network: Enhancer = build(config.model, section="model").enhancer.eval()
    image = torch.rand(2, 1, 5, 7) * 2 - 1
    torch.testing.assert_close(network(image), enlarged(image, factor))
    with torch.no_grad():
        for weight in network.parameters():
            nn.init.constant_(weight, 0.1)
    assert float(network(image).detach().abs().max()) <= 1


def test_an_output_depends_on_its_reach_alone() -> None:
    torch.manual_seed(0)
    network = build(compose("model=restorer", *SMALL).model, section="model").enhancer.eval()
    nn.init.normal_(network.last.weight)
    image = torch.rand(1, 1, 1, 40, requires_grad=True)
    network(image)[0, 0, 0, 40].backward()
    touched = image.grad[0, 0, 0].nonzero().flatten()  # type: ignore[index]
    assert int((touched - 20).abs().max()) <= network.reach


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model=restorer", "model.pixel_weight=-1"], "pixel_weight=-1"),
        (["model=restorer", "model.task_weight=1"], r"task_weight needs a classifier: give model.classifier=<run>"),
        (["model=srgan", "model.gan_weight=-1"], "gan_weight=-1"),
        (["model=srgan", "model/head=projection"], "set model/head=none"),
        (["model=srgan", "model/loss=wasserstein"], "grows without bound"),
        (["model=srgan", "model/regularizer=[zcr]"], r"model=srgan has none; set model/regularizer=\[\]"),
        (["model=restorer", "data.image_size=9"], "does not divide data.image_size=9"),
    ],
)
def test_what_cannot_work_is_refused(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_model(compose(*SMALL, *overrides))


REGULARIZERS = [name for name in leaves("model/regularizer") if name not in ("zcr", "path_length")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("discriminator", "regularizers"),
    [
        *zip(leaves("model/discriminator"), itertools.repeat(["r1"])),
        *(("conv", [name]) for name in REGULARIZERS if name != "r1"),
    ],
    ids=str,
)
def test_srgan_takes_every_discriminator_and_regularizer(discriminator: str, regularizers: list[str]) -> None:
    torch.manual_seed(0)
    loss = "wasserstein" if "wgan_gp" in regularizers else "rpgan"
    chosen = [
        f"model/discriminator={discriminator}",
        f"model/regularizer=[{','.join(regularizers)}]",
        f"model/loss={loss}",
    ]
    model = build_model(compose("model=srgan", *SMALL, "model.discriminator.width=4", *chosen))
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    one_iteration(model, channels=1, size=8)
    values = model.meter.last()
    assert all(bool(value.isfinite()) for value in values.values()), values
    terms = {name for name in values if name.startswith("penalty/")}
    assert bool(terms) == (regularizers[0] != "weight_clipping")
    for player in ("enhancer", "discriminator"):
        assert any(
            not torch.equal(before[name], model.get_parameter(name)) for name in before if name.startswith(f"{player}.")
        ), player


def test_a_penalty_of_srgan_is_that_of_its_formula() -> None:
    model = build_model(
        compose(
            "model=srgan",
            *SMALL,
            "model.discriminator.width=4",
            "model/regularizer=[r1]",
            "model.regularizer.r1.interval=1",
        )
    )
    image = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1
    label = torch.zeros(3, dtype=torch.int64)
    asked = image.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(model.discriminator(asked, label).sum(), asked)
    expected = model.regularizers["r1"].gamma / 2 * gradient.square().flatten(1).sum(1).mean()
    optimizers = dict(zip(model.factories, model.configure_optimizers(), strict=True))
    model.players = lambda: optimizers
    model.manual_backward = lambda loss: loss.backward()
    model.batch_size = 3
    model.discriminator_step(model.degradation(image, seed=0, index=torch.arange(3)), image, label)
    torch.testing.assert_close(model.meter.last()["penalty/r1"], expected)
