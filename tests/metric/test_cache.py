"""The cache of reference features: computed once, keyed by everything it depends on, verified when opened."""

import logging
from pathlib import Path

import pytest
import torch

from sparring.core.errors import DataError
from sparring.metric.cache import cached_features
from sparring.metric.features.base import Extracted
from sparring.metric.features.pixels import PixelFeatures
from sparring.metric.moments import Moments
from tests.metric.clouds import images

IMAGES = images(30, 1, 4)


class Counting(PixelFeatures):
    """Counts the images that go through it."""

    extracted = 0

    def __init__(self) -> None:
        super().__init__(batch_size=8)
        self.expect(channels=1, image_size=4)

    def extract(self, image: torch.Tensor) -> Extracted:
        self.extracted += len(image)
        features = super().extract(image).features
        return Extracted(features, features[:, :3])


def test_computed_once(tmp_path: Path) -> None:
    extractor = Counting()
    first = cached_features(extractor, IMAGES, fingerprint="f", split="train", cache_dir=tmp_path)
    again = cached_features(extractor, IMAGES, fingerprint="f", split="train", cache_dir=tmp_path)
    assert extractor.extracted == 30
    for cached in (first, again):
        assert torch.equal(cached.features, IMAGES.flatten(1).float() / 255)
        assert cached.logits is not None
        assert torch.equal(cached.logits, cached.features[:, :3])
        assert cached.moments.count == 30
        torch.testing.assert_close(cached.moments.covariance, Moments.of(cached.features).covariance)


def test_the_key_covers_images_split_and_protocol(tmp_path: Path) -> None:
    class Other(Counting):
        def protocol(self) -> dict[str, object]:
            return {**super().protocol(), "weights": "other"}

    extractor, other = Counting(), Other()
    for fingerprint, split in (("f", "train"), ("g", "train"), ("f", "val")):
        cached_features(extractor, IMAGES, fingerprint=fingerprint, split=split, cache_dir=tmp_path)
    cached_features(other, IMAGES, fingerprint="f", split="train", cache_dir=tmp_path)
    assert (extractor.extracted, other.extracted) == (90, 30)
    assert len(list((tmp_path / "features").iterdir())) == 4


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_damage_is_detected_reported_and_repaired(
    damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    extractor = Counting()
    cached_features(extractor, IMAGES, fingerprint="f", split="train", cache_dir=tmp_path)
    (file,) = tmp_path.glob("features/*/features.npy")
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.unlink()
    if damage != "remove":
        file.write_bytes(content if damage == "flip" else content[:-100])
    with caplog.at_level(logging.WARNING):
        cached = cached_features(extractor, IMAGES, fingerprint="f", split="train", cache_dir=tmp_path)
    assert "damaged" in caplog.text
    assert extractor.extracted == 60
    assert torch.equal(cached.features, IMAGES.flatten(1).float() / 255)
    assert [path.name for path in (tmp_path / "features").iterdir()] == [file.parent.name]


def test_a_failed_computation_leaves_nothing(tmp_path: Path) -> None:
    class Failing(Counting):
        def extract(self, image: torch.Tensor) -> Extracted:
            return Extracted(torch.full((len(image), 2), torch.nan), None)

    with pytest.raises(DataError, match="NaN"):
        cached_features(Failing(), IMAGES, fingerprint="f", split="train", cache_dir=tmp_path)
    assert not any((tmp_path / "features").iterdir())
    with pytest.raises(DataError, match="split val has no images"):
        cached_features(Counting(), IMAGES[:0], fingerprint="f", split="val", cache_dir=tmp_path)
