"""The set of allowed adversarial images: within epsilon of the original and within the pixel range, to the last bit.

All balls hold float32 originals `image` (N, C, H, W) in [-1, 1]. What an attack returns went through `project_exactly`.
"""

import math
from abc import ABC, abstractmethod
from typing import Literal, Self

import torch
from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.core.randomness import normal, uniform
from sparring.core.settings import radius

Norm = Literal["linf", "l2"]
INWARD = 1 - 2**-50  # so that a difference computed in float64 rounds to no more than the radius


class Ball(ABC):
    """The images allowed around some originals (N, C, H, W); epsilon: radius as a fraction of the pixel range (0, 1]."""

    def __init__(self, image: Tensor, epsilon: float) -> None:
        self.image = image
        self.epsilon = epsilon
        self.radius = radius(epsilon)

    @abstractmethod
    def take(self, rows: Tensor) -> Self:
        """The balls around some of the images; rows: (n,) positions, or (N,) bool."""

    @abstractmethod
    def project(self, x: Tensor) -> Tensor:
        """The projection of x (N, C, H, W) onto the ball and the pixel range, up to rounding; for use in every step."""

    @abstractmethod
    def project_exactly(self, x: Tensor) -> Tensor:
        """`project` without rounding errors: no distance, taken in float64, is above the radius, no pixel outside [-1, 1].

        NaN becomes the original pixel. An x that is inside comes back unchanged.
        """

    @abstractmethod
    def steepest(self, gradient: Tensor) -> Tensor:
        """The direction of steepest ascent, of length 1 in the ball's norm, from a gradient (N, C, H, W); NaN counts as 0."""

    @abstractmethod
    def start(self, *key: int | str, index: Tensor) -> Tensor:
        """A random point per image, uniform in the ball, then projected onto the pixel range; drawn from (key, index (N,))."""

    def near(self, *key: int | str, index: Tensor) -> Tensor:
        """Gaussian noise of 0.001 of the pixel range around each image: the start of TRADES (Zhang et al. 2019)."""
        noise = normal(self.image, *key, index=index)
        return self.project(self.image + radius(0.001) * noise)


class LinfBall(Ball):
    """|x_i - image_i| <= radius for every pixel."""

    def __init__(self, image: Tensor, epsilon: float) -> None:
        super().__init__(image, epsilon)
        exact = _double(image)
        self.low = _round_inwards(exact - self.radius * INWARD, up=True).clamp_(min=-1).to(image.device)
        self.high = _round_inwards(exact + self.radius * INWARD, up=False).clamp_(max=1).to(image.device)

    def take(self, rows: Tensor) -> Self:
        part = object.__new__(type(self))
        part.image, part.epsilon, part.radius = self.image[rows], self.epsilon, self.radius
        part.low, part.high = self.low[rows], self.high[rows]
        return part

    def project(self, x: Tensor) -> Tensor:
        return torch.clamp(x, self.low, self.high)

    def project_exactly(self, x: Tensor) -> Tensor:
        return torch.clamp(torch.where(x.isnan(), self.image, x), self.low, self.high)

    def steepest(self, gradient: Tensor) -> Tensor:
        return gradient.nan_to_num(0.0).sign_()

    def start(self, *key: int | str, index: Tensor) -> Tensor:
        noise = uniform(self.image, *key, index=index)
        return self.project(self.image + noise.mul_(2).sub_(1).mul_(self.radius))


class L2Ball(Ball):
    """||x - image||_2 <= radius for every image."""

    def take(self, rows: Tensor) -> Self:
        return type(self)(self.image[rows], self.epsilon)

    def project(self, x: Tensor) -> Tensor:
        change = x - self.image
        factor = (self.radius / length(change)).clamp_(max=1)  # 0 / 0 cannot be: the radius is positive
        return (self.image + change * factor).clamp_(-1, 1)

    def project_exactly(self, x: Tensor) -> Tensor:
        inside = torch.where(x.isnan(), self.image, x).clamp_(-1, 1)
        image = _double(self.image)
        shrink = 2.0**-22  # the rounding of one pixel; doubled until that of all pixels fits
        while True:
            change = _double(inside) - image
            distance = length(change)
            outside = distance > self.radius * INWARD
            if not bool(outside.any()):
                return inside
            smaller = image + change * (self.radius / distance * (1 - shrink)) if shrink < 1 else image
            inside = torch.where(outside.to(x.device), smaller.float().clamp_(-1, 1).to(x.device), inside)
            shrink *= 2

    def steepest(self, gradient: Tensor) -> Tensor:
        slope = gradient.nan_to_num(0.0, posinf=0.0, neginf=0.0)
        # Scaled first: the squares of a gradient below 1e-23 are zero in float32.
        slope = slope / slope.abs().amax((1, 2, 3), keepdim=True).clamp_(min=torch.finfo(slope.dtype).tiny)
        return slope / length(slope).clamp_(min=torch.finfo(slope.dtype).tiny)

    def start(self, *key: int | str, index: Tensor) -> Tensor:
        direction = normal(self.image, *key, index=index)
        share = uniform(self.image[:, :1, :1, :1], *key, "length", index=index)
        share = share ** (1 / math.prod(self.image.shape[1:]))
        return self.project(self.image + direction / length(direction) * share * self.radius)


def ball(norm: Norm, image: Tensor, epsilon: float) -> Ball:
    """The ball of a norm around images (N, C, H, W) in [-1, 1]; epsilon: a fraction of the pixel range (0, 1]."""
    return {"linf": LinfBall, "l2": L2Ball}[norm](image, epsilon)


def check_norm(norm: str) -> Norm:
    """`norm` if it is "linf" or "l2". Raises ConfigError."""
    if norm not in ("linf", "l2"):
        raise ConfigError(f"norm={norm} is unknown; give linf or l2.")
    return norm  # type: ignore[return-value]


def length(x: Tensor) -> Tensor:
    """L2 norm of each image, (N, C, H, W) -> (N, 1, 1, 1)."""
    return x.square().sum((1, 2, 3), keepdim=True).sqrt_()


def _round_inwards(bound: Tensor, *, up: bool) -> Tensor:
    """float64 -> the nearest float32 that is not below (`up`), or not above, it."""
    near = bound.float()
    wrong = near.double() < bound if up else near.double() > bound
    towards = torch.full_like(near, math.inf if up else -math.inf)
    return torch.where(wrong, torch.nextafter(near, towards), near)


def _double(x: Tensor) -> Tensor:
    """float64 where the device has it; Apple's has not."""
    return (x if x.device.type in ("cpu", "cuda") else x.cpu()).double()
