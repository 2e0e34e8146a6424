"""Extractors: the networks against independent ones of equal weights, resizes against their formulas, and the contract."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sparring.core.errors import CheckpointError, ConfigError, DataError
from sparring.metric.features.base import Features
from sparring.metric.features.classifier import ClassifierFeatures
from sparring.metric.features.dinov2 import DinoV2
from sparring.metric.features.inception import Inception
from sparring.metric.features.lite0 import PACKAGE, Lite0
from sparring.metric.features.pixels import PixelFeatures
from sparring.metric.naming import metric_name
from sparring.metric.network.inception_v3 import InceptionV3
from sparring.metric.network.pretrained import Published, locate
from tests.metric.clouds import images
from tests.metric.fidelity import fidelity
from tests.metric.randomised import randomised


@pytest.fixture(scope="module")
def inception_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(randomised(InceptionV3()).state_dict(), file)
    return file


def lite0(image_size: int = 32, batch_size: int = 4) -> Lite0:
    pytest.importorskip(PACKAGE, reason="the extra lite0 is not installed")
    return Lite0(image_size=image_size, batch_size=batch_size)


class Small(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(2)
        )
        self.head = nn.Linear(24, 5)

    def features(self, image: Tensor) -> Tensor:
        return self.body(image).flatten(1)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.features(image))


def pixels(channels: int, image_size: int, batch_size: int = 8) -> PixelFeatures:
    extractor = PixelFeatures(batch_size=batch_size)
    extractor.expect(channels=channels, image_size=image_size)
    return extractor


def classifier(channels: int = 3, batch_size: int = 4) -> ClassifierFeatures:
    extractor = ClassifierFeatures(run=None, batch_size=batch_size)
    extractor.attach(randomised(Small(channels)), channels=channels, image_size=8, weights="abc")
    return extractor


@pytest.mark.slow
def test_inception_equals_torch_fidelity(inception_file: Path) -> None:
    module = fidelity("torch_fidelity.feature_extractor_inceptionv3")
    theirs = module.FeatureExtractorInceptionV3(
        "test", ["2048", "logits_unbiased"], feature_extractor_weights_path=str(inception_file)
    )
    image = images(2, 3, 32)
    features, logits = theirs(image)
    ours = Inception(path=str(inception_file), cache_dir="unused", batch_size=2).extract(image)
    assert float((ours.features - features).norm() / features.norm()) < 1e-5
    assert float((ours.logits - logits).norm() / logits.norm()) < 1e-5


def test_lite0_recognises_photographs() -> None:
    """ImageNet's classes 698, palace, and 985, daisy: weights, padding, range and names are all right."""
    from sklearn.datasets import load_sample_image

    extractor = lite0(image_size=224)
    for name, label in (("china.jpg", 698), ("flower.jpg", 985)):
        image = torch.from_numpy(load_sample_image(name)[:, 106:533].copy()).permute(2, 0, 1)[None]
        logits = extractor.extract(image).logits
        assert logits is not None
        assert int(logits.argmax()) == label, name


@pytest.mark.parametrize("name", ["pixels", "lite0", "classifier"])
def test_the_same_whatever_the_batch_size(name: str) -> None:
    def extractor(batch_size: int) -> Features:
        if name == "pixels":
            return pixels(3, 8, batch_size)
        return classifier(batch_size=batch_size) if name == "classifier" else lite0(batch_size=batch_size)

    image = images(11, 3, 8)
    whole = extractor(64).extract(image)
    for size in (1, 4):
        extracted = extractor(size).extract(image)
        torch.testing.assert_close(extracted.features, whole.features, rtol=1e-5, atol=1e-5)
        if whole.logits is not None:
            torch.testing.assert_close(extracted.logits, whole.logits, rtol=1e-5, atol=1e-5)
    assert whole.features.dtype == torch.float32
    assert torch.equal(extractor(64)(image), whole.features)


def test_one_channel_is_three_equal_ones_and_the_protocol_says_so() -> None:
    extractor = lite0()
    grey = images(2, 1, 16)
    torch.testing.assert_close(extractor(grey), extractor(grey.repeat(1, 3, 1, 1)), rtol=0, atol=0)
    assert "repeated" in extractor.protocol()["channels"]
    with pytest.raises(ConfigError, match="1 or 3 channels, got 4"):
        extractor(images(2, 4, 16))


def test_pixels_in_closed_form() -> None:
    image = torch.tensor([[[[0, 51], [102, 255]]]], dtype=torch.uint8)
    torch.testing.assert_close(pixels(1, 2)(image), torch.tensor([[0.0, 0.2, 0.4, 1.0]]))


