"""Histograms of weights and gradients, by themselves and in W&B's offline file."""

from pathlib import Path

import pytest
import torch
from torch import nn

from sparring.core.errors import ConfigError
from sparring.logger.support.wandb_watch import BINS, Watched, histogram
from tests.logger.wandb_runs import close, make, offline_run


def step(network: nn.Linear) -> None:
    network.zero_grad()
    network(torch.ones(3, 2)).sum().backward()


def test_a_histogram_counts_every_value_once() -> None:
    found = histogram(torch.tensor([0.0, 0.0, 1.0]))
    assert found is not None
    counts, edges = found
    assert (len(counts), len(edges), float(edges[0]), float(edges[-1])) == (BINS, BINS + 1, 0.0, 1.0)
    assert (float(counts[0]), float(counts[-1]), float(counts.sum())) == (2, 1, 3)
    same = histogram(torch.full((5,), 7.0))
    assert same is not None
    assert float(same[0].sum()) == 5
    assert histogram(torch.tensor([1.0, torch.nan])) is None
    assert histogram(torch.empty(0)) is None


def test_gradients_are_shown_every_so_many_passes_and_once() -> None:
    network = nn.Linear(2, 1, bias=False)
    watched = Watched({"generator": network}, way="gradients", every=2)
    step(network)
    assert watched.histograms() == {}
    step(network)
    (name,) = shown = watched.histograms()
    assert name == "gradients/generator.weight"
    assert sum(shown[name].histogram) == 2  # one for each of the weights
    assert watched.histograms() == {}


@pytest.mark.slow
@pytest.mark.usefixtures("no_wandb_account")
@pytest.mark.parametrize(("way", "sections"), [("all", {"gradients", "parameters"}), ("parameters", {"parameters"})])
def test_they_stand_in_the_row_of_the_scalars(way: str, sections: set[str], tmp_path: Path) -> None:
    networks = {"generator": nn.Linear(2, 1), "discriminator": nn.Linear(2, 1)}
    logger = make(tmp_path, mode="offline", watch=way, watch_every=1)
    logger.log_hyperparams({})
    logger.watch(networks)
    step(networks["generator"])
    logger.log_metrics({"loss": 1.0}, step=3)
    close(logger)
    (row,) = offline_run(tmp_path)["history"]
    assert row["iteration"] == 3
    assert {name.partition("/")[0] for name in row if "/" in name} == sections
    assert "parameters/discriminator.bias._type" in row
    assert ("gradients/generator.weight._type" in row) == (way == "all")
    assert "gradients/discriminator.weight._type" not in row  # it had none


@pytest.mark.parametrize(
    ("change", "named"), [({"watch": "weights"}, "watch=weights"), ({"watch_every": 0}, "watch_every=0")]
)
def test_what_cannot_be_is_refused(change: dict[str, object], named: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=named):
        make(tmp_path, **change)
