"""AdvGAN: a generator of perturbations that fool a frozen classifier, kept near real images by a discriminator.

Xiao et al. 2018, "Generating adversarial examples with adversarial networks", equations 1-4 and section 3.3.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sparring.attack.advgan import perturbed
from sparring.attack.evaluation import baselines
from sparring.attack.math.norm_ball import ball
from sparring.core.distributed import rank_and_world
from sparring.core.measurement import FinalMetrics
from sparring.core.modules import frozen
from sparring.core.settings import pixel_fraction, radius
from sparring.core.types import Batch, TrainedNetwork, TrainingData
from sparring.model import advgan_terms as terms
from sparring.model.attacked_classifier import AttackedClassifier
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


class AdvGAN(Game):
    """Players: perturber P, discriminator D, and with `distill` a student S that imitates the target classifier.

    Images are float32 in [-1, 1], NCHW. x_adv = x + radius * P(x), projected onto the ball of `epsilon` and the pixel range.
    P's loss: L_adv + gan_weight * L_GAN + norm_weight * L_norm (`advgan_terms.py`, `model/loss`).

    Args:
        target, target_checkpoint: run directory of the classifier and which of its weights; the stage loads and `attach`es it.
            It stays in eval mode and outside of this module: no optimizer, checkpoint or weights file holds it.
        epsilon: Linf bound, a fraction of the pixel range (0, 1].
        target_class: the class to be predicted for all images, its name or index; None: any wrong one.
        confidence: margin of logits beyond which an image counts as fooled and adds no gradient (Carlini and Wagner's kappa).
        gan_weight, norm_weight: alpha and beta of equation 4.
        norm_bound: RMS of the perturbation, in radii, above which L_norm grows: the paper's c / (radius sqrt(CHW)).
        distill: "none": gradients of the target itself. "static": S learns the target's answers on real images during the
            first `warm_up` of the budget, then P follows S's gradients. "dynamic": S goes on learning, on real and perturbed
            images. With a student the target is only queried.
        warm_up: share of the budget [0, 1) in which the student alone learns.

    Raises ConfigError: a setting out of range, or a loss that cannot work with these networks.
    """

    headline: ClassVar = {"loss/adversarial": "adv", "accuracy/robust": "robust"}

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
        target_class: int | str | None,
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
        terms.check_settings(distill, warm_up, target_class, num_classes, head)
        weights, distills = terms.Weights(confidence, gan_weight, norm_weight, norm_bound), distill != "none"
        players = {"perturber": perturber_optimizer, "discriminator": discriminator_optimizer}
        super().__init__(
            players=players | ({"student": student_optimizer} if distills else {}),
            streams={"perturber": 1}, schedule=schedule, accumulate=accumulate, seed=seed,
        )  # fmt: skip
        self.perturber, self.discriminator, self.loss = perturber, discriminator, loss
        if distills:
            self.student = student
        self._target = AttackedClassifier(run=str(target), checkpoint=target_checkpoint, target_class=target_class)
        self.epsilon, self.num_classes = pixel_fraction(epsilon), num_classes
        self.loss_weights, self.distills, self.distill, self.warm_up = weights, distills, distill, warm_up
        loss.check(
            Recipe(
                generator=self.perturber, discriminator=self.discriminator, accumulate=accumulate, lipschitz=False,
                optimizers=self.factories,
            )
        )  # fmt: skip
        self.queries = 0  # images that the target classified in training, over all devices
        self._predictions: list[Tensor] = []

    # -- the algorithm -------------------------------------------------------------------------------------------------

    def training_step(self, batch: Mapping[str, list[Batch]], batch_idx: int) -> None:
        (chunk,) = batch["perturber"]
        self.begin_iteration(chunk)
        image, label = chunk.image.to(self.weight_dtype()), chunk.label
        warming = self.distills and self.progress < self.warm_up
        if warming or self.distill == "dynamic":
            self.student_step(image, only_real=warming or self.distill == "static")
        if warming:
            self.players()["perturber"].step()  # without gradients it changes nothing, and counts the iteration
        else:
            if self.loss_weights.gan:
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
        """Equation 4 of images (N, C, H, W) and classes (N,), 0-d; its terms are noted."""
        fake, weights = self.perturbed(image), self.loss_weights
        logits = self._attacked_logits(fake)
        adversarial = terms.margin(logits, label, self._target.target_class, weights.confidence).mean()
        norm = terms.norm_hinge(fake - image, radius(self.epsilon), weights.norm_bound).mean()
        self.note({"loss/adversarial": adversarial, "loss/norm": norm})
        total = adversarial + weights.norm * norm
        if weights.gan:
            with torch.no_grad():
                real_logits = self.discriminator(image, label)
            gan = self.loss.generator(self.discriminator(fake, label), real_logits).mean()
            self.note({"loss/gan": gan})
            total = total + weights.gan * gan
        self.note({"accuracy/robust": (logits.argmax(1) == label).float().mean()})
        self.note(terms.perturbation_statistics(fake - image, radius(self.epsilon)))
        return total

    def student_step(self, image: Tensor, *, only_real: bool) -> None:
        """The student's cross-entropy to the target's class probabilities (Xiao et al. 2018, section 3.3)."""
        with torch.no_grad():
            batch = image if only_real else torch.cat([image, self.perturbed(image)])
            answer = self.target(batch).softmax(1)
        self.queries += len(batch) * rank_and_world(self)[1]
        self.student.train()
        for rows in self._parts():
            with noise_from(
                self.student, self.random("student", self.clock.iteration, rows.start), *rank_and_world(self)
            ):
                logits = self.student(batch[rows])
            loss = nn.functional.cross_entropy(logits, answer[rows])
            self.note({"loss/student": loss})
            self.manual_backward(loss / self.accumulate)
        self.step_player("student")

    def perturbed(self, image: Tensor) -> Tensor:
        """x_adv (N, C, H, W)."""
        return perturbed(self.perturber, ball("linf", image, self.epsilon))

    def _attacked_logits(self, image: Tensor) -> Tensor:
        """Logits of the network whose gradients P follows."""
        if not self.distills:
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
        return self._target.network

    def classifiers(self) -> dict[str, tuple[str, str]]:
        return {"model.target": (self._target.run, self._target.checkpoint)}

    def attach(self, setting: str, loaded: TrainedNetwork) -> None:
        self._target.attach(loaded)

    def on_fit_start(self) -> None:
        self.target.to(self.device, self.weight_dtype())

    # -- for stages and callbacks ----------------------------------------------------------------------------------------

    def prepare(self, data: TrainingData) -> None:
        super().prepare(data)
        if self.distills:
            prepare_backbone(data, self.student)

    def check_data(self, *, channels: int, image_size: int) -> None:
        check_perturber(self.perturber, channels=channels, image_size=image_size)
        check_discriminator(self.discriminator, channels=channels, image_size=image_size)
        if self.distills:
            check_classifier(self.student, channels=channels, image_size=image_size, num_classes=self.num_classes)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        image = batch.image.to(self.weight_dtype())
        clean, adversarial = (self.target(each).argmax(1) for each in (image, self.perturbed(image)))
        self._predictions.append(torch.stack([batch.label, clean, adversarial]))

    def validation_scalars(self) -> dict[str, float]:
        """Of the target itself, with a student or without: accuracy on clean and perturbed images of val, targeted successes."""
        scalars = terms.validation_scalars(self._predictions, self._target.target_class)
        self._predictions = []
        return scalars

    def final_metrics(self, data: TrainingData) -> FinalMetrics:
        measured = baselines.baseline_metrics(
            self.perturber, self.target, data, self.epsilon, self.device, self._target.target_class, self._target.class_names,
        )  # fmt: skip
        return FinalMetrics(baselines.measurements(measured), {"perturber": measured | {"queries": self.queries}})

    def conclusion(self, final: FinalMetrics) -> str:
        return baselines.conclusion(final.details["perturber"]) if final.metrics else ""

    # -- Lightning -------------------------------------------------------------------------------------------------------

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        checkpoint["target"] = {"weights_sha256": self._target.weights_sha256, "queries": self.queries}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_load_checkpoint(checkpoint)
        self._target.check(checkpoint["target"]["weights_sha256"])
        self.queries = checkpoint["target"]["queries"]
