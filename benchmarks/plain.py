"""Textbook loops of three published trainings, in PyTorch alone: what `step.py` holds the framework against.

Each does the work of the scripts that people start from, written from the papers: two or three passes of D in its step, spectral
normalisation by torch at every pass, gradients of D that G's step throws away, torch's default Adam or SGD, the default memory
format. Images are float batches that are there already: reading and augmenting them costs a plain loop nothing here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, binary_cross_entropy_with_logits, cross_entropy, interpolate, relu
from torch.nn.utils.parametrizations import spectral_norm

Iteration = Callable[[], None]


@dataclass(frozen=True)
class Work:
    """make: the loop for a batch size. overrides: the framework's settings for the same networks and step."""

    make: Callable[[int], Iteration]
    overrides: tuple[str, ...]


def learn(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def dcgan(batch: int) -> Iteration:
    """DCGAN at 64 x 64 x 3 (Radford et al. 2016, figure 1), z of 100, widths of 64; fakes serve both players."""
    widths = [512, 256, 128, 64]
    g: list[nn.Module] = [nn.ConvTranspose2d(100, 512, 4, bias=False), nn.BatchNorm2d(512), nn.ReLU(True)]
    d: list[nn.Module] = [nn.Conv2d(3, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, True)]
    for before, after in pairwise(widths):
        g += [nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(True)]
    for before, after in pairwise(widths[::-1]):
        d += [nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(0.2, True)]
    generator = nn.Sequential(*g, nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False), nn.Tanh())
    discriminator = nn.Sequential(*d, nn.Conv2d(512, 1, 4, bias=False), nn.Flatten(0))
    g_optimizer, d_optimizer = (
        torch.optim.Adam(n.parameters(), 2e-4, (0.5, 0.999)) for n in (generator, discriminator)
    )
    real, ones, zeros = torch.rand(batch, 3, 64, 64) * 2 - 1, torch.ones(batch), torch.zeros(batch)

    def iteration() -> None:
        discriminator.zero_grad()
        binary_cross_entropy_with_logits(discriminator(real), ones).backward()
        fake = generator(torch.randn(batch, 100, 1, 1))
        binary_cross_entropy_with_logits(discriminator(fake.detach()), zeros).backward()
        d_optimizer.step()
        learn(g_optimizer, binary_cross_entropy_with_logits(discriminator(fake), ones))

    return iteration


class Up(nn.Module):
    """Residual block of SNGAN's generator, which doubles the size (Miyato et al. 2018, appendix B.4)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.BatchNorm2d(width), nn.BatchNorm2d(width)])
        self.convolutions = nn.ModuleList([nn.Conv2d(width, width, 3, padding=1) for _ in range(2)])
        self.shortcut = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.convolutions[0](interpolate(relu(self.norms[0](x)), scale_factor=2))
        return self.convolutions[1](relu(self.norms[1](h))) + self.shortcut(interpolate(x, scale_factor=2))


class Down(nn.Module):
    """Residual block of SNGAN's discriminator; `halves` the size."""

    def __init__(self, before: int, after: int, *, first: bool, halves: bool) -> None:
        super().__init__()
        self.first, self.halves = first, halves
        self.one, self.two = (spectral_norm(nn.Conv2d(c, after, 3, padding=1)) for c in (before, after))
        self.shortcut = spectral_norm(nn.Conv2d(before, after, 1)) if before != after or halves else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        h = self.two(relu(self.one(x if self.first else relu(x))))
        if not self.halves:
            return h + self.shortcut(x)
        short = self.shortcut(avg_pool2d(x, 2)) if self.first else avg_pool2d(self.shortcut(x), 2)
        return avg_pool2d(h, 2) + short


def sngan(batch: int) -> Iteration:
    """SNGAN at 32 x 32 x 3 without labels (Miyato et al. 2018, table 4): G of width 256, D of width 128, 5 D steps, hinge."""
    generator = nn.Sequential(
        nn.Linear(128, 256 * 16), nn.Unflatten(1, (256, 4, 4)), Up(256), Up(256), Up(256), nn.BatchNorm2d(256), nn.ReLU(),
        nn.Conv2d(256, 3, 3, padding=1), nn.Tanh(),
    )  # fmt: skip
    blocks = [Down(3 if n == 0 else 128, 128, first=n == 0, halves=n < 2) for n in range(4)]
    features, head = nn.Sequential(*blocks, nn.ReLU()), spectral_norm(nn.Linear(128, 1))
    d_weights = [*features.parameters(), *head.parameters()]
    g_optimizer = torch.optim.Adam(generator.parameters(), 2e-4, (0.0, 0.9))
    d_optimizer = torch.optim.Adam(d_weights, 2e-4, (0.0, 0.9))
    real = torch.rand(batch, 3, 32, 32) * 2 - 1

    def discriminator(image: Tensor) -> Tensor:
        return head(features(image).sum((2, 3))).squeeze(1)

    def iteration() -> None:
        for _ in range(5):
            fake = generator(torch.randn(batch, 128)).detach()
            learn(d_optimizer, relu(1 - discriminator(real)).mean() + relu(1 + discriminator(fake)).mean())
        learn(g_optimizer, -discriminator(generator(torch.randn(batch, 128))).mean())

    return iteration


def classifier(batch: int) -> Iteration:
    """Digits at 16 x 16 with AdamW and smoothed labels: three 3x3 convolutions of 32, 64 and 128 channels with BatchNorm."""
    layers: list[nn.Module] = []
    for before, after in ((1, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        layers += [nn.MaxPool2d(2) if after < 128 else nn.AdaptiveAvgPool2d(1)]
    network = nn.Sequential(*layers, nn.Flatten(), nn.Linear(128, 10))
    optimizer = torch.optim.AdamW(network.parameters(), 5e-3, (0.9, 0.99), weight_decay=5e-2)
    image, label = torch.rand(batch, 1, 16, 16) * 2 - 1, torch.randint(10, (batch,))
    return lambda: learn(optimizer, cross_entropy(network(image), label, label_smoothing=0.1))


WITHOUT_LABELS = ("model/conditioning=none", "model/head=none")
LOOPS = {
    "dcgan64": Work(
        dcgan,
        ("model=dcgan", "model.reuse_fakes=true", *WITHOUT_LABELS, "data=cifar10", "data.image_size=64",
         "model.generator.width=64", "model.discriminator.width=64"),
    ),
    "sngan32": Work(
        sngan,
        ("model=sngan", *WITHOUT_LABELS, "data=cifar10", "model.d_steps=5", "model.generator={width: 256, growth: 1}",
         "model.discriminator={width: 128, growth: 1, flat: 2}"),
    ),
    "classifier": Work(classifier, ("model=classifier", "data=digits", "data.image_size=16")),
}  # fmt: skip
