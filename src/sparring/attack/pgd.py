"""Projected gradient ascent (Madry et al. 2018), with momentum (Dong et al. 2018), also as the inner attack of training."""

from typing import Self

from torch import Tensor, nn

from sparring.attack.base import Attack, input_gradient, logits_at, still_correct
from sparring.attack.math.norm_ball import Ball
from sparring.attack.math.objective import LOSSES, Objective, check_classes, check_loss, kl_from, untargeted
from sparring.core.errors import ConfigError
from sparring.core.settings import at_least_one, pixel_fraction, radius

PATH_LENGTH = 2.5  # of all steps together, in epsilons, where no step size is given
STARTS = ("uniform", "near", "image")


class PGD(Attack):
    """x <- project(x + step_size * steepest(gradient)), `steps` times; the last x is the adversarial image.

    One restart costs `steps` forward and backward passes. Further restarts attack only images that are still classified
    correctly.

    Args:
        steps: gradient steps per restart.
        step_size: length of one step, a fraction of the pixel range (0, 1] as epsilon is, a number or text such as "2/255".
            None: 2.5 * epsilon / steps (Madry et al. 2018), also after `at(epsilon)`.
        start: "uniform" in the ball, "near" (Gaussian noise of 0.001, for TRADES), or the "image" itself.
        restarts: number of starting points.
        loss: cross_entropy, margin, dlr, or kl (from the prediction at the image, for TRADES; one more forward pass).
        momentum: decay of the summed gradients, 0 is plain PGD, 1 is MI-FGSM (Dong et al. 2018, equation 6).

    As the inner attack of adversarial training, with cross_entropy or kl and one restart, `label` may be class
    probabilities (N, K).

    Raises:
        ConfigError: a setting out of range.
    """

    def __init__(
        self,
        *,
        norm: str,
        epsilon: float | str,
        steps: int,
        step_size: float | str | None,
        start: str,
        restarts: int,
        loss: str,
        momentum: float,
    ) -> None:
        super().__init__(norm=norm, epsilon=epsilon)
        at_least_one(steps=steps, restarts=restarts)
        if start not in STARTS:
            raise ConfigError(f"start={start} is unknown; give one of {', '.join(STARTS)}.")
        if start == "image" and restarts > 1:
            raise ConfigError(
                f"restarts={restarts} would repeat the same attack, since every one starts at the image; take the start uniform."
            )
        if not 0 <= momentum <= 1:
            raise ConfigError(f"momentum={momentum} must be from 0 to 1.")
        self.step_size = None if step_size is None else pixel_fraction(step_size, name="step_size")
        self.steps, self.restarts, self.momentum = steps, restarts, momentum
        self.start, self.loss = start, check_loss(loss, (*LOSSES, "kl"))

    def for_classes(self, count: int) -> Self:
        check_classes(self.loss, count)
        return self

    def perturb(self, model: nn.Module, allowed: Ball, label: Tensor, index: Tensor, seed: int) -> Tensor:
        result = self._climb(model, allowed, label, index, seed, 0)
        for restart in range(1, self.restarts):
            remaining = still_correct(model, result, label)
            if not len(remaining):
                break
            part = allowed.take(remaining)
            result[remaining] = self._climb(model, part, label[remaining], index[remaining.cpu()], seed, restart)
        return result

    def _climb(self, model: nn.Module, allowed: Ball, label: Tensor, index: Tensor, seed: int, restart: int) -> Tensor:
        x = self._first(allowed, index, seed, restart)
        objective = self._objective(model, allowed.image)
        step = self.step_length(allowed)
        velocity = None
        for _ in range(self.steps):
            _, _, gradient = input_gradient(model, x, label, objective)
            if self.momentum:
                size = gradient.abs().mean((1, 2, 3), keepdim=True).clamp_(min=1e-30)
                velocity = gradient / size if velocity is None else self.momentum * velocity + gradient / size
                gradient = velocity
            x = allowed.project(x.add(allowed.steepest(gradient), alpha=step))
        return x

    def step_length(self, allowed: Ball) -> float:
        """Length of one step in images in [-1, 1]."""
        return PATH_LENGTH * allowed.radius / self.steps if self.step_size is None else radius(self.step_size)

    def _first(self, allowed: Ball, index: Tensor, seed: int, restart: int) -> Tensor:
        if self.start == "image":
            return allowed.image
        draw = allowed.start if self.start == "uniform" else allowed.near
        return draw("pgd", seed, restart, index=index)

    def _objective(self, model: nn.Module, image: Tensor) -> Objective:
        return kl_from(logits_at(model, image)) if self.loss == "kl" else untargeted(self.loss)
