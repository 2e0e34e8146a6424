"""One plain training loop for every recipe: D steps, a G step, an averaged generator. PyTorch alone, nothing of `src/`.

A recipe is a pair of networks, a loss, at most one penalty per image set, two optimizers and a number of D steps; `recipes.py`
has them as the papers do.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, relu, softplus

Player = Callable[..., nn.Module]


@dataclass(frozen=True)
class Recipe:
    """generator, discriminator: makers, of (channels, size, z) and (channels, size). penalty: (D, real, fake, label, step) -> ().

    loss: a key of `LOSSES`. clip: bound on D's weights after each of its steps. auxiliary: weight of the class losses, for a D
    that returns class logits too. betas None: RMSprop.
    """

    generator: Player
    discriminator: Player
    loss: str
    penalty: Callable[..., Tensor] | None = None
    clip: float | None = None
    auxiliary: float = 0.0
    d_steps: int = 1
    lr: tuple[float, float] = (2e-4, 2e-4)
    betas: tuple[float, float] | None = (0.5, 0.999)
    z: int = 100
    batch: int = 64


# D's loss of (real, fake) logits, and G's; the relativistic one alone looks at real logits in G's step.
LOSSES: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]] = {
    "logistic": (lambda real, fake: softplus(-real) + softplus(fake), lambda real, fake: softplus(-fake)),
    "hinge": (lambda real, fake: relu(1 - real) + relu(1 + fake), lambda real, fake: -fake),
    "wasserstein": (lambda real, fake: fake - real, lambda real, fake: -fake),
    "squares": (lambda real, fake: ((real - 1) ** 2 + fake**2) / 2, lambda real, fake: (fake - 1) ** 2 / 2),
    "relativistic": (lambda real, fake: softplus(fake - real), lambda real, fake: softplus(real - fake)),
}


def train(recipe: Recipe, images: Tensor, labels: Tensor, *, iterations: int, seed: int) -> nn.Module:
    """The averaged generator in eval mode.

    The average's half-life is 1/20 of the iterations so far (ADA's ramp-up, Karras et al. 2020): after hundreds of iterations, a
    longer one is still full of the first weights.

    images: (N, C, S, S) in [-1, 1]. labels: (N,).
    """
    torch.manual_seed(seed)
    _, channels, size, _ = images.shape
    g, d = recipe.generator(channels, size, recipe.z), recipe.discriminator(channels, size)
    average = copy.deepcopy(g).requires_grad_(False)
    g_optimizer, d_optimizer = (_optimizer(net, lr, recipe) for net, lr in zip((g, d), recipe.lr, strict=True))
    d_loss, g_loss = LOSSES[recipe.loss]
    for iteration in range(iterations):
        for d_step in range(recipe.d_steps):
            real, label = _batch(images, labels, recipe.batch)
            with torch.no_grad():
                fake = g(torch.randn(recipe.batch, recipe.z), label)
            (real_logit, real_class), (fake_logit, _) = _split(d(real, label)), _split(d(fake, label))
            loss = d_loss(real_logit, fake_logit).mean()
            if real_class is not None:
                loss = loss + recipe.auxiliary * cross_entropy(real_class, label)
            if recipe.penalty is not None:
                loss = loss + recipe.penalty(d, real, fake, label, iteration * recipe.d_steps + d_step)
            _step(d_optimizer, loss)
            if recipe.clip is not None:
                for weight in d.parameters():
                    weight.data.clamp_(-recipe.clip, recipe.clip)
        real, label = _batch(images, labels, recipe.batch)
        logit, classes = _split(d(g(torch.randn(recipe.batch, recipe.z), label), label))
        loss = g_loss(_split(d(real, label))[0] if recipe.loss == "relativistic" else logit, logit).mean()
        if classes is not None:
            loss = loss + recipe.auxiliary * cross_entropy(classes, label)
        _step(g_optimizer, loss)
        _average(average, g, share=1 - 0.5 ** (20 / (1 + iteration)))
    return average.eval()


def _split(output: Tensor | tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor | None]:
    return output if isinstance(output, tuple) else (output, None)


def _optimizer(network: nn.Module, lr: float, recipe: Recipe) -> torch.optim.Optimizer:
    if recipe.betas is None:
        return torch.optim.RMSprop(network.parameters(), lr=lr)
    return torch.optim.Adam(network.parameters(), lr=lr, betas=recipe.betas)


def _batch(images: Tensor, labels: Tensor, size: int) -> tuple[Tensor, Tensor]:
    rows = torch.randint(len(images), (size,))
    return images[rows], labels[rows]


def _step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


@torch.no_grad()
def _average(average: nn.Module, network: nn.Module, *, share: float) -> None:
    for old, new in zip(average.parameters(), network.parameters(), strict=True):
        old.lerp_(new, share)
    for old, new in zip(average.buffers(), network.buffers(), strict=True):
        old.copy_(new)
