"""Attribution methods against closed forms; what every method keeps to."""

import pytest
import torch
from torch import nn

from sparring.attribution.base import Attribution
from sparring.attribution.grad_cam import GradCAM, layers_with_maps
from sparring.attribution.integrated_gradients import IntegratedGradients
from sparring.attribution.occlusion import Occlusion, windows
from sparring.attribution.smooth_grad import SmoothGrad
from sparring.config.build import build
from sparring.core.errors import ConfigError
from tests.attribution.networks import Convolutions, Linear, SameFunction, TwoInputs
from tests.conftest import compose
from tests.leaves import single_leaves

BLACK = torch.tensor(-1.0)
INDEX = torch.arange(4)


def attribute(method: Attribution, network: nn.Module, image: torch.Tensor, **changes: torch.Tensor) -> torch.Tensor:
    given = {"target": torch.zeros(len(image), dtype=torch.int64), "baseline": BLACK, "index": INDEX[: len(image)]}
    return method(network, image, seed=0, **(given | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("network", [TwoInputs(), SameFunction()], ids=["two_inputs", "same_function"])
def test_integrated_gradients_have_the_values_of_the_paper(network: nn.Module) -> None:
    image = torch.tensor([3.0, 1.0]).view(1, 1, 1, 2)
    found = attribute(IntegratedGradients(steps=300), network, image, baseline=torch.tensor(0.0))
    torch.testing.assert_close(found.flatten(), torch.tensor([1.5, -0.5]), atol=1e-6, rtol=0)


def test_integrated_gradients_of_a_linear_network_are_exact() -> None:
    weight, image = torch.randn(2, 3, 3), torch.rand(4, 2, 3, 3)
    found = attribute(IntegratedGradients(steps=1), Linear(weight), image)
    torch.testing.assert_close(found, (weight * (image + 1)).sum(1))


def test_smooth_grad_of_a_linear_network_is_its_weight() -> None:
    weight = torch.randn(2, 3, 3)
    found = attribute(SmoothGrad(samples=2, noise=0.5), Linear(weight), torch.rand(4, 2, 3, 3))
    torch.testing.assert_close(found, weight.abs().sum(0).expand(4, -1, -1))


def test_occlusion_of_a_linear_network_is_the_mean_over_its_windows() -> None:
    weight, image = torch.zeros(1, 4, 4), torch.ones(2, 1, 4, 4)
    weight[0, 0, 0] = 1.0  # the logit falls by 2 where a window hides this pixel
    found = attribute(Occlusion(window=0.5, stride=0.25), Linear(weight), image)
    expected = torch.zeros(4, 4)
    expected[:2, :2] = torch.tensor([[2.0, 1.0], [1.0, 0.5]])  # one of 1, 2 and 4 windows over the pixel
    torch.testing.assert_close(found, expected.expand(2, -1, -1))


def test_windows_reach_both_edges() -> None:
    assert [(each.start, each.stop) for each in windows(7, 0.5, 0.25)] == [(0, 4), (2, 6), (3, 7)]


def test_grad_cam_shows_where_the_feature_is() -> None:
    class Detector(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.maps = nn.Conv2d(1, 1, 1)
            nn.init.ones_(self.maps.weight)
            nn.init.ones_(self.maps.bias)

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return self.maps(image).mean((2, 3))

    image = -torch.ones(1, 1, 4, 4)
    image[0, 0, 1, 2] = 1.0
    found = attribute(GradCAM(layer=None), Detector(), image)[0]
    expected = torch.zeros(4, 4)
    expected[1, 2] = 2 / 16  # mean gradient 1/16, feature 2
    torch.testing.assert_close(found, expected)


def test_grad_cam_finds_the_layers_of_a_network_and_lists_them() -> None:
    image = torch.zeros(2, 1, 8, 8)
    assert layers_with_maps(Convolutions(), image) == ["first", "second"]
    GradCAM(layer="first").check(Convolutions(), image)
    with pytest.raises(
        ConfigError, match=r"layer=secnd is no layer .*did you mean second\? the layers are first, second"
    ):
        GradCAM(layer="secnd").check(Convolutions(), image)
    with pytest.raises(ConfigError, match="the network has none"):
        GradCAM(layer=None).check(nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), image)


@pytest.mark.parametrize("leaf", single_leaves("attribution"))
def test_every_method_returns_a_map_and_leaves_the_network_alone(leaf: str) -> None:
    method: Attribution = build(
        compose(f"attribution={leaf}", "run=x", config="explain").attribution, section="attribution"
    )
    network, image = Convolutions(3).train(), torch.rand(4, 3, 8, 8)
    target = torch.tensor([0, 1, 2, 1])
    found = attribute(method, network, image, target=target)
    assert found.shape == (4, 8, 8)
    assert found.isfinite().all()
    assert method.signed or bool((found >= 0).all())
    assert network.training
    assert all(weight.requires_grad and weight.grad is None for weight in network.parameters())
    part = attribute(method, network, image[1:3], target=target[1:3], index=INDEX[1:3])
    torch.testing.assert_close(part, found[1:3], atol=1e-5, rtol=1e-4)  # an image's map does not depend on its batch


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Occlusion(window=0.2, stride=0.4), "stride <= window"),
        (lambda: SmoothGrad(samples=0, noise=0.1), "samples=0"),
        (lambda: SmoothGrad(samples=1, noise=0.0), "noise=0.0"),
        (lambda: IntegratedGradients(steps=0), "steps=0"),
    ],
)
def test_settings_out_of_range_are_refused(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError, match=message):
        make()
