"""Training on images that were made in Python: of every kind, read by later commands, in colour."""

from pathlib import Path

import numpy as np
import pytest
import torch

import sparring
from tests.api.tiny import OWN, TINY_OWN, Images


@pytest.mark.slow
def test_images_of_every_kind_are_the_same_data(images: Images) -> None:
    """The splits' fingerprints are those of the same bytes, and a test split that is given is the test split."""
    pixels, labels = images
    forms = [
        (pixels.numpy(), labels.numpy()),
        (pixels / 255, labels),
        torch.utils.data.TensorDataset(pixels / 127.5 - 1, labels),
    ]
    prints = [sparring.train(TINY_OWN, data=form).result["data"]["fingerprints"] for form in forms]
    assert prints[0] == prints[1] == prints[2]
    run = sparring.train(TINY_OWN, data={"train": images, "test": (pixels[:30], labels[:30])})
    assert run.result["data"]["fingerprints"]["test"] != prints[0]["test"]
    assert run.result["classes"] == ["0", "1", "2"]


@pytest.mark.slow
def test_a_run_on_own_images_is_read_by_commands_until_the_cache_is_gone(
    images: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("SPARRING_CACHE_DIR", str(cache))
    run = sparring.train(TINY_OWN, data=images)
    measured = sparring.evaluate(
        run, "metric/features=pixels", "metric.names=[fd]", "count=20", "repeats=1", "report=false"
    )
    assert measured.status == "finished"
    for file in cache.rglob("meta.json"):
        file.unlink()
    with pytest.raises(
        sparring.DataError, match=r"were given in Python and are no longer in the cache: give them again"
    ):
        sparring.evaluate(run, "metric/features=pixels", "report=false")
    with pytest.raises(sparring.DataError, match="was trained on other images: give those"):
        sparring.open(run, data=(images[0] // 2, images[1]))
    sparring.open(run, data=images)
    assert list(cache.rglob("meta.json"))


@pytest.mark.slow
def test_images_of_colour_and_a_configuration_that_fits_them() -> None:
    images, labels = np.random.default_rng(0).random((60, 3, 8, 8)), np.arange(60) % 10
    fits = sparring.compose("train", OWN, "data.image_size=8", "data.channels=3", "model.generator.width=8")
    run = sparring.train(fits, data=(images, labels))
    assert run.sample(2)[0].shape == (2, 3, 8, 8)
    assert run.config.data.name == "arrays"
