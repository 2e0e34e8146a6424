"""Defense-GAN: the classifier sees the generator's nearest image (Samangouei et al. 2018, "Defense-GAN", section 3.2)."""

from typing import Any

import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.core.randomness import generator as random_generator
from sparring.core.settings import at_least_one
from sparring.defence.base import Defence, Defended, Prior
from sparring.defence.inversion.search import SearchResult, descend

UNREACHED = -1e4  # logit of a class that no start ends in


class Purify(Defence):
    """logits(x) = classifier(G(z*)), z* = argmin |G(z) - x|^2 by gradient descent from random starts.

    The starts are drawn from (seed, restart) and are the same for every image, so that the defended classifier is a function
    of the image alone: not of its index, of the other images of the batch, or of the order of calls.

    Args:
        generator: run directory of a GAN.
        restarts: starts. A conditional generator gets as many for each of its classes, so that no class is favoured; the
            class is then, like z*, the one that rebuilds the image best. The image's label is not used.
        steps, lr, momentum: of the descent on the mean squared difference of the pixels in [-1, 1].
        seed: of the starts.

    Raises:
        ConfigError: a setting out of range.
    """

    def __init__(self, *, generator: str, restarts: int, steps: int, lr: float, momentum: float, seed: int) -> None:
        at_least_one(restarts=restarts, steps=steps)
        if not lr > 0 or not 0 <= momentum < 1:
            raise ConfigError(f"defence.lr={lr} must be above 0 and defence.momentum={momentum} from 0 to below 1.")
        self.generator, self.restarts, self.seed = generator, restarts, seed
        self.descent: dict[str, Any] = {"steps": steps, "lr": lr, "momentum": momentum}

    def defend(self, network: nn.Module, prior: Prior | None) -> nn.Module:
        if prior is None:
            raise ConfigError(f"defence=purify needs the generator of run={self.generator}, and it was not loaded.")
        return Purified(network, prior, self)

    def starts(self, prior: Prior, draw: int) -> tuple[Tensor, Tensor]:
        """Latents (S, L) and labels (S,) on the CPU, S = restarts * classes; draw 0 is the defence's own."""
        classes = prior.num_classes or 1
        latent = torch.empty(self.restarts, classes, prior.latent_dim)
        for restart, rows in enumerate(latent):
            rows.normal_(generator=random_generator("defence", "start", self.seed, draw, restart))
        return latent.flatten(0, 1), torch.arange(classes).repeat(self.restarts)


class Purified(Defended):
    """The classifier `network` of images purified with `settings`. image (N, C, H, W) in [-1, 1] -> logits (N, K)."""

    def __init__(self, network: nn.Module, prior: Prior, settings: Purify) -> None:
        super().__init__()
        self.network, self.generator = network, prior.network
        self.prior, self.settings = prior, settings

    def forward(self, image: Tensor) -> Tensor:
        return self.network(self.rebuild(image).image)

    def rebuild(self, image: Tensor) -> SearchResult:
        """The purified images (N, C, H, W): the best of all starts. No gradient flows to `image`."""
        return self._descend(image, 0).best()

    def straight_through(self, image: Tensor, draw: int = 0) -> Tensor:
        return self.network(_Identity.apply(image, self._descend(image, draw).best().image))

    def by_choice(self, image: Tensor, draw: int = 0) -> Tensor:
        candidates = self._descend(image, draw)  # S = restarts * classes per image
        with torch.no_grad():
            logits = self.network(candidates.image.flatten(0, 1)).unflatten(0, candidates.error.shape)  # (N, S, K)
        # The minimum over z has the gradient of the distance at the minimum (Danskin): G(z*) counts as constant.
        distance = (image[:, None] - candidates.image).square().flatten(2).mean(2)  # (N, S)
        own = logits.argmax(2)[:, :, None] == torch.arange(logits.shape[2], device=image.device)  # (N, S, K)
        return torch.where(own, -distance[:, :, None], UNREACHED).amax(1)

    def _descend(self, image: Tensor, draw: int) -> SearchResult:
        latent, label = (each.to(image.device) for each in self.settings.starts(self.prior, draw))
        return descend(self.generator, image, latent, label, **self.settings.descent)


class _Identity(torch.autograd.Function):
    """Forward: `purified`, to the bit. Backward: the gradient goes to `image` unchanged."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, purified: Tensor) -> Tensor:
        return purified.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None
