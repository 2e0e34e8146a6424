"""The adversarial step: n discriminator steps, one generator step, one update of the averaged generator."""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sparring.errors import ConfigError
from sparring.model.code.base import CodeMaker
from sparring.model.ema import EMA
from sparring.model.game import Game, OptimizerFactory, mean_over_images
from sparring.model.head.base import HeadMaker
from sparring.model.loss.base import Loss
from sparring.model.part import Part, frozen
from sparring.model.regularizer.base import Regularizer
from sparring.model.schedule.base import Schedule
from sparring.model.shapes import check_labels, check_shapes
from sparring.types import Batch


class GAN(Game):
    """Generator and discriminator.

    Images are float32 in [-1, 1], NCHW. A training batch holds, per stream ("discriminator", "generator"), the chunks of
    real images that one iteration needs (`streams` says how many).

    d_steps: discriminator steps per generator step, each on fresh real images.
    accumulate: parts that a chunk is processed in; without BatchNorm the gradients are the whole chunk's, the memory a part's.
    """

    draws_images = True
    headline: ClassVar = {"loss/discriminator": "D", "loss/generator": "G"}

    def __init__(
        self,
        *,
        generator: nn.Module,
        discriminator: nn.Module,
        code: CodeMaker,
        head: HeadMaker,
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
        if d_steps < 1:
            raise ConfigError(f"model.d_steps={d_steps} must be at least 1.")
        super().__init__(
            players={"generator": generator_optimizer, "discriminator": discriminator_optimizer},
            streams={"discriminator": d_steps, "generator": 1 if loss.pairs else 0},
            schedule=schedule,
            accumulate=accumulate,
            seed=seed,
        )
        self.generator, self.discriminator = generator, discriminator
        self.averaging, self.ema = ema, ema.copy_of(generator)
        self.loss, self.regularizers = loss, dict(regularizer)
        self.conditional = check_labels(generator, code, head)
        self.latent_dim, self.num_classes = latent_dim, num_classes
        self.d_steps = d_steps
        self._held_out: list[Tensor] = []
        self.class_prior: Tensor
        self.register_buffer("class_prior", torch.full((num_classes,), 1.0 / num_classes))

    # -- the algorithm -------------------------------------------------------------------------------------------------

    def training_step(self, batch: Mapping[str, list[Batch]], batch_idx: int) -> None:
        self.begin_iteration(batch["discriminator"][0])
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
                self.note(
                    {"loss/discriminator": loss, "logits/real": real_logits.mean(), "logits/fake": fake_logits.mean()}
                )
                points = {"real": (real_at, real_logits), "fake": (fake_at, fake_logits)}
                if _reads(due, "between"):
                    points["between"] = self._between(real_at, fake_at, part, number)
                for name, regularizer in due.items():
                    penalty = regularizer(*points[regularizer.where]).mean()
                    self.note({f"penalty/{name}": penalty})
                    loss = loss + regularizer.interval * penalty
            self.manual_backward(loss / self.accumulate)
        self.step_player("discriminator")

    def generator_step(self, chunk: Batch | None, number: int) -> None:
        """G step `number` of the run; `chunk` holds the real images to pair with, for losses that compare."""
        with frozen(self.discriminator):
            for part in self._parts(chunk, "generator", number):
                fake_logits = self.discriminator(self.generator(part.latent, part.fake_label), part.fake_label)
                with torch.no_grad():
                    real_logits = None if part.image is None else self.discriminator(part.image, part.label)
                loss = self.loss.generator(fake_logits, real_logits).mean()
                self.note({"loss/generator": loss})
                self.manual_backward(loss / self.accumulate)
        self.step_player("generator")

    # -- the parts of a step -------------------------------------------------------------------------------------------

    def _parts(self, chunk: Batch | None, player: str, number: int) -> Iterator[Part]:
        """What each part of a step sees.

        All devices draw the whole batch's latents and labels and take their rows, so that results do not depend on
        the number of devices.
        """
        draws = self.random("latent", player, number)
        shape = (self.batch_size, self.latent_dim)
        latent = self.share(torch.randn(shape, device=self.device, dtype=self.weight_dtype(), generator=draws))
        if chunk is not None and self.loss.pairs:
            fake_label = chunk.label
        else:
            draws = self.random("label", player, number)
            fake_label = self.share(
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
        draws = self.random("between", number)
        shape = (self.batch_size, 1, 1, 1)
        mix = self.share(torch.rand(shape, device=self.device, dtype=self.weight_dtype(), generator=draws))[part.rows]
        images = (mix * real + (1 - mix) * fake).detach().requires_grad_()
        return images, self.discriminator(images, part.label)

    def _exact_gradients(self, needed: bool) -> Any:
        """Full precision where a penalty differentiates twice; the trainer's precision elsewhere."""
        return torch.autocast(self.device.type, enabled=False) if needed else nullcontext()

    # -- Lightning -----------------------------------------------------------------------------------------------------

    def check_data(self, *, channels: int, image_size: int) -> None:
        shape = {"channels": channels, "image_size": image_size}
        check_shapes(self.generator, self.discriminator, latent_dim=self.latent_dim, **shape)

    def prepare(self, data: Any) -> None:
        self.class_prior.copy_(data.class_prior)

    def networks(self) -> dict[str, nn.Module]:
        return {"ema": self.ema, **super().networks()}

    def extra_tensors(self) -> dict[str, Tensor]:
        return {"class_prior": self.class_prior}

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._held_out.append(self.discriminator(batch.image.to(self.weight_dtype()), batch.label).detach())

    def validation_scalars(self) -> dict[str, float]:
        """D's mean logit on held-out real images: far below `logits/real`, D remembers its training images."""
        if not self._held_out:  # no val split
            return {}
        logits = torch.cat(self._held_out).float().cpu().double()  # MPS has no float64
        self._held_out = []
        return {"val/logits_real": float(mean_over_images(logits.sum()[None], len(logits)))}

    def train(self, mode: bool = True) -> "GAN":
        """The averaged generator stays in eval mode."""
        super().train(mode)
        self.ema.eval()
        return self


def _reads(due: Mapping[str, Regularizer], where: str) -> bool:
    return any(regularizer.where == where for regularizer in due.values())
