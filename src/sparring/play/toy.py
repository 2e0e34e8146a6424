"""A GAN on points in the plane, stepped one player at a time, as GAN Lab does (Kahng et al. 2018): sparring's own players and
steps on `data=toy2d`, without a training run.
"""

import threading
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from sparring.config.compose import compose
from sparring.core.errors import ConfigError
from sparring.core.pixels import normalise
from sparring.core.randomness import generator as random_generator
from sparring.core.types import Batch
from sparring.data.reading.source import Location, Pixels, Source
from sparring.data.toy2d import SHAPES
from sparring.model.gan import GAN
from sparring.trained.runs import Runs, build_model

LOSSES = ("non_saturating", "hinge", "least_squares", "rpgan", "wasserstein")
BATCH = 128
SHOWN = 160  # points of each kind in a picture
FIELD = 33  # values of D along a side of the square
LATENT = 8
_composing = threading.Lock()  # Hydra's state is global


@dataclass(frozen=True)
class ToyView:
    """The state of a game, coordinates from -1 to 1.

    Args:
        real, fake: (n, 2) points. pull: (n, 2) where G's next step would move each generated point: minus the gradient of G's
            loss, as long as it is.
        belief: (FIELD, FIELD) how real D takes a point to be, 0 to 1 after its logits' ranks; rows from y = -1 to 1.
        steps: of D and of G. losses: the last of each.
    """

    real: Tensor
    fake: Tensor
    pull: Tensor
    belief: Tensor
    steps: tuple[int, int]
    losses: tuple[float | None, float | None]


class ToyGame:
    """One visitor's game; what is asked of it at the same time happens in turn.

    Args:
        shape: of data=toy2d. loss: of model/loss. rate: learning rate of both players.

    Raises:
        ConfigError: a shape, loss or rate that is not offered.
    """

    def __init__(self, shape: str, loss: str, rate: float, *, runs: Runs, seed: int = 0) -> None:
        if shape not in SHAPES or loss not in LOSSES:
            raise ConfigError(f"shape={shape} and loss={loss} are not both offered here.")
        if not 0 < rate <= 0.1:
            raise ConfigError(f"a learning rate of {rate:g} is not above 0 and at most 0.1.")
        typed = [
            "model=gan", "data=toy2d", f"data.source.shape={shape}", f"model/loss={loss}", "model/conditioning=none",
            "model/head=none", f"model.latent_dim={LATENT}", "model.generator.width=64", "model.discriminator.width=32",
            f"model.generator_optimizer.lr={rate}", f"model.discriminator_optimizer.lr={rate}", f"seed={seed}",
            f"data.batch_size={BATCH}",
        ]  # fmt: skip
        if loss == "wasserstein":
            typed.append("model/regularizer=[wgan_gp]")
        with _composing:
            config = compose("train", typed)
            torch.manual_seed(seed)
            self._game = _steppable(build_model({"model": config.model, "data": config.data}, build=runs.build))
            source: Source = runs.build(config.data.source, section="data")
        chunks = [
            chunk for chunk in source.read(Location()).chunks if isinstance(chunk, Pixels) and chunk.split == "train"
        ]
        image = torch.from_numpy(np.concatenate([chunk.image for chunk in chunks]))
        label = torch.from_numpy(np.concatenate([chunk.label for chunk in chunks]))
        self._real = Batch(normalise(image), label)
        self._latent = torch.randn(SHOWN, LATENT, generator=random_generator("toy", seed))
        self._turn = threading.RLock()
        self._seed, self._done = seed, {"discriminator": 0, "generator": 0}
        self._loss: dict[str, float | None] = {"discriminator": None, "generator": None}

    def step(self, player: Literal["discriminator", "generator"], count: int = 1) -> None:
        """Steps of one player alone; the other one's weights stay as they are."""
        for _ in range(count):
            with self._turn:
                self._step(player)

    def _step(self, player: Literal["discriminator", "generator"]) -> None:
        number = self._done[player]
        chunk = self._chunk(player, number)
        if player == "discriminator":
            self._game.discriminator_step(chunk, number)
        else:
            self._game.generator_step(chunk if self._game.streams["generator"] else None, number)
        self._done[player] = number + 1
        noted = self._game.meter.newest(f"loss/{player}")
        self._loss[player] = None if noted is None else float(noted)
        self._game.meter.clear()

    def play(self, iterations: int) -> None:
        """Iterations of a D and a G step each."""
        with self._turn:
            for _ in range(iterations):
                self.step("discriminator")
                self.step("generator")

    def view(self) -> ToyView:
        """What the game looks like now, always with the same latents and real points."""
        with self._turn:
            return self._view()

    def _view(self) -> ToyView:
        game, real = self._game, self._real.image[:SHOWN]
        label = torch.zeros(SHOWN, dtype=torch.int64)
        with torch.no_grad():
            fake = game.generator(self._latent, label)
        with torch.enable_grad():
            leaf = fake.clone().requires_grad_()
            told = game.discriminator(real, label).detach() if game.loss.pairs else None
            (slope,) = torch.autograd.grad(game.loss.generator(game.discriminator(leaf, label), told).sum(), leaf)
        line = torch.linspace(-1, 1, FIELD)
        y, x = torch.meshgrid(line, line, indexing="ij")
        with torch.no_grad():
            points = torch.stack([x, y], -1).view(-1, 2, 1, 1)
            logits = game.discriminator(points, torch.zeros(len(points), dtype=torch.int64))
        rank = logits.argsort().argsort().float() / (len(logits) - 1)
        flat = [each[:, :, 0, 0] for each in (real, fake, -slope)]
        done, losses = self._done, self._loss
        return ToyView(
            flat[0], flat[1], flat[2], rank.view(FIELD, FIELD), (done["discriminator"], done["generator"]),
            (losses["discriminator"], losses["generator"]),
        )  # fmt: skip

    def _chunk(self, player: str, number: int) -> Batch:
        random = random_generator("toy", player, self._seed, number)
        rows = torch.randint(len(self._real.label), (BATCH,), generator=random)
        return Batch(self._real.image[rows], self._real.label[rows])


def _steppable(model: Any) -> GAN:
    """The game with optimizers of its own in place of those of Lightning's Trainer, which a single step has no use for."""
    assert isinstance(model, GAN)
    optimizers = dict(zip(model.factories, model.configure_optimizers(), strict=True))
    object.__setattr__(model, "players", lambda: optimizers)
    object.__setattr__(model, "manual_backward", lambda loss: loss.backward())
    model.batch_size = BATCH
    model.budget = 10**6
    model.train()
    return model
