"""Enhancers and the games that train them: the start, what a step changes, what needs what."""

import pytest
import torch
from torch import nn

from sparring.config.build import build
from sparring.core.errors import ConfigError
from sparring.model.enhancer.base import Enhancer, enlarged
from sparring.trained.runs import build_model
from tests.conftest import compose
from tests.leaves import leaves

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
        (["model=restorer", "data.image_size=9"], "does not divide data.image_size=9"),
    ],
)
def test_what_cannot_work_is_refused(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_model(compose(*SMALL, *overrides))
