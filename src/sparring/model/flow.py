"""A rectified flow as a game of one player: noise is carried to images along straight lines (Liu et al. 2023)."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, get_args

import torch
from torch import Tensor

from sparring.core.distributed import mean_over_images
from sparring.core.errors import ConfigError
from sparring.core.types import Batch
from sparring.model.checks import check_generator
from sparring.model.ema import EMA
from sparring.model.game import OptimizerFactory
from sparring.model.generator.base import Generator
from sparring.model.image_game import ImageGame
from sparring.model.schedule.base import Schedule
from sparring.model.solver.base import Solver
from sparring.model.step.draws import Draws
from sparring.model.velocity.base import Velocity

Times = Literal["uniform", "logit_normal"]


class FlowGenerator(Generator):
    """A velocity network and a solver as a generator: the latent is the noise that the flow starts from.

    Args:
        guidance: w of classifier-free guidance (Ho and Salimans 2022): v = v(no label) + w (v(label) - v(no label)). 1: the
            labelled velocity alone. Above 1, images are clearer examples of their class, and less diverse.

    Shapes: latent (N, C * H * W), label (N,) -> images (N, C, H, W) in [-1, 1].
    """

    def __init__(
        self, velocity: Velocity, solver: Solver, *, guidance: float, conditional: bool, shape: tuple[int, int, int]
    ) -> None:
        super().__init__()
        self.velocity, self.solver = velocity, solver
        self.guidance, self.conditional, self.shape = guidance, conditional, shape

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        start = latent.unflatten(1, self.shape)
        if not self.conditional:
            label = torch.full_like(label, self.velocity.num_classes)
        return self.solver(lambda image, time: self._guided(image, time.expand(image.shape[0]), label), start).clamp(
            -1, 1
        )

    def compile(self, *options: Any, **named: Any) -> None:
        """`torch.compile` in place, with its options; of the velocity, which is all that training calls."""
        self.velocity.compile(*options, **named)

    def _guided(self, image: Tensor, time: Tensor, label: Tensor) -> Tensor:
        if self.guidance == 1 or not self.conditional:
            return self.velocity(image, time, label)
        none = torch.full_like(label, self.velocity.num_classes)
        both = self.velocity(image.repeat(2, 1, 1, 1), time.repeat(2), torch.cat([label, none]))
        with_label, without = both.chunk(2)
        return without + self.guidance * (with_label - without)


class Flow(ImageGame):
    """A velocity network that learns the straight way from noise to each image, and its average, which draws.

    x_t = (1 - t) noise + t image; the network at (x_t, t, label) learns image - noise by least squares (Liu et al. 2023,
    equation 1; Lipman et al. 2023). It shares nothing with a GAN but the interface: latent and label to image.

    Args:
        velocity: (image, time, label) -> velocity.
        solver: of the images that are drawn; training needs none.
        times: how t is drawn: "uniform", or "logit_normal", the sigmoid of a standard normal, which looks at the middle of
            the way more often (Esser et al. 2024, section 3.1).
        label_dropout: share [0, 1) of the labels that are hidden in training, so that guidance has a velocity without.
        guidance: see `FlowGenerator`; 1 or above.
        conditional: whether it sees labels.

    Raises:
        ConfigError: a setting out of range.
    """

    headline: ClassVar = {"loss/flow": "flow"}
    generator: FlowGenerator
    ema: FlowGenerator

    def __init__(
        self,
        *,
        velocity: Velocity,
        solver: Solver,
        schedule: Schedule,
        ema: EMA,
        optimizer: OptimizerFactory,
        channels: int,
        image_size: int,
        num_classes: int,
        times: Times,
        label_dropout: float,
        guidance: float,
        conditional: bool,
        accumulate: int,
        seed: int,
    ) -> None:
        if times not in get_args(Times):
            raise ConfigError(f"model.times={times} is unknown; give one of {', '.join(get_args(Times))}.")
        if not 0 <= label_dropout < 1:
            raise ConfigError(f"model.label_dropout={label_dropout} must be from 0 to below 1.")
        if not 1 <= guidance < math.inf or (guidance > 1 and not (conditional and label_dropout > 0)):
            raise ConfigError(
                f"model.guidance={guidance} must be 1, or above 1 with model.conditional=true and model.label_dropout above 0, "
                "which teach the velocity without a label."
            )
        super().__init__(
            players={"generator": optimizer},
            streams={"flow": 1},
            schedule=schedule,
            accumulate=accumulate,
            seed=seed,
        )
        shape = (channels, image_size, image_size)
        generator = FlowGenerator(velocity, solver, guidance=guidance, conditional=conditional, shape=shape)
        self.averaged(generator, ema, num_classes=num_classes)
        self.times, self.label_dropout = times, label_dropout
        self.conditional = self.uses_labels = conditional
        self.latent_dim = math.prod(shape)
        self._held_out: list[Tensor] = []

    def training_step(self, batch: Mapping[str, list[Batch]], batch_idx: int) -> None:
        (chunk,) = batch["flow"]
        self.begin_iteration(chunk)
        for first in range(self.accumulate):
            rows = slice(first, None, self.accumulate)
            draws = self.draws("flow", self.clock.iteration, rows=rows)
            image = chunk.image[rows].to(self.weight_dtype())
            loss = self.losses(self.generator, image, chunk.label[rows], draws).mean()
            self.note({"loss/flow": loss})
            self.manual_backward(loss / self.accumulate)
        self.step_player("generator")
        self.update_average(self.batch_size)
        self.clock.advance(images=self.batch_size)

    def losses(self, generator: FlowGenerator, image: Tensor, label: Tensor, draws: Draws) -> Tensor:
        """Squared error of the velocity on one point of each image's way, averaged over pixels, (N,)."""
        noise, time = draws.normal("noise", *image.shape[1:]), self._times(draws)
        hidden = draws.uniform("label") < (self.label_dropout if self.conditional else 1.0)
        label = torch.where(hidden, self.num_classes, label)
        point = torch.lerp(noise, image, time[:, None, None, None])
        error = generator.velocity(point, time, label) - (image - noise)
        return error.square().flatten(1).mean(1)

    def _times(self, draws: Draws) -> Tensor:
        return draws.uniform("time") if self.times == "uniform" else draws.normal("time").sigmoid()

    # -- for stages and Lightning ------------------------------------------------------------------------------------------

    def check_data(self, *, channels: int, image_size: int) -> None:
        check_generator(self.ema, latent_dim=self.latent_dim, channels=channels, image_size=image_size)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        draws = Draws(self.seed, ("validation", batch_idx), len(batch.label), 0, 1, self.device, self.weight_dtype())
        self._held_out.append(self.losses(self.ema, batch.image.to(self.weight_dtype()), batch.label, draws))

    def validation_scalars(self) -> dict[str, float]:
        """The average's loss on held-out images: when it rises while `loss/flow` falls, training images are remembered."""
        if not self._held_out:  # no val split
            return {}
        losses = torch.cat(self._held_out).float().cpu().double()  # MPS has no float64
        self._held_out = []
        return {"val/flow": float(mean_over_images(losses.sum()[None], len(losses)))}
