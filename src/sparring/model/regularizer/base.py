"""The base of regularizers, and the gradient norm that several share."""

import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.model.step.recipe import Recipe, leaf_name
from sparring.model.step.views import DiscriminatorView, GeneratorView


class Regularizer(nn.Module):
    """A term of one or both players' losses, or a rule on weights. Buffers are saved in checkpoints.

    terms: the players whose loss it adds to. "discriminator" calls `discriminator(view)`, "generator" calls `generator(view)`.
    gradients_at: images whose gradient it takes ("real", "fake"); they then require grad.
    differentiates_twice: whether the step has to run in full precision.
    compares: whether `generator(view)` uses `view.real`, for which G's step takes fresh real images.
    lipschitz: whether it bounds D's slope, as losses like `wasserstein` need.
    latents: whether it changes latents, which a game must have to use it.

    Args:
        interval: steps of a player between two uses; the penalty is weighted by it, so that its mean strength does not change
            (lazy regularization, Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", appendix B).

    Raises:
        ConfigError: an interval below 1.
    """

    terms: frozenset[str] = frozenset({"discriminator"})
    gradients_at: frozenset[str] = frozenset()
    differentiates_twice: bool = False
    compares: bool = False
    lipschitz: bool = False
    latents: bool = False

    def __init__(self, *, interval: int) -> None:
        super().__init__()
        if interval < 1:
            raise ConfigError(
                f"model.regularizer.{leaf_name(self)}.interval={interval} counts steps and must be at least 1."
            )
        self.interval = interval

    def check(self, recipe: Recipe) -> None:
        """Raise ConfigError where it cannot work with the rest of the GAN."""

    def discriminator(self, view: DiscriminatorView) -> Tensor:
        """Penalty per image (N,), or one number, in D's loss."""
        raise TypeError(f"{type(self).__name__} must define discriminator(view)")

    def generator(self, view: GeneratorView) -> Tensor:
        """Penalty per image (N,), or one number, in G's loss."""
        raise TypeError(f"{type(self).__name__} must define generator(view)")

    def after_step(self, player: str, network: nn.Module) -> None:
        """Called after every step of a player in which the regularizer was used, with the player's name and network."""


def squared_gradient_norm(images: Tensor, logits: Tensor) -> Tensor:
    """||d logit_i / d image_i||^2 per image, (N,), differentiable with respect to the network's weights.

    Args:
        images: (N, C, H, W), which require grad. logits: (N,) of them, each a function of its own image alone.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().flatten(1).sum(1)


def gradient_norm(images: Tensor, logits: Tensor) -> Tensor:
    """||d logit_i / d image_i|| per image, (N,); with 1e-12 under the root, whose derivative is infinite at 0."""
    return (squared_gradient_norm(images, logits) + 1e-12).sqrt()
