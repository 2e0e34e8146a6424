"""Every pair of leaves that can work together takes one step together; every pair that cannot is refused, with the reason.

Sizes and channel counts are among the choices, so that every leaf also takes a step at each of them.
"""

from itertools import combinations
from typing import Any

import pytest
import torch

from sparring.core.errors import ConfigError
from sparring.core.types import Batch
from sparring.model.gan import GAN
from sparring.trained.runs import build_model
from tests.conftest import compose
from tests.model.pairwise import Row, pairs
from tests.model.rows import BATCH, FACTORS, IMPOSSIBLE, ROWS, allowed, name, overrides


def one_iteration(model: GAN, *, channels: int, size: int) -> None:
    """`training_step` without a trainer: plain optimizers, plain backward."""
    optimizers: dict[str, Any] = dict(zip(model.factories, model.configure_optimizers(), strict=True))
    model.players = lambda: optimizers  # type: ignore[method-assign]
    model.manual_backward = lambda loss: loss.backward()  # type: ignore[method-assign]
    draws = torch.Generator().manual_seed(0)

    def chunk() -> Batch:
        shape = (BATCH, channels, size, size)
        return Batch(torch.rand(shape, generator=draws) * 2 - 1, torch.randint(3, (BATCH,), generator=draws))

    model.training_step({name: [chunk() for _ in range(count)] for name, count in model.streams.items()}, 0)


def check(row: Row) -> None:
    torch.manual_seed(0)
    model = build_model(compose(*overrides(row)))
    assert isinstance(model, GAN)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    one_iteration(model, channels=int(row["channels"]), size=int(row["image_size"]))
    assert model.clock.iteration == 1
    values = model.meter.last()
    assert all(bool(value.isfinite()) for value in values.values()), values
    assert all(bool(weight.isfinite().all()) for weight in model.parameters())
    # Weights clipped to 0.01 in a deep D leave G a gradient that underflows to 0: nothing to see in one step.
    clipped = "weight_clipping" in name(row)
    for player in ("discriminator",) if clipped else ("generator", "discriminator"):
        own = [name for name in before if name.startswith(f"{player}.")]
        assert any(not torch.equal(before[name], model.get_parameter(name)) for name in own), player


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=name)
def test_every_pair_takes_a_step(row: Row) -> None:
    check(row)


def test_the_rows_hold_every_pair_that_is_possible() -> None:
    held = {pair for row in ROWS for pair in combinations(row.items(), 2)}
    assert held | set(IMPOSSIBLE) == set(pairs(FACTORS))
    assert not held & set(IMPOSSIBLE)
    assert all(allowed(row) for row in ROWS)
    assert len(ROWS) < 2 * max(len(FACTORS[a]) * len(FACTORS[b]) for a, b in combinations(FACTORS, 2))


@pytest.mark.slow
@pytest.mark.parametrize("pair", IMPOSSIBLE, ids=lambda pair: name(dict(pair)))
def test_every_other_pair_is_refused_with_the_reason(pair) -> None:
    row = dict(pair)
    # Give the label's way in and out where the pair leaves it open, so that the pair itself is at fault.
    if "conditioning" in row and "head" not in row:
        row["head"] = "projection"
    with pytest.raises(ConfigError, match=r"^model\.\w+=\w+ .*(; set |, or )"):
        build_model(compose(*overrides({"discriminator": "conv", **row})))
