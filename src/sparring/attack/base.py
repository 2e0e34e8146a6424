"""What every attack is: images in, images within epsilon out, from a model that is the same afterwards."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from sparring.attack.math.norm_ball import Ball, ball, check_norm
from sparring.attack.math.objective import Objective
from sparring.core.errors import ConfigError
from sparring.core.settings import pixel_fraction

Model = Callable[[Tensor], Tensor]


class Attack(ABC):
    """Base of every `sparring.attack.<name>` leaf.

    norm: "linf" or "l2". epsilon: strength as a fraction of the pixel range (0, 1], a number or text such as "8/255".
    needs_gradient: false for attacks that only look at logits.
    bypasses: it goes through a defence that has no gradient of its own.
    """

    needs_gradient: ClassVar[bool] = True
    bypasses: bool = False

    def __init__(self, *, norm: str, epsilon: float | str) -> None:
        self.norm = check_norm(norm)
        self.epsilon = pixel_fraction(epsilon)

    def __call__(self, model: nn.Module, image: Tensor, label: Tensor, *, index: Tensor, seed: int) -> Tensor:
        """Adversarial images, float32 (N, C, H, W) in [-1, 1], no pixel or image further than epsilon from `image`.

        model: image -> logits (N, K); in eval mode with frozen weights during the attack, restored afterwards.
        image: float32 (N, C, H, W) in [-1, 1], any memory format. label: (N,) int64 classes.
        index: (N,) int64, numbers of the images in their data set: what is drawn for an image depends on (seed, index)
            alone. Logits depend on the batch's size in their last bits, unless `model` is a `target.Target` with `rows`.
        May be called under `no_grad` and `inference_mode`.

        Raises:
            ConfigError: the attack needs gradients that the model says it has not (`differentiable = False`), or more classes.
        """
        if not len(image) == len(label) == len(index):
            raise ValueError(
                f"an attack needs as many labels and indices as images: {len(image)}, {len(label)}, {len(index)}"
            )
        self.check(model)
        if not len(image):
            return image.clone()
        with torch.inference_mode(False), attacked(model):
            original, label = image.detach().clone(), label.detach().clone()
            allowed = ball(self.norm, original, self.epsilon)
            return allowed.settle(self.perturb(model, allowed, label, index.cpu(), seed).detach())

    def check(self, model: nn.Module) -> None:
        """Raise ConfigError if the attack does not apply to the model."""
        if self.needs_gradient and not getattr(model, "differentiable", True):
            bypass = "attack=bpda, " if getattr(model, "bypassable", False) else ""
            name = type(getattr(model, "network", model)).__name__
            raise ConfigError(
                f"{type(self).__name__} follows gradients and {name} has none (differentiable=False); "
                f"attacks that apply are {bypass}attack=square and attack=transfer."
            )

    def remark(self) -> str | None:
        """A sentence that must stand beside the outcome at this strength."""
        return None

    @abstractmethod
    def perturb(self, model: nn.Module, allowed: Ball, label: Tensor, index: Tensor, seed: int) -> Tensor:
        """Perturbed images (N, C, H, W) for the originals `allowed.image`, N >= 1; `index` is on the CPU."""

    def at(self, epsilon: float | str) -> Self:
        """The same attack with another strength. Raises ConfigError."""
        other = copy.copy(self)
        other.epsilon = pixel_fraction(epsilon)
        return other


@contextmanager
def attacked(model: nn.Module) -> Iterator[None]:
    """Eval mode and frozen weights inside; every module's mode and every weight's flag are restored."""
    modes = [(module, module.training) for module in model.modules()]
    flags = [(weight, weight.requires_grad) for weight in model.parameters()]
    model.eval()
    for weight, _ in flags:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
        for weight, flag in flags:
            weight.requires_grad_(flag)


def slope(model: Model, x: Tensor, label: Tensor, objective: Objective) -> tuple[Tensor, Tensor, Tensor]:
    """(logits (N, K), loss (N,), gradient of each image's loss (N, C, H, W)) at x: one forward, one backward pass."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        logits = model(x)
        loss = objective(logits, label)
        (gradient,) = torch.autograd.grad(loss.sum(), x)
    return logits.detach(), loss.detach(), gradient


@torch.no_grad()
def look(model: Model, x: Tensor) -> Tensor:
    """Logits without a graph."""
    return model(x)


def right(logits: Tensor, label: Tensor) -> Tensor:
    """(N,) bool: classified correctly. NaN logits count as wrong answers, as they would in an accuracy."""
    return logits.argmax(1) == label


def survivors(model: Model, x: Tensor, label: Tensor) -> Tensor:
    """Rows that are still classified correctly."""
    return right(look(model, x), label).nonzero().squeeze(1)
