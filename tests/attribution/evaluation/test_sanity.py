"""Randomised weights: which layers, in which order, and that only these change."""

import torch
from torch import nn

from sparring.attribution.evaluation.sanity import cascading, independent, layers_with_weights, randomised
from sparring.attribution.evaluation.similarity import rank_correlation
from tests.attribution.networks import Convolutions

IMAGE = torch.zeros(1, 1, 8, 8)


def test_layers_are_found_in_the_order_of_the_pass() -> None:
    assert layers_with_weights(Convolutions(), IMAGE) == ["first", "second", "head"]
    normed = nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Conv2d(1, 2, 3)), nn.Flatten(), nn.Linear(72, 2))
    assert layers_with_weights(normed.eval(), IMAGE) == ["0", "2"]


def changed(before: nn.Module, after: nn.Module) -> set[str]:
    pairs = zip(before.state_dict().items(), after.state_dict().values(), strict=True)
    return {name.partition(".")[0] for (name, old), new in pairs if not torch.equal(old, new)}


def test_cascading_goes_down_and_independent_takes_one() -> None:
    network = Convolutions()
    layers = layers_with_weights(network, IMAGE)
    down = [(name, changed(network, other)) for name, other in cascading(network, layers, seed=0)]
    assert down == [("head", {"head"}), ("second", {"head", "second"}), ("first", {"head", "second", "first"})]
    assert [changed(network, other) for _, other in independent(network, layers, seed=0)] == [
        {"head"},
        {"second"},
        {"first"},
    ]


def test_shuffled_weights_keep_their_values() -> None:
    network = Convolutions()
    other = randomised(network, ["second"], seed=0)
    torch.testing.assert_close(
        other.second.weight.flatten().sort().values, network.second.weight.flatten().sort().values
    )


def test_rank_correlation_in_closed_form() -> None:
    maps = torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0], [1.0, 2.0]], [[1.0, 1.0], [1.0, 1.0]]])
    assert rank_correlation(maps[:1], maps[:1].exp()).item() == 1
    assert rank_correlation(maps[:1], -maps[:1]).item() == -1
    assert rank_correlation(maps[:1], -maps[:1], absolute=True).item() == 1
    torch.testing.assert_close(rank_correlation(maps[1:2], maps[:1]).item(), 3 / 10**0.5)  # ranks 1.5 1.5 3 4
    assert rank_correlation(maps[2:], maps[:1]).isnan().all()
