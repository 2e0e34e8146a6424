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
from tests.conftest import CONF, compose
from tests.model.pairwise import Row, covering, pairs

BATCH = 4
TINY = [
    "model.generator.width=4", "model.discriminator.width=4", "model.latent_dim=8", "data.num_classes=3",
    f"data.batch_size={BATCH}",
]  # fmt: skip
GROUPS = [
    "generator",
    "discriminator",
    "conditioning",
    "head",
    "loss",
    "regularizer",
    "augment",
    "selection",
    "schedule",
    "discriminator_attack",
]
FACTORS = {
    group: [path.stem for path in sorted((CONF / "model" / group).glob("*.yaml")) if not path.stem.startswith("_")]
    for group in GROUPS
} | {"image_size": ["8", "16", "28", "32", "48", "64", "96"], "channels": ["1", "3", "4"]}
WITH_NORMS = {"biggan", "dcgan", "resnet", "sagan"}
NORMALISED = {"biggan", "sagan"}  # discriminators whose YAML switches spectral norm on
BOUNDS = {"r1", "r2", "wgan_gp", "dragan", "approximate_r1", "weight_clipping"}


def allowed(row: Row) -> bool:
    """What the papers' parts demand of each other; an unbounded loss gets a second regularizer instead of a refusal."""
    unconditional = [row[key] == "none" for key in ("conditioning", "head") if key in row]
    labels = len(set(unconditional)) <= 1
    norms = row.get("conditioning") != "cbn" or row.get("generator", "dcgan") in WITH_NORMS
    styles = row.get("regularizer") != "path_length" or row.get("generator", "stylegan2") == "stylegan2"
    return labels and norms and styles


ROWS, IMPOSSIBLE = covering(FACTORS, allowed)


def enough() -> list[Row]:
    """A few of the rows, of small images where possible, in which every leaf is met once."""
    chosen: list[Row] = []
    for row in sorted(ROWS, key=lambda row: int(row["image_size"])):
        leaves = {(group, row[group]) for group in GROUPS}
        if leaves - {item for other in chosen for item in other.items()}:
            chosen.append(row)
    return chosen


FEW = enough()


def overrides(row: Row) -> list[str]:
    chosen = [f"model/{group}={row[group]}" for group in GROUPS if group in row and group != "regularizer"]
    chosen += [f"data.{key}={row.get(key, default)}" for key, default in (("image_size", "8"), ("channels", "1"))]
    regularizers = [row["regularizer"]] if "regularizer" in row else []
    if (
        row.get("loss") in ("linear", "wasserstein")
        and not BOUNDS & {*regularizers}
        and row["discriminator"] not in NORMALISED
    ):
        regularizers.append("r1")
    return [*TINY, *chosen, f"model/regularizer=[{','.join(regularizers)}]"]


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


def name(row: Row) -> str:
    return "-".join(row.values())


@pytest.mark.parametrize("row", FEW, ids=name)
def test_every_leaf_takes_a_step(row: Row) -> None:
    check(row)


@pytest.mark.slow
@pytest.mark.parametrize("row", [row for row in ROWS if row not in FEW], ids=name)
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
