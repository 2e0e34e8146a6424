"""Orthogonal regularization (Brock et al. 2019, "Large scale GAN training", equation 3)."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.model.regularizer.base import Regularizer
from sparring.model.step.views import DiscriminatorView, GeneratorView

PLAYERS = ("generator", "discriminator")


class Orthogonal(Regularizer):
    """weight * sum over weight matrices W (out, rest) of ||W W^T without its diagonal||_F^2, in the given players.

    It drives rows to be orthogonal and leaves their lengths alone. Embedding tables are left out, as in BigGAN. Under spectral
    normalisation W is the weight before it.

    Args:
        players: some of "generator" and "discriminator".

    Raises:
        ConfigError: no player, or an unknown one.
    """

    def __init__(self, *, weight: float, players: Sequence[str], interval: int) -> None:
        super().__init__(interval=interval)
        if not players or not set(players) <= set(PLAYERS):
            raise ConfigError(
                f"model.regularizer.orthogonal.players={list(players)} must name some of {', '.join(PLAYERS)}."
            )
        self.weight = weight
        self.terms = frozenset(players)

    def discriminator(self, view: DiscriminatorView) -> Tensor:
        return self.weight * off_diagonal(view.discriminator)

    def generator(self, view: GeneratorView) -> Tensor:
        return self.weight * off_diagonal(view.generator)


def off_diagonal(network: nn.Module) -> Tensor:
    """Sum over the weight matrices of the squared inner products of their different rows; a number."""
    return torch.stack([_squared_products(rows) for rows in _matrices(network)]).sum()


def _squared_products(rows: Tensor) -> Tensor:
    """Sum of the squared inner products of different rows."""
    if len(rows) <= rows.shape[1]:
        return (rows @ rows.T).fill_diagonal_(0).square().sum()
    # ||W W^T||_F = ||W^T W||_F, the smaller of the two. More rows than columns overlap, so that little cancels.
    return (rows.T @ rows).square().sum() - rows.square().sum(dim=1).square().sum()


def _matrices(network: nn.Module) -> Iterator[Tensor]:
    tables = {
        id(weight) for module in network.modules() if isinstance(module, nn.Embedding) for weight in module.parameters()
    }
    for weight in network.parameters():
        if weight.ndim in (2, 4) and len(weight) > 1 and id(weight) not in tables:
            yield weight.flatten(1)
