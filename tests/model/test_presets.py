"""GAN presets are worth typing: after a few CPU-seconds they draw the class asked for, and not one image of it.

The bounds at full length, on digits of 16 pixels and Fashion-MNIST, are `python benchmarks/zoo.py` (docs/zoo.md).
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor

from sparring.config.build import build
from sparring.core.pixels import normalise
from sparring.generation.sampler import Sampler, joined
from sparring.metric.diversity import intra_class_diversity, within_class_variance
from sparring.trained.runs import Runs
from tests.conftest import CONF, compose, trained_here

CLASSES = [0, 1, 4]  # of the digits: labels of few classes are learned several times sooner than of ten
# Of three classes gan draws few images each (diversity 0.2 to 0.3 after 300 to 1000 iterations), of ten more.
TEN = {"gan": "data.batch_size=64"}
# Iterations of 32 images, on digits of 8 pixels, after which each was seen well above the bounds.
BUDGET = {
    "gan": 700, "dcgan": 600, "lsgan": 600, "wgan": 300, "wgan_gp": 150, "dragan": 200, "sngan": 250, "projgan": 300,
    "acgan": 500, "sagan": 300, "biggan": 150, "reacgan": 200, "stylegan2": 200, "stylegan2_ada": 200, "r3gan": 200,
    "rpgan": 150, "robgan": 200, "gan_classifier": 150,
}  # fmt: skip
ACCURACY, DIVERSITY = 0.8, 0.3  # the bounds of benchmarks/zoo.py
Measure = Callable[[Tensor, Tensor], dict[str, float]]


@pytest.fixture(scope="module")
def measure(victim_run: Path, cache_dir: Path) -> Measure:
    """Accuracy and diversity of (uint8 images of 8 pixels, digits asked for), by a small classifier."""
    classifier = Runs().classifier(victim_run).network.eval()
    data = build(compose("data.image_size=8", f"paths.cache_dir={cache_dir}").data, section="data")
    data.streams = {}
    data.setup("fit")
    train = data.whole("train")

    @torch.no_grad()
    def variance(image: Tensor, label: Tensor) -> Tensor:
        """Of each class that there is."""
        classes, position = label.unique(return_inverse=True)
        return within_class_variance(classifier.features(normalise(image)), position, len(classes))

    def measured(image: Tensor, label: Tensor) -> dict[str, float]:
        with torch.no_grad():
            predicted = classifier(normalise(image)).argmax(dim=1)
        real = torch.isin(train.label, label.unique())
        diversity = intra_class_diversity(variance(image, label), variance(train.image[real], train.label[real]))
        return {"accuracy": float((predicted == label).double().mean()), "diversity": diversity}

    test = data.whole("test")
    assert measured(test.image, test.label)["accuracy"] > 0.9  # a classifier that knows the digits
    return measured


def is_gan(preset: str) -> bool:
    """Whether conf/model/<preset>.yaml is a delta over _gan, at any remove."""
    defaults = OmegaConf.load(CONF / "model" / f"{preset}.yaml").get("defaults", [])
    parents = [each for each in defaults if isinstance(each, str) and each != "_self_"]
    return "_gan" in parents or any(is_gan(parent) for parent in parents)


def test_every_gan_is_here_but_the_one_whose_header_says_why() -> None:
    presets = {file.stem for file in (CONF / "model").glob("*.yaml")}
    assert {preset for preset in presets if is_gan(preset)} == {*BUDGET, "contragan"}


@pytest.mark.slow
@pytest.mark.parametrize("preset", BUDGET)
def test_the_class_asked_for_and_more_than_one_image_of_it(
    preset: str, measure: Measure, tmp_path: Path, cache_dir: Path
) -> None:
    classes = range(10) if preset in TEN else CLASSES
    keys = [
        f"model={preset}",
        f"trainer.max_steps={BUDGET[preset]}",
        "data.image_size=8",
        f"data.classes={list(classes)}",
    ]
    keys += [TEN.get(preset, "data.batch_size=32"), "trainer.val_check_interval=1000000", "~callback.samples"]
    trained = Runs().generator(trained_here(tmp_path / "run", cache_dir, *keys))
    samples = joined(
        Sampler(trained.network, latent_dim=trained.latent_dim, num_classes=trained.num_classes, count=500, seed=0)
    )
    quality = measure(samples.image, torch.tensor(classes)[samples.label])
    assert quality["accuracy"] >= ACCURACY, quality
    assert quality["diversity"] >= DIVERSITY, quality
