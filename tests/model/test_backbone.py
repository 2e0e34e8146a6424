"""Backbones: shapes over sizes and channels, known parameter counts, and the whitening layer."""

import copy
import sys
from functools import cache
from types import ModuleType

import pytest
import torch
from omegaconf import DictConfig

from sparring.config.build import build
from sparring.core.errors import ConfigError
from sparring.core.pixels import normalise
from sparring.model.backbone.airbench import RIDGE, whitening
from sparring.model.backbone.base import Backbone
from sparring.model.backbone.resnet18 import ResNet18
from sparring.model.backbone.shared.residual import BasicBlock, Pointwise, PreBlock
from sparring.model.backbone.timm import Timm
from sparring.model.backbone.wide_resnet import WideResNet
from sparring.model.classifier import Classifier
from sparring.trained.runs import build_model
from tests.conftest import compose
from tests.leaves import leaves, slow_but


@cache
def settings_of(name: str) -> DictConfig:
    return compose("model=classifier", f"model/backbone={name}")


def network(name: str, channels: int, size: int) -> Backbone:
    """A leaf of conf/model/backbone, narrow where it has a width."""
    whole = copy.deepcopy(settings_of(name))
    whole.data.image_size = size
    config = whole.model.backbone
    narrow = {"width": 4, "widths": [4, 8, 8], "depth": 10}
    for key, value in ({"channels": channels, "num_classes": 7} | narrow).items():
        if key in config:
            config[key] = value
    try:
        built: Backbone = build(config, section="model")
    except ConfigError as error:
        if name != "timm" or "needs the package timm" not in str(error):
            raise
        pytest.skip("timm is not installed")
    return built.eval()


SHAPES = [(size, channels) for size in (8, 28, 32, 96) for channels in (1, 3, 4)]


@pytest.mark.parametrize("name", leaves("model/backbone"))
@pytest.mark.parametrize("shape", slow_but(SHAPES, (28, 1), (8, 3), (32, 4)), ids=str)
def test_shapes(name: str, shape: tuple[int, int]) -> None:
    size, channels = shape
    built = network(name, channels, size)
    image = torch.randn(2, channels, size, size)
    features = built.features(image)
    assert features.shape == (2, built.features_dim)
    assert built(image).shape == (2, 7)
    torch.testing.assert_close(built(image)[:1], built(image[:1]), atol=1e-5, rtol=1e-4)


def test_parameter_counts_are_the_papers() -> None:
    def count(made: torch.nn.Module) -> int:
        return sum(parameter.numel() for parameter in made.parameters())

    shape = {"channels": 3, "num_classes": 10}
    assert count(ResNet18(**shape, width=64)) == 11_173_962  # the common 32-pixel form
    assert (
        round(count(WideResNet(**shape, depth=16, width=4)) / 1e6, 1) == 2.7
    )  # Zagoruyko and Komodakis, table 4: 2.7 M
    assert round(count(WideResNet(**shape, depth=40, width=4)) / 1e6, 1) == 8.9  # table 4: 8.9 M


@pytest.mark.parametrize("kind", [BasicBlock, PreBlock])
def test_a_block_whose_residual_is_zero_passes_its_input(kind: type) -> None:
    block = kind(4, 4, stride=1).eval()
    torch.nn.init.zeros_(block.residual[3].weight)
    x = torch.rand(2, 4, 5, 5)
    torch.testing.assert_close(block(x), x)
    assert kind(4, 8, stride=2).eval()(torch.rand(2, 4, 8, 8)).shape == (2, 8, 4, 4)


def test_whitened_patches_are_uncorrelated() -> None:
    image = torch.randn(64, 2, 6, 6) @ torch.rand(6, 6)
    filters = whitening(image)
    assert filters.shape == (16, 2, 2, 2)
    torch.testing.assert_close(filters[8:], -filters[:8])
    responses = torch.nn.functional.conv2d(image, filters[:8]).permute(1, 0, 2, 3).flatten(1)
    covariance = responses.double().cov()
    patches = image.unfold(2, 2, 1).unfold(3, 2, 1).permute(1, 4, 5, 0, 2, 3).flatten(3).flatten(0, 2)
    variance = torch.linalg.eigvalsh(patches.double().cov())
    torch.testing.assert_close(covariance, (variance / (variance + RIDGE)).diag(), atol=1e-4, rtol=1e-4)


def test_constant_images_give_finite_filters() -> None:
    assert whitening(torch.full((4, 1, 8, 8), -1.0)).isfinite().all()


def test_both_networks_are_prepared_alike() -> None:
    model = build_model(compose("model=classifier", "data.image_size=8", "model/backbone=airbench"))
    assert isinstance(model, Classifier)

    class Data:
        batch_size = 4
        train_labels = torch.zeros(20)

        @staticmethod
        def train_images(indices: torch.Tensor) -> torch.Tensor:
            return torch.randint(0, 256, (20, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))[
                indices
            ]

    model.prepare(Data())
    expected = whitening(normalise(Data.train_images(torch.arange(20))))
    assert torch.equal(model.network.whitening, expected)  # type: ignore[arg-type]
    assert torch.equal(model.ema.whitening, expected)  # type: ignore[arg-type]


def test_a_depth_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="6 n \\+ 4"):
        build_model(compose("model=classifier", "model/backbone=wide_resnet", "model.backbone.depth=18"))


def test_pointwise_is_the_strided_convolution() -> None:
    x = torch.randn(2, 4, 9, 9, dtype=torch.float64, requires_grad=True)
    layer = Pointwise(4, 8, step=2).double()
    expected = torch.nn.functional.conv2d(x, layer.weight, stride=2)
    torch.testing.assert_close(layer(x), expected)
    weight = torch.randn_like(expected)
    ours, known = (torch.autograd.grad((y * weight).sum(), [x, layer.weight]) for y in (layer(x), expected))
    torch.testing.assert_close(ours, known)


@pytest.mark.parametrize("name", leaves("model/backbone"))
def test_no_pointwise_convolution_has_a_stride(name: str) -> None:
    """torch 2.13's backward pass of those corrupts memory on the CPU, which a test can only survive by not calling it."""
    convolutions = [each for each in network(name, 3, 32).modules() if isinstance(each, torch.nn.Conv2d)]
    strided = [each for each in convolutions if each.stride != (1, 1)]
    assert strided or "resnet" not in name
    assert all(each.kernel_size != (1, 1) for each in strided)


def test_timm_is_optional_and_used_as_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for the package, which needs torchvision: what is asked of it, and the refusals."""
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ConfigError, match="needs the package timm"):
        Timm(channels=1, num_classes=3, name="resnet26")

    def create_model(name: str, *, pretrained: bool, in_chans: int, num_classes: int) -> torch.nn.Module:
        assert (name, pretrained, num_classes) == ("resnet26", False, 0)
        body = torch.nn.Sequential(torch.nn.Conv2d(in_chans, 6, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
        body.num_features = 6  # type: ignore[assignment]
        return body

    known = ModuleType("timm")
    vars(known).update(create_model=create_model, is_model=lambda name: name == "resnet26", list_models=lambda _: ["a"])
    monkeypatch.setitem(sys.modules, "timm", known)
    assert Timm(channels=1, num_classes=3, name="resnet26")(torch.zeros(2, 1, 8, 8)).shape == (2, 3)
    with pytest.raises(ConfigError, match=r"name=resnet27 is no model of timm; near: a"):
        Timm(channels=1, num_classes=3, name="resnet27")
