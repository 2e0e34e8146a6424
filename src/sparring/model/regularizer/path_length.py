"""Path length regularization (Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", equation 4)."""

import torch
from torch import Tensor, nn

from sparring.core.distributed import average
from sparring.core.errors import ConfigError
from sparring.model.generator.base import StyleGenerator
from sparring.model.layer.pixel_noise import seeds_of
from sparring.model.regularizer.base import Regularizer
from sparring.model.step.recipe import Recipe
from sparring.model.step.views import GeneratorView


class PathLength(Regularizer):
    """weight * (length - a)^2, length the size of J_w^T y: J_w is the Jacobian of synthesis at style w, y are normal images.

    As in the authors' code, every layer of the synthesis has a style of its own, and length^2 is the mean over these layers of
    ||J^T y||^2 / (H W). One style for all of them, as equation 4 writes it, would give about sqrt(layers) times that length, and
    the same weight would be about `layers` times as strong. a <- a + decay * (mean length - a), after each step, from 0. The
    authors use half of the batch, this implementation the whole.

    Args:
        decay: rate of the moving average a, (0, 1].

    Buffers: mean (a).
    """

    terms = frozenset({"generator"})
    latents = True
    differentiates_twice = True
    mean: Tensor

    def __init__(self, *, weight: float, decay: float, interval: int) -> None:
        super().__init__(interval=interval)
        self.weight, self.decay = weight, decay
        self.register_buffer("mean", torch.zeros(()))
        self._means: list[Tensor] = []

    def check(self, recipe: Recipe) -> None:
        if not isinstance(recipe.generator, StyleGenerator):
            raise ConfigError(
                f"model.regularizer=path_length needs a generator with styles, and {type(recipe.generator).__name__} has "
                "none; set model/generator=stylegan2, or leave it out."
            )

    def generator(self, view: GeneratorView) -> Tensor:
        assert isinstance(view.generator, StyleGenerator)
        style = view.generator.style(view.latent, view.fake.label)[:, None].expand(-1, view.generator.layers, -1)
        image = view.generator.synthesis(style, seeds_of(view.latent))
        lengths = path_lengths(style, image, view.draws.normal("path_length", *image.shape[1:]))
        self._means.append(lengths.mean().detach())
        return self.weight * (lengths - self.mean).square()

    @torch.no_grad()
    def after_step(self, player: str, network: nn.Module) -> None:
        if player == "generator":
            self.mean.lerp_(average(torch.stack(self._means).mean()), self.decay)
            self._means = []


def path_lengths(style: Tensor, image: Tensor, direction: Tensor) -> Tensor:
    """sqrt(mean over layers of ||J^T y||^2 / (H W)) per image, (N,).

    J is the Jacobian of images (N, C, H, W) at styles (N, layers, S), y the directions (N, C, H, W).
    """
    (gradient,) = torch.autograd.grad((image * direction).sum(), style, create_graph=True)
    return (gradient.square().sum(dim=2).mean(dim=1) / (image.shape[2] * image.shape[3]) + 1e-12).sqrt()
