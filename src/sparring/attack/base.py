"""The base of every attack: images in, images within epsilon out; the model is unchanged afterwards."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from sparring.attack.math.norm_ball import Ball, ball, check_norm
from sparring.attack.math.objective import Objective
from sparring.core.errors import ConfigError
from sparring.core.modules import frozen_eval
from sparring.core.settings import pixel_fraction

Model = Callable[[Tensor], Tensor]


class Attack(ABC):
    """Base of every `sparring.attack.<name>` leaf: subclasses define `perturb`.

    needs_gradient: False for attacks that use the model's logits alone, or not the model at all.
    bypasses: whether it works on a defence that has no gradient of its own.

    Args:
        norm: "linf" or "l2".
        epsilon: strength as a fraction of the pixel range (0, 1], a number or text such as "8/255".

    Raises:
        ConfigError: another norm, or an epsilon out of range.
    """

    needs_gradient: ClassVar[bool] = True
    bypasses: bool = False

    def __init__(self, *, norm: str, epsilon: float | str) -> None:
        self.norm = check_norm(norm)
        self.epsilon = pixel_fraction(epsilon)

    def __call__(self, model: nn.Module, image: Tensor, label: Tensor, *, index: Tensor, seed: int) -> Tensor:
        """Adversarial images of a batch. May be called under `no_grad` and `inference_mode`.

        Args:
            model: image -> logits (N, K); in eval mode with frozen weights during the attack, restored afterwards.
            image: float32 (N, C, H, W) in [-1, 1], any memory format.
            label: (N,) int64 classes.
            index: (N,) int64, numbers of the images in their data set: what is drawn for an image depends on (seed, index)
                alone. Logits depend on the batch's size in their last bits, unless `model` is a `Target` with `rows`.

        Returns:
            float32 (N, C, H, W) in [-1, 1], each within epsilon of its original in the attack's norm, exactly.

        Raises:
            ConfigError: the attack needs gradients and the model declares `differentiable = False`, or it needs more classes.
            ValueError: other numbers of labels or indices than images.
        """
        if not len(image) == len(label) == len(index):
            raise ValueError(
                f"an attack needs as many labels and indices as images: {len(image)}, {len(label)}, {len(index)}"
            )
        self.check(model)
        if not len(image):
            return image.clone()
        with torch.inference_mode(False), frozen_eval(model):
            original, label = image.detach().clone(), label.detach().clone()
            allowed = ball(self.norm, original, self.epsilon)
            return allowed.project_exactly(self.perturb(model, allowed, label, index.cpu(), seed).detach())

    def check(self, model: nn.Module) -> None:
        """Raise ConfigError if the attack does not apply to the model."""
        if self.needs_gradient and not getattr(model, "differentiable", True):
            bypass = "attack=bpda, " if getattr(model, "bypassable", False) else ""
            name = type(getattr(model, "network", model)).__name__
            raise ConfigError(
                f"{type(self).__name__} follows gradients and {name} has none (differentiable=False); "
                f"attacks that apply are {bypass}attack=square and attack=transfer."
            )

    def for_classes(self, count: int) -> Self:
        """The same attack for a classifier of `count` classes. Raises ConfigError where it needs more."""
        return self

    def remark(self) -> str | None:
        """A sentence that reports must print with the results at this strength, or None."""
        return None

    @abstractmethod
    def perturb(self, model: nn.Module, allowed: Ball, label: Tensor, index: Tensor, seed: int) -> Tensor:
        """Perturbed images (N, C, H, W) of the originals `allowed.image`, N >= 1; the caller projects them onto the ball.

        Args:
            allowed: the ball around each image. label: (N,) int64. index: (N,) int64 on the CPU.
        """

    def at(self, epsilon: float | str) -> Self:
        """The same attack with another strength. Raises ConfigError."""
        other = copy.copy(self)
        other.epsilon = pixel_fraction(epsilon)
        return other


def input_gradient(model: Model, x: Tensor, label: Tensor, objective: Objective) -> tuple[Tensor, Tensor, Tensor]:
    """(logits (N, K), loss (N,), gradient of each image's loss (N, C, H, W)) at x (N, C, H, W): one forward and backward pass."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        logits = model(x)
        loss = objective(logits, label)
        (gradient,) = torch.autograd.grad(loss.sum(), x)
    return logits.detach(), loss.detach(), gradient


@torch.no_grad()
def logits_at(model: Model, x: Tensor) -> Tensor:
    """Logits (N, K) of images (N, C, H, W), without a graph."""
    return model(x)


def is_correct(logits: Tensor, label: Tensor) -> Tensor:
    """(N,) bool from logits (N, K) and label (N,). NaN logits count as wrong, as they would in an accuracy."""
    return logits.argmax(1) == label


def still_correct(model: Model, x: Tensor, label: Tensor) -> Tensor:
    """Rows (n,) of the images x (N, C, H, W) that are still classified as label (N,)."""
    return is_correct(logits_at(model, x), label).nonzero().squeeze(1)
