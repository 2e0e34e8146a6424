"""What a classifier says of an image, and what an attack makes of it."""

import pytest
import torch

from sparring.core.errors import ConfigError
from sparring.core.pixels import normalise
from sparring.play.judge import Judge
from sparring.play.studio import Studio


@pytest.fixture(scope="module")
def image(studio: Studio, gan_run) -> torch.Tensor:
    training = studio.training_images(str(gan_run))
    training.nearest(torch.zeros(1, 1, 8, 8, dtype=torch.uint8), 1)  # opens them
    return training.image[3:4]


def test_bars_are_the_softmax_of_the_network(judge: Judge, image: torch.Tensor) -> None:
    with torch.no_grad():
        expected = judge.loaded.network(normalise(image)).softmax(1)[0]
    bars = judge.bars(image)
    assert list(bars) == [str(k) for k in range(10)]
    torch.testing.assert_close(torch.tensor(list(bars.values())), expected, rtol=1e-4, atol=1e-6)
    assert judge.answer(image) == int(expected.argmax())


def test_an_attack_stays_within_epsilon_and_lowers_the_class(judge: Judge, image: torch.Tensor) -> None:
    label = judge.answer(image)
    for epsilon in (0.1, 0.3):
        attacked = judge.attacked(image, label, epsilon)
        assert (attacked.image.int() - image.int()).abs().max() <= round(255 * epsilon) + 1
        assert attacked.bars[str(label)] < judge.bars(image)[str(label)]
    assert torch.equal(
        judge.attacked(image, None, 0.3).image, attacked.image
    )  # the answer, where nobody knows the class
    assert (attacked.change.int() - 128).abs().max() >= 127  # stretched
    with pytest.raises(ConfigError, match="epsilon=0"):
        judge.attacked(image, label, 0.0)


def test_every_method_that_applies_colours_the_image(judge: Judge, image: torch.Tensor) -> None:
    assert "integrated_gradients" in judge.methods()
    for method in judge.methods():
        shown = judge.explained(image, method)
        assert shown.shape == (1, 3, 8, 8)
        assert not torch.equal(shown[:, 0], shown[:, 2])  # not grey
    with pytest.raises(ConfigError, match="attribution nothing is none of integrated_gradients"):
        judge.explained(image, "nothing")