def test_classifier_features_and_logits_are_the_networks_own() -> None:
    extractor, image = classifier(), images(3, 3, 8)
    network = extractor.network
    scaled = image.float() / 127.5 - 1
    extracted = extractor.extract(image)
    assert (extractor.dim, extractor.num_classes, network.training) == (24, 5, False)
    torch.testing.assert_close(extracted.features, network.features(scaled), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(extracted.logits, network(scaled), rtol=1e-5, atol=1e-5)


def test_logits_that_are_no_head_on_the_features_come_from_the_network() -> None:
    network = randomised(Small(1))
    network.forward = lambda image: 2 * network.head(network.features(image))  # type: ignore[method-assign]
    extractor = ClassifierFeatures(run=None, batch_size=4)
    extractor.attach(network, channels=1, image_size=8, weights="abc")
    extracted = extractor.extract(images(2, 1, 8))
    torch.testing.assert_close(extracted.logits, 2 * network.head(extracted.features))


def test_what_is_refused(inception_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"need uint8 \(N, C, H, W\) images, got torch.float32"):
        PixelFeatures(batch_size=8)(torch.zeros(1, 1, 2, 2))
    with pytest.raises(ConfigError, match="has no network yet"):
        ClassifierFeatures(run=None, batch_size=8).protocol()
    with pytest.raises(ConfigError, match="has no features"):
        ClassifierFeatures(run=None, batch_size=8).attach(nn.Linear(2, 2), channels=1, image_size=8, weights="")
    with pytest.raises(ConfigError, match=r"shape \(3, 8, 8\), got \(1, 8, 8\)"):
        classifier()(images(1, 1, 8))
    with pytest.raises(CheckpointError, match="not the weights of VisionTransformer"):
        DinoV2(path=str(inception_file), cache_dir="unused", image_size=28, batch_size=2)(images(1, 3, 8))
    broken = tmp_path / "broken.pth"
    broken.write_bytes(inception_file.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="no readable file of weights"):
        Inception(path=str(broken), cache_dir="unused", batch_size=2)(images(1, 3, 8))
    with pytest.raises(DataError, match="does not exist"):
        Inception(path=str(tmp_path / "no.pth"), cache_dir="unused", batch_size=2).protocol()


def test_weights_are_downloaded_once_and_only_if_the_hash_is_right(tmp_path: Path) -> None:
    import hashlib

    source = tmp_path / "source.pth"
    source.write_bytes(b"weights")
    right = Published("w.pth", source.as_uri(), hashlib.sha256(b"weights").hexdigest())
    file = locate(right, None, tmp_path / "cache")
    assert file.read_bytes() == b"weights"
    file.write_bytes(b"damaged")
    assert locate(right, None, tmp_path / "cache").read_bytes() == b"weights"
    source.unlink()
    assert locate(right, None, tmp_path / "cache") == file  # no second download
    with pytest.raises(DataError, match="cannot be fetched"):
        locate(right, None, tmp_path / "other")
    source.write_bytes(b"something else")
    with pytest.raises(CheckpointError, match="nothing was kept"):
        locate(right, None, tmp_path / "other")
    assert not any((tmp_path / "other" / "weights").iterdir())


def test_names_say_what_a_value_was_computed_from(inception_file: Path) -> None:
    own = PixelFeatures(batch_size=8)
    assert metric_name("fd", own, 10_000) == "fd_pixels_10k"
    assert metric_name("kid", own, 2500) == "kid_pixels_2500"
    assert metric_name("fd", own, 50_000, whole_train=True) == "fd_pixels_50k"
    other = Inception(path=str(inception_file), cache_dir="unused", batch_size=2)
    assert metric_name("fd", other, 50_000, whole_train=True) == "fd_inception_50k"  # weights of someone's own

    class Genuine(Inception):
        standard = True  # the published file is not at hand in a test

    genuine = Genuine(path=None, cache_dir="unused", batch_size=2)
    assert metric_name("fd", genuine, 50_000, whole_train=True) == "fid50k"
    assert metric_name("fd", genuine, 50_000) == "fd_inception_50k"
    assert metric_name("fd", genuine, 10_000, whole_train=True) == "fd_inception_10k"
    assert metric_name("kid", genuine, 50_000, whole_train=True) == "kid_inception_50k"
    with pytest.raises(ConfigError, match="has no name"):
        metric_name("fd", own, 0)


class Given(Features):
    """Features and logits of the shapes that a test wants."""

    name, dim = "given", 4

    def __init__(self, features: tuple[int, ...], logits: tuple[int, ...] | None) -> None:
        super().__init__(batch_size=8)
        self.shapes = features, logits

    def protocol(self) -> dict[str, object]:
        return {}

    def _extract(self, image: Tensor) -> tuple[Tensor, Tensor | None]:
        features, logits = self.shapes
        return torch.zeros(features), None if logits is None else torch.zeros(logits)


@pytest.mark.parametrize(
    ("features", "logits", "sentence"),
    [
        ((6,), None, r"given features of 6 images have the shape \(6,\), expected \(images, dim\) = \(6, 4\)"),
        ((6, 5), None, r"have the shape \(6, 5\)"),
        ((1, 4), None, r"have the shape \(1, 4\)"),
        ((6, 4, 1), None, r"have the shape \(6, 4, 1\)"),
        ((6, 4), (6,), r"given logits of 6 images have the shape \(6,\)"),
        ((6, 4), (1, 3), r"logits of 6 images have the shape \(1, 3\)"),
    ],
)
def test_features_of_another_shape_than_stated_are_refused(
    features: tuple[int, ...], logits: tuple[int, ...] | None, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Given(features, logits).extract(torch.zeros(6, 1, 8, 8, dtype=torch.uint8))
    assert Given((6, 4), (6, 3)).extract(torch.zeros(6, 1, 8, 8, dtype=torch.uint8)).features.shape == (6, 4)
