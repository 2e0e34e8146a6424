"""Projected gradient ascent (Madry et al. 2018), with momentum (Dong et al. 2018), also as the inner attack of training."""

from torch import Tensor, nn

from sparring.attack.base import Attack, look, slope, survivors
from sparring.attack.math.norm_ball import Ball
from sparring.attack.math.objective import LOSSES, Objective, check_loss, kl_from, untargeted
from sparring.core.errors import ConfigError
from sparring.core.settings import at_least_one

STARTS = ("uniform", "near", "image")


class PGD(Attack):
    """x <- project(x + reach * epsilon / steps * steepest(gradient)), `steps` times; the last x is the answer.

    One restart costs `steps` forward and backward passes and nothing else. Restarts attack only what still stands.

    reach: length of all steps together, in epsilons; 2.5 as in Madry et al. (2018), appendix.
    start: "uniform" in the ball, "near" (Gaussian of 0.001, for TRADES), or the "image" itself.
    loss: cross_entropy, margin, dlr, or kl (from the prediction at the image, for TRADES; one more forward pass).
    momentum: decay of the summed gradients, 0 is plain PGD, 1 is MI-FGSM (Dong et al. 2018, equation 6).

    As an inner attack, with cross_entropy or kl and one restart, `label` may be class probabilities (N, K).
    """

    def __init__(
        self,
        *,
        norm: str,
        epsilon: float | str,
        steps: int,
        reach: float,
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
            raise ConfigError(f"restarts={restarts} would repeat the same attack with start=image; give start=uniform.")
        if not reach > 0 or not 0 <= momentum <= 1:
            raise ConfigError(f"reach={reach} must be above 0 and momentum={momentum} from 0 to 1.")
        self.steps, self.reach, self.restarts, self.momentum = steps, reach, restarts, momentum
        self.start, self.loss = start, check_loss(loss, (*LOSSES, "kl"))

    def perturb(self, model: nn.Module, allowed: Ball, label: Tensor, index: Tensor, seed: int) -> Tensor:
        result = self._climb(model, allowed, label, index, seed, 0)
        for restart in range(1, self.restarts):
            left = survivors(model, result, label)
            if not len(left):
                break
            part = allowed.take(left)
            result[left] = self._climb(model, part, label[left], index[left.cpu()], seed, restart)
        return result

    def _climb(self, model: nn.Module, allowed: Ball, label: Tensor, index: Tensor, seed: int, restart: int) -> Tensor:
        x = self._first(allowed, index, seed, restart)
        objective = self._objective(model, allowed.image)
        step = self.reach * allowed.radius / self.steps
        velocity = None
        for _ in range(self.steps):
            _, _, gradient = slope(model, x, label, objective)
            if self.momentum:
                size = gradient.abs().mean((1, 2, 3), keepdim=True).clamp_(min=1e-30)
                velocity = gradient / size if velocity is None else self.momentum * velocity + gradient / size
                gradient = velocity
            x = allowed.project(x.add(allowed.steepest(gradient), alpha=step))
        return x

    def _first(self, allowed: Ball, index: Tensor, seed: int, restart: int) -> Tensor:
        if self.start == "image":
            return allowed.image
        draw = allowed.start if self.start == "uniform" else allowed.near
        return draw("pgd", seed, restart, index=index)

    def _objective(self, model: nn.Module, image: Tensor) -> Objective:
        return kl_from(look(model, image)) if self.loss == "kl" else untargeted(self.loss)
