"""Discriminator rejection sampling (Azadi et al. 2019, section 3.2, equations 8 and 9)."""

import torch
from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.sampling.base import Players, Sampling


class Rejection(Sampling):
    """An image is accepted with probability sigmoid(F), F = d - M - log(1 - exp(d - M - epsilon)) - gamma, d its logit.

    Image i is the first of its own candidates (seed, i, 0), (seed, i, 1), ... that is accepted. d is a log density ratio for
    the logistic losses only, and for others a ranking; the paper also trains D's last layer until it is calibrated, which is
    not done here.

    Args:
        percentile: gamma is this percentile, 0 to 100, of F among the burn-in images: the higher, the fewer and the more
            realistic images; None: gamma is 0, plain rejection sampling.
        burn_in: images of the same seed whose largest logit is M, 2 or more.
        attempts: candidates per image at most; then the one with the largest F is taken.
        epsilon: above 0; keeps F finite at the largest logit.

    Raises:
        ConfigError: a number out of range.
    """

    needs_discriminator = True

    def __init__(self, *, percentile: float | None, burn_in: int, attempts: int, epsilon: float) -> None:
        if not ((percentile is None or 0 <= percentile <= 100) and burn_in >= 2 and attempts >= 1 and epsilon > 0):
            raise ConfigError(
                f"sampling has percentile={percentile}, burn_in={burn_in}, attempts={attempts} and epsilon={epsilon}; give 0 to "
                "100, at least 2 images, at least 1 attempt, and a number above 0."
            )
        self.percentile, self.burn_in, self.attempts, self.epsilon = percentile, burn_in, attempts, epsilon
        self._constants: tuple[float, float] | None = None

    @torch.no_grad()
    def images(self, players: Players, index: Tensor, latent: Tensor, label: Tensor) -> Tensor:
        largest, gamma = self._calibrated(players, len(index))
        kept, best = players.draw(latent, label), torch.full((len(index),), -torch.inf, dtype=torch.float64)
        waiting = torch.ones(len(index), dtype=torch.bool)
        for attempt in range(self.attempts):
            if attempt:
                latent = players.latents(index, "latent", attempt=attempt)
            candidate = kept if attempt == 0 else players.draw(latent, label)
            score = self.score(players.logits(candidate, label), largest) - gamma
            accepted = players.uniform(index, "accept", attempt=attempt) < score.sigmoid()
            take = waiting & (accepted | (score > best))
            kept = torch.where(take.to(kept.device)[:, None, None, None], candidate, kept)
            best = torch.where(take, score, best)
            waiting &= ~accepted
            if not waiting.any():
                break
        return kept

    def score(self, logits: Tensor, largest: float) -> Tensor:
        """F without gamma, (N,), of logits (N,); those above `largest` count as `largest`."""
        above = (logits - largest).clamp(max=0)
        return above - torch.log1p(-torch.exp(above - self.epsilon))

    def _calibrated(self, players: Players, block: int) -> tuple[float, float]:
        """(M, gamma), functions of the seed and the rules for labels and truncation."""
        if self._constants is None:
            logits = []
            for first in range(0, self.burn_in, block):
                index = torch.arange(first, first + block)
                label = players.labels(index)
                latent = players.latents(index, "burn-in")
                logits.append(players.logits(players.draw(latent, label), label))
            whole = torch.cat(logits)
            largest = float(whole.max())
            share = None if self.percentile is None else self.percentile / 100
            gamma = 0.0 if share is None else float(torch.quantile(self.score(whole, largest), share))
            self._constants = largest, gamma
        return self._constants
