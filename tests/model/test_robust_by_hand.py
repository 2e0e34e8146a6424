"""The losses of TRADES and of free adversarial training, by hand."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from sparring.model.robust import trades
from tests.model.adversarial import EPSILON, batch, draws_of, model_of

Array = NDArray[np.float64]


def trades_by_hand(weight: Array, bias: Array, clean: Array, adversarial: Array, target: Array, beta: float) -> float:
    """Cross-entropy and KL of softmax(W x + b), from their definitions."""

    def probability(x: Array) -> Array:
        power = np.exp(x @ weight.T + bias)
        return power / power.sum(1, keepdims=True)

    p, q = probability(clean), probability(adversarial)
    natural = -(target * np.log(p)).sum(1).mean()
    return float(natural + beta * (p * (np.log(p) - np.log(q))).sum(1).mean())


def test_trades_loss_and_gradient_in_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of("trades", "model.robust.beta=2.5")
    image, target = (tensor.double() for tensor in batch(soft=True))
    adversarial = (image + 0.3 * torch.randn(image.shape, dtype=image.dtype)).clamp(-1, 1)
    monkeypatch.setattr(
        trades, "adversarial_images", lambda *_: adversarial
    )  # held still: finite differences move the weights
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).double()
    learned = model.robust.loss(network, image, target, draws_of(model))
    learned.loss.backward()
    layer = network[1]
    assert isinstance(layer, nn.Linear)
    assert layer.bias.grad is not None
    assert layer.weight.grad is not None
    weight, bias = layer.weight.detach().numpy().copy(), layer.bias.detach().numpy().copy()
    known = [value.flatten(1).numpy() for value in (image, adversarial)]

    def value() -> float:
        return trades_by_hand(weight, bias, *known, target.numpy(), 2.5)

    def slope(values: Array, place: tuple[int, ...], by: float = 1e-5) -> float:
        kept, ends = values[place], []
        for sign in (1, -1):
            values[place] = kept + sign * by
            ends.append(value())
        values[place] = kept
        return (ends[0] - ends[1]) / (2 * by)

    assert learned.loss.item() == pytest.approx(value(), rel=1e-12)
    torch.testing.assert_close(learned.logits, network(image))
    for row in range(10):
        assert float(layer.bias.grad[row]) == pytest.approx(slope(bias, (row,)), abs=1e-8)
        for column in range(0, 64, 9):
            assert float(layer.weight.grad[row, column]) == pytest.approx(slope(weight, (row, column)), abs=1e-8)


def free_by_hand(weight: Array, batches: list[tuple[Array, Array]], replays: int, rate: float) -> tuple[Array, Array]:
    """(delta, weight) of Shafahi et al.'s algorithm 1 for softmax(W x) under plain gradient descent; epsilon in [-1, 1]."""
    delta = np.zeros_like(batches[0][0])
    radius = 2 * EPSILON
    for image, target in batches:
        for _ in range(replays):
            x = np.clip(image + delta, -1, 1)
            power = np.exp(x @ weight.T)
            error = (power / power.sum(1, keepdims=True) - target) / len(x)
            delta = np.clip(delta + radius * np.sign(error @ weight), -radius, radius)
            weight = weight - rate * error.T @ x
    return delta, weight


@pytest.mark.parametrize("parts", [1, 2])
def test_free_delta_recurrence_by_hand(parts: int) -> None:
    model = model_of("free", "model.robust.replays=3")
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10, bias=False)).double()
    weight = network[1].weight
    start = weight.detach().numpy().copy()
    batches = [(image.double(), target.double()) for image, target in (batch(soft=True), batch(soft=False))]
    for iteration, (image, target) in enumerate(batches):
        for _ in range(model.robust.replays):
            for first in range(parts):
                rows = slice(first, None, parts)
                learned = model.robust.loss(network, image[rows], target[rows], draws_of(model, rows, iteration))
                (learned.loss / parts).backward()
            with torch.no_grad():
                weight -= 0.5 * weight.grad
                weight.grad = None
    plain = [(image.flatten(1).numpy(), target.numpy()) for image, target in batches]
    delta, expected = free_by_hand(start, plain, replays=3, rate=0.5)
    np.testing.assert_array_equal(model.robust.delta.flatten(1).numpy(), delta)  # type: ignore[union-attr, operator]
    np.testing.assert_allclose(weight.detach().numpy(), expected, atol=1e-7)  # the ball's bounds are float32
