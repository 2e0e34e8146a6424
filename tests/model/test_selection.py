"""Top-k: which images count, how many, and with what weight."""

import pytest
import torch

from sparring.config.build import build
from sparring.core.errors import ConfigError
from sparring.model.selection.all import All
from sparring.model.selection.top_k import TopK
from sparring.trained.runs import build_model
from tests.conftest import compose
from tests.leaves import leaves


def test_all_is_the_mean() -> None:
    assert All()(torch.tensor([1.0, 2.0, 6.0]), torch.zeros(3), 0).item() == 3.0


def test_top_k_is_the_mean_over_the_best() -> None:
    top_k = TopK(least=0.5, decay=0.5, every=10)
    losses, logits = torch.tensor([1.0, 2.0, 4.0, 8.0], requires_grad=True), torch.tensor([0.3, -1.0, 2.0, 0.1])
    assert top_k(losses, logits, 0).item() == 3.75
    loss = top_k(losses, logits, 10)
    assert loss.item() == 2.5  # images 2 and 0
    loss.backward()
    assert losses.grad.tolist() == [0.5, 0.0, 0.5, 0.0]


@pytest.mark.parametrize("leaf", leaves("model/selection"))
def test_every_leaf_is_a_weighted_mean_of_the_losses(leaf: str) -> None:
    """Equal losses come out as they are, the gradient's weights are at least 0 and sum to 1."""
    selection = build(compose(f"model/selection={leaf}").model.selection, section="model")
    logits = torch.linspace(-1, 1, 8)
    losses = torch.full((8,), 3.0, requires_grad=True)
    for iteration in (0, 10_000):
        loss = selection(losses, logits, iteration)
        assert loss.item() == pytest.approx(3.0)
        (weight,) = torch.autograd.grad(loss, losses)
        assert bool((weight >= 0).all())
        assert float(weight.sum()) == pytest.approx(1.0)


def test_k_decays_to_its_least() -> None:
    top_k = TopK(least=0.5, decay=0.9, every=100)
    assert [top_k.count(64, iteration) for iteration in (0, 99, 100, 250, 10_000)] == [64, 64, 58, 52, 32]
    assert top_k.count(1, 10_000) == 1


def test_settings_out_of_range_and_parts_are_refused() -> None:
    with pytest.raises(ConfigError, match="least=0"):
        TopK(least=0.0, decay=0.9, every=1)
    tiny = ["model.generator.width=4", "model.discriminator.width=4", "data.image_size=8"]
    with pytest.raises(ConfigError, match=r"model.selection=top_k compares the images of a whole batch"):
        build_model(compose(*tiny, "model/selection=top_k", "model.accumulate=2"))
