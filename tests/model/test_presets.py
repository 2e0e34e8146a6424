"""GAN presets are worth typing: after a few CPU-seconds they draw the class asked for, and not one image of it.

The bounds at full length, on digits of 16 pixels and Fashion-MNIST, are `python benchmarks/zoo.py` (docs/zoo.md).
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sparring.config.build import build
from sparring.core.pixels import normalise
from sparring.generation.sampler import Sampler, joined
from sparring.metric.diversity import intra_class_diversity, within_class_variance
from sparring.trained.runs import Runs
from tests.conftest import compose, trained_here

# (iterations, batch size) after which each was seen above the bounds on digits of 8 pixels. Not here: acgan (600 of 64) and
# biggan (300 of 32), for their time; contragan, whose header says why; projgan and stylegan2, which need longer at this size
# (accuracy 0.26 and 0.44 after 400 iterations of 32); dragan, sagan and stylegan2_ada, which were not measured at it.
BUDGET = {
    "gan": (1000, 64), "dcgan": (400, 64), "wgan": (200, 64), "wgan_gp": (150, 64), "rpgan": (120, 64), "lsgan": (500, 64),
    "sngan": (500, 64), "reacgan": (300, 32), "r3gan": (400, 32),
}  # fmt: skip
Measure = Callable[[Tensor, Tensor], dict[str, float]]


@pytest.fixture(scope="module")
def measure(victim_run: Path, cache_dir: Path) -> Measure:
    """Accuracy and diversity of (uint8 images of 8 pixels, classes asked for), by a small classifier."""
    classifier = Runs().classifier(victim_run).network.eval()
    data = build(compose("data.image_size=8", f"paths.cache_dir={cache_dir}").data, section="data")
    data.streams = {}
    data.setup("fit")
    train = data.whole("train")

    @torch.no_grad()
    def variance(image: Tensor, label: Tensor) -> Tensor:
        return within_class_variance(classifier.features(normalise(image)), label, 10)

    def measured(image: Tensor, label: Tensor) -> dict[str, float]:
        with torch.no_grad():
            predicted = classifier(normalise(image)).argmax(dim=1)
        diversity = intra_class_diversity(variance(image, label), variance(train.image, train.label))
        return {"accuracy": float((predicted == label).double().mean()), "diversity": diversity}

    test = data.whole("test")
    assert measured(test.image, test.label)["accuracy"] > 0.9  # a classifier that knows the digits
    return measured


@pytest.mark.slow
@pytest.mark.parametrize("preset", BUDGET)
def test_the_class_asked_for_and_more_than_one_image_of_it(
    preset: str, measure: Measure, tmp_path: Path, cache_dir: Path
) -> None:
    iterations, batch_size = BUDGET[preset]
    keys = [f"model={preset}", "data.image_size=8", f"trainer.max_steps={iterations}", f"data.batch_size={batch_size}"]
    keys += ["trainer.val_check_interval=1000000", "~callback.samples"]
    trained = Runs().generator(trained_here(tmp_path / "run", cache_dir, *keys))
    samples = joined(
        Sampler(trained.network, latent_dim=trained.latent_dim, num_classes=trained.num_classes, count=500, seed=0)
    )
    quality = measure(samples.image, samples.label)
    assert quality["accuracy"] >= 0.5, quality
    assert quality["diversity"] >= 0.3, quality
