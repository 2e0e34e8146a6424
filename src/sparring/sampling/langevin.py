"""Discriminator-driven latent sampling, DDLS (Che et al. 2020, "Your GAN is secretly an energy-based model", algorithm 1)."""

import torch
from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.sampling.base import Players, Sampling


class Langevin(Sampling):
    """Langevin steps in the latent space under the energy E(z) = |z|^2 / 2 - D(G(z)):

    z <- z - step / 2 * grad E(z) + sqrt(step) * noise, from the latent that plain sampling uses, whose truncation it may
    leave. D's logit is a log density ratio for the logistic losses only. A generator whose noise is a hash of the latent
    (stylegan2) draws other noise at every step.

    Args:
        steps: Langevin steps, each a pass through both networks and back.
        step: size of a step.

    Raises:
        ConfigError: fewer than 1 step, or a size of 0 or less.
    """

    needs_discriminator = True

    def __init__(self, *, steps: int, step: float) -> None:
        if not (steps >= 1 and step > 0):
            raise ConfigError(f"sampling has steps={steps} and step={step}; give at least 1 step and a size above 0.")
        self.steps, self.step = steps, step

    def images(self, players: Players, index: Tensor, latent: Tensor, label: Tensor) -> Tensor:
        noise = players.normal(index, "langevin", self.steps, players.latent_dim).to(players.device)
        latent = latent.to(players.device)
        for step in range(self.steps):
            latent = (
                latent - self.step / 2 * self.energy_gradient(players, latent, label) + self.step**0.5 * noise[:, step]
            )
        with torch.no_grad():
            return players.draw(latent, label)

    @staticmethod
    @torch.enable_grad()
    def energy_gradient(players: Players, latent: Tensor, label: Tensor) -> Tensor:
        """grad E (N, L) at latents (N, L) of classes (N,)."""
        assert players.discriminator is not None
        latent = latent.detach().requires_grad_()
        logits = players.discriminator(players.draw(latent, label), label.to(players.device))
        energy = latent.square().sum() / 2 - logits.sum()
        return torch.autograd.grad(energy, latent)[0]
