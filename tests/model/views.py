"""A step as penalties see it, in float64, around any discriminator, with random numbers from one seed."""

import torch
from torch import Tensor, nn

from sparring.model.step.views import DiscriminatorOutput, DiscriminatorView, GeneratorView


class Seeded:
    """Stands in for `Draws`: the same purpose gives the same numbers, here from a hash of the purpose."""

    def __init__(self, count: int, key: str = "") -> None:
        self.count, self.key = count, key

    def _generator(self, purpose: str) -> torch.Generator:
        return torch.Generator().manual_seed(sum(map(ord, self.key + purpose)))

    def normal(self, purpose: str, *shape: int) -> Tensor:
        return torch.randn(self.count, *shape, dtype=torch.float64, generator=self._generator(purpose))

    def uniform(self, purpose: str, *shape: int) -> Tensor:
        return torch.rand(self.count, *shape, dtype=torch.float64, generator=self._generator(purpose))

    def of(self, *more: str) -> "Seeded":
        return Seeded(self.count, self.key + "".join(more))


class Affine(nn.Module):
    """D(x) = <w, x> + b."""

    def __init__(self, weight: Tensor, bias: float = 0.0) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight.clone()), bias

    def forward(self, image: Tensor, label: Tensor) -> Tensor:
        return image.flatten(1) @ self.weight + self.bias


class Small(nn.Module):
    """A smooth discriminator of 4 x 4 images whose features are 12 numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Tanh(), nn.Flatten()).double()
        self.last = nn.Linear(12, 1).double()

    def forward(self, image: Tensor, label: Tensor) -> Tensor:
        return self.last(self.body(image)).squeeze(1)


class Linear(nn.Module):
    """G(z) = A z as 1 x side x side images."""

    def __init__(self, matrix: Tensor, side: int) -> None:
        super().__init__()
        self.matrix, self.side = nn.Parameter(matrix.clone()), side

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return (latent @ self.matrix.T).view(-1, 1, self.side, self.side)


def output_of(discriminator: nn.Module, image: Tensor, label: Tensor) -> DiscriminatorOutput:
    return DiscriminatorOutput(image, label, image.flatten(1), discriminator(image, label))


def discriminator_view(
    discriminator: nn.Module, real: Tensor, fake: Tensor, *, generator: nn.Module | None = None,
    latent: Tensor | None = None, label: Tensor | None = None,
) -> DiscriminatorView:  # fmt: skip
    """real, fake: float64 images, taken as leaves that require grad."""
    label = torch.zeros(len(real), dtype=torch.int64) if label is None else label
    real, fake = (image.detach().clone().requires_grad_() for image in (real, fake))
    return DiscriminatorView(
        discriminator, generator or nn.Identity(), lambda image: image, output_of(discriminator, fake, label),
        torch.zeros(len(real), 1) if latent is None else latent, Seeded(len(real)), real=output_of(discriminator, real, label),
    )  # fmt: skip


def generator_view(
    discriminator: nn.Module, generator: nn.Module, latent: Tensor, label: Tensor, *, real: Tensor | None = None
) -> GeneratorView:
    image = generator(latent, label)
    real_output = None if real is None else output_of(discriminator, real, label)
    return GeneratorView(
        discriminator, generator, lambda image: image, output_of(discriminator, image, label), latent, Seeded(len(latent)),
        generated=image, real=real_output,
    )  # fmt: skip
