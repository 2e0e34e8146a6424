"""The adversarial step: n discriminator steps, one generator step, one update of the averaged generator."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from typing import Any

import lightning.pytorch as L
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sparring.errors import ConfigError
from sparring.model.clock import Clock
from sparring.model.ema import EMA
from sparring.model.loss.base import Loss
from sparring.model.meter import Meter
from sparring.model.part import Part, frozen
from sparring.model.regularizer.base import Regularizer
from sparring.model.schedule.base import Schedule
from sparring.randomness import generator as random_generator
from sparring.strategy import average_buffers, average_gradients, mean_over_ranks, rank_and_world
from sparring.types import Batch

OptimizerFactory = Callable[..., Optimizer]


class GAN(L.LightningModule):
    """Generator and discriminator under manual optimization, with one clock.

    Images are float32 in [-1, 1], NCHW. A training batch holds, per stream ("discriminator", "generator"), the chunks of
    real images that one iteration needs (`streams` says how many). Only the generator's optimizer moves Lightning's
    `global_step`, so `trainer.max_steps` counts iterations.

    d_steps: discriminator steps per generator step, each on fresh real images.
    accumulate: parts that a chunk is processed in; without BatchNorm the gradients are the whole chunk's, the memory a part's.
    budget: iterations that the run is planned for; schedules run over it. Set by the stage before training.
    """

    def __init__(
        self,
        *,
        generator: nn.Module,
        discriminator: nn.Module,
        conditioning: Any,
        loss: Loss,
        regularizer: Mapping[str, Regularizer],
        schedule: Schedule,
        ema: EMA,
        generator_optimizer: OptimizerFactory,
        discriminator_optimizer: OptimizerFactory,
        latent_dim: int,
        num_classes: int,
        d_steps: int,
        accumulate: int,
        seed: int,
    ) -> None:
        super().__init__()
        if d_steps < 1 or accumulate < 1:
            raise ConfigError(f"model.d_steps={d_steps} and model.accumulate={accumulate} must both be at least 1.")
        self.automatic_optimization = False
        self.generator, self.discriminator = generator, discriminator
        self.averaging, self.ema = ema, ema.copy_of(generator)
        self.loss, self.regularizers, self.schedule = loss, dict(regularizer), schedule
        self.generator_optimizer, self.discriminator_optimizer = generator_optimizer, discriminator_optimizer
        self.conditional: bool = conditioning.conditional
        self.latent_dim, self.num_classes = latent_dim, num_classes
        self.d_steps, self.accumulate, self.seed = d_steps, accumulate, seed
        self.streams = {"discriminator": d_steps, "generator": 1 if loss.pairs else 0}
        self.clock, self.meter = Clock(), Meter()
        self.budget = 1
        self.batch_size = 0  # images in one chunk over all devices; known with the first batch
        self._held_out: list[Tensor] = []
        self.class_prior: Tensor
        self.register_buffer("class_prior", torch.full((num_classes,), 1.0 / num_classes))

    # -- the algorithm -------------------------------------------------------------------------------------------------

    def training_step(self, batch: Mapping[str, list[Batch]], batch_idx: int) -> None:
        self._begin_iteration(batch)
        for step, chunk in enumerate(batch["discriminator"]):
            self.discriminator_step(chunk, self.clock.iteration * self.d_steps + step)
        pairs = batch["generator"]
        self.generator_step(pairs[0] if pairs else None, self.clock.iteration)
        images = self.batch_size * self.d_steps
        self.averaging.update(self.ema, self.generator, images=images, images_seen=self.clock.images_seen)
        self.clock.advance(images=images)

    def discriminator_step(self, chunk: Batch, number: int) -> None:
        """D step `number` of the run on one chunk of real images; G's forward needs no graph."""
        due = {name: penalty for name, penalty in self.regularizers.items() if number % penalty.interval == 0}
        for part in self._parts(chunk, "discriminator", number):
            assert part.image is not None
            with torch.no_grad():
                fake = self.generator(part.latent, part.fake_label)
            with self._exact_gradients(bool(due)):
                real_at = part.image.detach().requires_grad_(_reads(due, "real"))
                fake_at = fake.to(part.image.dtype).requires_grad_(_reads(due, "fake"))
                real_logits = self.discriminator(real_at, part.label)
                fake_logits = self.discriminator(fake_at, part.fake_label)
                loss = self.loss.discriminator(real_logits, fake_logits).mean()
                self._note(
                    {"loss/discriminator": loss, "logits/real": real_logits.mean(), "logits/fake": fake_logits.mean()}
                )
                points = {"real": (real_at, real_logits), "fake": (fake_at, fake_logits)}
                if _reads(due, "between"):
                    points["between"] = self._between(real_at, fake_at, part, number)
                for name, regularizer in due.items():
                    penalty = regularizer(*points[regularizer.where]).mean()
                    self._note({f"penalty/{name}": penalty})
                    loss = loss + regularizer.interval * penalty
            self.manual_backward(loss / self.accumulate)
        self._step_player("discriminator")

    def generator_step(self, chunk: Batch | None, number: int) -> None:
        """G step `number` of the run; `chunk` holds the real images to pair with, for losses that compare."""
        with frozen(self.discriminator):
            for part in self._parts(chunk, "generator", number):
                fake_logits = self.discriminator(self.generator(part.latent, part.fake_label), part.fake_label)
                with torch.no_grad():
                    real_logits = None if part.image is None else self.discriminator(part.image, part.label)
                loss = self.loss.generator(fake_logits, real_logits).mean()
                self._note({"loss/generator": loss})
                self.manual_backward(loss / self.accumulate)
        self._step_player("generator")

    # -- the parts of a step -------------------------------------------------------------------------------------------

    def _begin_iteration(self, batch: Mapping[str, list[Batch]]) -> None:
        generator, discriminator = self.players()
        # Lightning installs these counters anew for every batch; D's must not move global_step.
        discriminator._on_before_step = discriminator._on_after_step = lambda: None
        factor = self.schedule(self.clock.iteration / self.budget)
        for optimizer in (generator, discriminator):
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor
        if self.batch_size == 0:
            self.batch_size = len(batch["discriminator"][0].label) * rank_and_world(self)[1]

    def _parts(self, chunk: Batch | None, player: str, number: int) -> Iterator[Part]:
        """What each part of a step sees.

        All devices draw the whole batch's latents and labels and take their rows, so that results do not depend on
        the number of devices.
        """
        draws = self._random("latent", player, number)
        shape = (self.batch_size, self.latent_dim)
        latent = self._share(torch.randn(shape, device=self.device, dtype=self.weight_dtype(), generator=draws))
        if chunk is not None and self.loss.pairs:
            fake_label = chunk.label
        else:
            draws = self._random("label", player, number)
            fake_label = self._share(
                torch.multinomial(self.class_prior, self.batch_size, replacement=True, generator=draws)
            )
        for first in range(self.accumulate):
            rows = slice(first, None, self.accumulate)
            image, label = (
                (None, None) if chunk is None else (chunk.image[rows].to(self.weight_dtype()), chunk.label[rows])
            )
            yield Part(image, label, latent[rows], fake_label[rows], rows)

    def _between(self, real: Tensor, fake: Tensor, part: Part, number: int) -> tuple[Tensor, Tensor]:
        """Random points on the lines between real and generated images, and their logits."""
        draws = self._random("between", number)
        shape = (self.batch_size, 1, 1, 1)
        mix = self._share(torch.rand(shape, device=self.device, dtype=self.weight_dtype(), generator=draws))[part.rows]
        images = (mix * real + (1 - mix) * fake).detach().requires_grad_()
        return images, self.discriminator(images, part.label)

    def _step_player(self, player: str) -> None:
        optimizer = self.players()[0 if player == "generator" else 1]
        network = self.generator if player == "generator" else self.discriminator
        average_gradients(network.parameters())
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def _exact_gradients(self, needed: bool) -> Any:
        """Full precision where a penalty differentiates twice; the trainer's precision elsewhere."""
        return torch.autocast(self.device.type, enabled=False) if needed else nullcontext()

    def _note(self, values: Mapping[str, Tensor]) -> None:
        for name, value in values.items():
            self.meter.add(name, value)

    def _random(self, *purpose: str | int) -> torch.Generator:
        return random_generator(self.seed, *purpose, device=self.device)

    def weight_dtype(self) -> torch.dtype:
        """float32, or what the trainer's precision made of it."""
        return next(self.discriminator.parameters()).dtype

    def _share(self, whole: Tensor) -> Tensor:
        """This device's rows of a tensor drawn for the whole batch."""
        rank, world = rank_and_world(self)
        rows = len(whole) // world
        return whole[rank * rows : (rank + 1) * rows]

    # -- Lightning -----------------------------------------------------------------------------------------------------

    def players(self) -> tuple[Any, Any]:
        """(generator's, discriminator's) optimizer as Lightning wraps them."""
        return self.optimizers()  # type: ignore[return-value]

    def configure_optimizers(self) -> list[Optimizer]:
        optimizers = [
            self.generator_optimizer(self.generator.parameters()),
            self.discriminator_optimizer(self.discriminator.parameters()),
        ]
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["initial_lr"] = group["lr"]
        return optimizers

    def on_train_start(self) -> None:
        self.meter.to(self.device)  # a resumed run restored it on the CPU

    def on_validation_start(self) -> None:
        average_buffers(self)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._held_out.append(self.discriminator(batch.image.to(self.weight_dtype()), batch.label).detach())

    def validation_scalars(self) -> dict[str, float]:
        """D's mean logit on held-out real images: far below `logits/real`, D remembers its training images."""
        logits = torch.cat(self._held_out).float().cpu().double()  # MPS has no float64
        self._held_out = []
        total = mean_over_ranks(torch.stack([logits.sum(), torch.tensor(float(len(logits)), dtype=torch.float64)]))
        return {"val/logits_real": float(total[0] / total[1])}

    def train(self, mode: bool = True) -> "GAN":
        """The averaged generator stays in eval mode."""
        super().train(mode)
        self.ema.eval()
        return self

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["clock"] = self.clock.state_dict()
        checkpoint["meter"] = self.meter.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.clock.load_state_dict(checkpoint["clock"])
        self.meter.load_state_dict(checkpoint["meter"])


def _reads(due: Mapping[str, Regularizer], where: str) -> bool:
    return any(regularizer.where == where for regularizer in due.values())
