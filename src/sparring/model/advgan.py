"""AdvGAN: a generator of perturbations that fool a frozen classifier, kept near real images by a discriminator.

Xiao et al. 2018, "Generating adversarial examples with adversarial networks", equations 1-4 and section 3.3.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from sparring.attack.advgan import perturbed
from sparring.attack.evaluation import baselines
from sparring.attack.math.norm_ball import ball
from sparring.core.distributed import rank_and_world
from sparring.core.errors import CheckpointError, ConfigError
from sparring.core.settings import pixel_fraction, radius
from sparring.core.types import Batch
from sparring.model import advgan_terms as adversarial
from sparring.model.backbone.base import Backbone
from sparring.model.checks import check_discriminator, check_perturber
from sparring.model.classifier import check_classifier, prepare_backbone
from sparring.model.discriminator.base import Discriminator
from sparring.model.game import Game, OptimizerFactory
from sparring.model.head.base import HeadMaker
from sparring.model.layer.noise import noise_from
from sparring.model.loss.base import Loss
from sparring.model.perturber.base import Perturber
from sparring.model.schedule.base import Schedule
from sparring.model.step.recipe import Recipe
from sparring.model.step.views import frozen

if TYPE_CHECKING:
    from sparring.core.types import TrainedNetwork


class AdvGAN(Game):
    """Players: perturber P, discriminator D, and with `distill` a student S that imitates the target.

    Images are float32 in [-1, 1], NCHW. x_adv = x + radius * P(x), cut to the ball of `epsilon` and to the pixel range to the
    last bit. P's loss: L_adv + gan_weight * L_GAN + norm_weight * L_norm (`model/adversarial.py`, `model/loss`).

    target, target_checkpoint: run directory of the classifier and which of its weights; the stage loads and `attach`es it.
        It stays in eval mode and outside of this module: no optimizer, checkpoint or weights file holds it.
    epsilon: Linf bound, a fraction of the pixel range (0, 1]. target_class: the class that is to win; None: any wrong one.
    confidence: margin of logits beyond which an image counts as fooled and pushes no more (Carlini and Wagner's kappa).
    norm_bound: root mean square of the perturbation, in radii, from which L_norm grows: the paper's c / (radius sqrt(CHW)).
    distill: "none": gradients of the target itself. "static": S learns the target's answers on real images during the first
        `warm_up` of the budget, P then follows S's gradients. "dynamic": S goes on learning, on real and perturbed images.
        With a student the target is only queried.
    """

    headline: ClassVar = {"loss/adversarial": "adv", "accuracy/left": "left"}

    def __init__(
        self,
        *,
        perturber: Perturber,
        discriminator: Discriminator,
        student: Backbone,
        head: HeadMaker,
        loss: Loss,
        schedule: Schedule,
        perturber_optimizer: OptimizerFactory,
        discriminator_optimizer: OptimizerFactory,
        student_optimizer: OptimizerFactory,
        target: str,
        target_checkpoint: str,
        epsilon: float | str,
        target_class: int | None,
        confidence: float,
        gan_weight: float,
        norm_weight: float,
        norm_bound: float,
        distill: str,
        warm_up: float,
        num_classes: int,
        accumulate: int,
        seed: int,
    ) -> None:
        weights = {
            "confidence": confidence,
            "gan_weight": gan_weight,
            "norm_weight": norm_weight,
            "norm_bound": norm_bound,
        }
        adversarial.check_settings(
            weights, distill=distill, warm_up=warm_up, target_class=target_class, num_classes=num_classes, head=head
        )
        players = {"perturber": perturber_optimizer, "discriminator": discriminator_optimizer}
        black_box = distill != "none"
        super().__init__(
            players=players | ({"student": student_optimizer} if black_box else {}),
            streams={"perturber": 1}, schedule=schedule, accumulate=accumulate, seed=seed,
        )  # fmt: skip
        self.perturber, self.discriminator, self.loss = perturber, discriminator, loss
        if black_box:
            self.student = student
        self.target_checkpoint = target_checkpoint
        self.target_run, self.epsilon, self.target_class = str(target), pixel_fraction(epsilon), target_class
        self.confidence, self.gan_weight = confidence, gan_weight
        self.norm_weight, self.norm_bound = norm_weight, norm_bound
        self.distill, self.warm_up, self.num_classes = distill, warm_up, num_classes
        loss.check(
            Recipe(
                generator=self.perturber, discriminator=self.discriminator, accumulate=accumulate, lipschitz=False,
                optimizers=self.factories,
            )
        )  # fmt: skip
        self.queries = 0  # images that the target answered in training, over all devices
        self._target: tuple[nn.Module, ...] = ()  # in a tuple, so that it is no part of this module
        self._target_hash = ""
        self._held_out: list[Tensor] = []

    # -- the algorithm -------------------------------------------------------------------------------------------------

    def training_step(self, batch: Mapping[str, list[Batch]], batch_idx: int) -> None:
        (chunk,) = batch["perturber"]
        self.begin_iteration(chunk)
        image, label = chunk.image.to(self.weight_dtype()), chunk.label
        warming = self.distill != "none" and self.progress < self.warm_up
        if warming or self.distill == "dynamic":
            self.student_step(image, only_real=warming or self.distill == "static")
        if warming:
            self.players()["perturber"].step()  # without gradients it changes nothing, and counts the iteration
        else:
            if self.gan_weight:
                self.discriminator_step(image, label)
            self.perturber_step(image, label)
        self.clock.advance(images=self.batch_size)

    def discriminator_step(self, image: Tensor, label: Tensor) -> None:
        """Real images against their perturbed copies."""
        with torch.no_grad():
            fake = self.perturbed(image)
        for rows in self._parts():
            real_logits = self.discriminator(image[rows], label[rows])
            loss = self.loss.discriminator(real_logits, self.discriminator(fake[rows], label[rows])).mean()
            self.note({"loss/discriminator": loss})
            self.manual_backward(loss / self.accumulate)
        self.step_player("discriminator")

    def perturber_step(self, image: Tensor, label: Tensor) -> None:
        with frozen(self.discriminator):
            for rows in self._parts():
                self.manual_backward(self.perturber_loss(image[rows], label[rows]) / self.accumulate)
        self.step_player("perturber")

    def perturber_loss(self, image: Tensor, label: Tensor) -> Tensor:
        """L_adv + gan_weight * L_GAN + norm_weight * L_norm of images (N, C, H, W) and classes (N,), 0-d; terms are noted."""
        fake = self.perturbed(image)
        logits = self._attacked_logits(fake)
        terms = {
            "loss/adversarial": adversarial.margin(logits, label, self.target_class, self.confidence).mean(),
            "loss/norm": adversarial.norm_hinge(fake - image, radius(self.epsilon), self.norm_bound).mean(),
        }
        total = terms["loss/adversarial"] + self.norm_weight * terms["loss/norm"]
        if self.gan_weight:
            with torch.no_grad():
                real_logits = self.discriminator(image, label)
            terms["loss/gan"] = self.loss.generator(self.discriminator(fake, label), real_logits).mean()
            total = total + self.gan_weight * terms["loss/gan"]
        self.note(terms)
        self.note({"accuracy/left": (logits.argmax(1) == label).float().mean()})
        self.note(adversarial.health(fake - image, radius(self.epsilon)))
        return total

    def student_step(self, image: Tensor, *, only_real: bool) -> None:
        """The student's cross-entropy to the target's class probabilities (Xiao et al. 2018, section 3.3)."""
        with torch.no_grad():
            shown = image if only_real else torch.cat([image, self.perturbed(image)])
            answer = self.target(shown).softmax(1)
        self.queries += len(shown) * rank_and_world(self)[1]
        self.student.train()
        for rows in self._parts():
            with noise_from(
                self.student, self.random("student", self.clock.iteration, rows.start), *rank_and_world(self)
            ):
                logits = self.student(shown[rows])
            loss = nn.functional.cross_entropy(logits, answer[rows])
            self.note({"loss/student": loss})
            self.manual_backward(loss / self.accumulate)
        self.step_player("student")

    def perturbed(self, image: Tensor) -> Tensor:
        """x_adv (N, C, H, W)."""
        return perturbed(self.perturber, ball("linf", image, self.epsilon))

    def _attacked_logits(self, image: Tensor) -> Tensor:
        """Logits of the network whose gradients P follows."""
        if self.distill == "none":
            self.queries += len(image) * rank_and_world(self)[1]
            return self.target(image)
        self.student.eval()
        with frozen(self.student):
            return self.student(image)

    def _parts(self) -> list[slice]:
        return [slice(first, None, self.accumulate) for first in range(self.accumulate)]

    # -- the target ------------------------------------------------------------------------------------------------------

    @property
    def target(self) -> nn.Module:
        """image -> logits; frozen, in eval mode, on this module's device."""
        if not self._target:
            raise ConfigError(
                f"model.target={self.target_run} was not loaded: train with the verb train, or call attach()."
            )
        return self._target[0]

    def classifiers(self) -> dict[str, tuple[str, str]]:
        return {"model.target": (self.target_run, self.target_checkpoint)}

    def attach(self, setting: str, loaded: "TrainedNetwork") -> None:
        self._target = (loaded.network.eval().requires_grad_(False),)
        self._target_hash = str(loaded.origin["weights_sha256"])

    def on_fit_start(self) -> None:
        self.target.to(self.device, self.weight_dtype())

    # -- what stages and callbacks ask -----------------------------------------------------------------------------------

    def prepare(self, data: Any) -> None:
        if self.distill != "none":
            prepare_backbone(data, self.student)

    def check_data(self, *, channels: int, image_size: int) -> None:
        check_perturber(self.perturber, channels=channels, image_size=image_size)
        check_discriminator(self.discriminator, channels=channels, image_size=image_size)
        if self.distill != "none":
            shape = {"channels": channels, "image_size": image_size, "num_classes": self.num_classes}
            check_classifier(self.student, **shape)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        image = batch.image.to(self.weight_dtype())
        clean, left = (self.target(each).argmax(1) for each in (image, self.perturbed(image)))
        self._held_out.append(torch.stack([batch.label, clean, left]))

    def validation_scalars(self) -> dict[str, float]:
        """Of the target itself, a student or not: its accuracy on val before and after, and how often `target_class` won."""
        found = adversarial.shares(self._held_out, self.target_class)
        self._held_out = []
        return found

    def final_metrics(self, data: Any) -> dict[str, Any]:
        found = baselines.baseline_flags(
            self.perturber, self.target, data, self.epsilon, self.device, self.target_class
        )
        return found | {"queries": self.queries}

    def conclusion(self, metrics: Mapping[str, Any]) -> str:
        return baselines.conclusion(metrics) if "split" in metrics else ""

    # -- Lightning -------------------------------------------------------------------------------------------------------

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        checkpoint["target"] = {"weights_sha256": self._target_hash, "queries": self.queries}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_load_checkpoint(checkpoint)
        if checkpoint["target"]["weights_sha256"] != self._target_hash:
            raise CheckpointError(
                f"model.target={self.target_run} holds other weights than those that this run was trained against; give back "
                "the classifier as it was, or start a new run."
            )
        self.queries = checkpoint["target"]["queries"]
