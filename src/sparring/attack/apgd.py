"""APGD: projected gradient ascent that halves its own step (Croce and Hein 2020, algorithm 1), untargeted and targeted."""

import math
from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn

from sparring.attack.base import Attack, input_gradient, is_correct, logits_at, still_correct
from sparring.attack.math.norm_ball import Ball
from sparring.attack.math.objective import LOSSES, Objective, check_classes, check_loss, towards, untargeted
from sparring.core.errors import ConfigError
from sparring.core.settings import at_least_one

MOMENTUM = 0.75  # alpha of the paper
RISES = 0.75  # rho: share of steps that have to rise between two checkpoints

Aim = Callable[[Tensor], Objective]


class APGD(Attack):
    """At most `restarts` runs of `steps` steps per image (and target class); an image that fools the model is done.

    Of an image that never fools it, the point of the largest loss in the last run is returned.

    Args:
        steps: gradient steps of a run. restarts: runs from different starting points.
        loss: cross_entropy, margin or dlr.
        targets: 0 maximises the loss of the label; n > 0 runs towards each of the n likeliest other classes in turn (APGD-T:
            loss=dlr, targets=9).
    """

    def __init__(self, *, norm: str, epsilon: float | str, steps: int, restarts: int, loss: str, targets: int) -> None:
        super().__init__(norm=norm, epsilon=epsilon)
        at_least_one(steps=steps, restarts=restarts)
        if isinstance(targets, bool) or not isinstance(targets, int) or targets < 0:
            raise ConfigError(f"targets={targets} is no number of classes; give 0 for none, or 9 as in AutoAttack.")
        self.steps, self.restarts, self.loss, self.targets = steps, restarts, check_loss(loss, LOSSES), targets

    def for_classes(self, count: int) -> Self:
        check_classes(self.loss, count, targeted=self.targets > 0)
        return self

    def perturb(self, model: nn.Module, allowed: Ball, label: Tensor, index: Tensor, seed: int) -> Tensor:
        logits = logits_at(model, allowed.image)
        likeliest = logits.scatter(1, label[:, None], -torch.inf).argsort(dim=1, descending=True, stable=True)
        result = allowed.image.clone()
        remaining = is_correct(logits, label).nonzero().squeeze(1)
        for restart in range(self.restarts):
            for rank in range(min(self.targets, logits.shape[1] - 1)) if self.targets else [-1]:
                if not len(remaining):
                    return result
                aim = self._aim(likeliest[remaining, rank]) if self.targets else lambda rows: untargeted(self.loss)
                part = allowed.take(remaining)
                start = part.start("apgd", seed, restart, rank, index=index[remaining.cpu()])
                result[remaining] = climb(model, part, label[remaining], start, aim, self.steps)
                remaining = remaining[still_correct(model, result[remaining], label[remaining])]
        return result

    def _aim(self, target: Tensor) -> Aim:
        return lambda rows: towards(self.loss, target[rows])


class Climb:
    """The state of the n images that are still attacked; tensors have n rows. `rows` (n,): their positions in the batch."""

    def __init__(self, x: Tensor, gradient: Tensor, loss: Tensor, step: float) -> None:
        self.rows = torch.arange(len(x), device=x.device)
        self.x, self.before, self.gradient, self.loss = x, x, gradient, loss
        self.best, self.best_gradient, self.best_loss = x, gradient, loss
        self.step = torch.full_like(loss, step)
        self.rises = torch.zeros_like(loss)
        self.mark_step, self.mark_best = self.step.clone(), loss  # at the last checkpoint

    def keep(self, rows: Tensor) -> None:
        for name, value in vars(self).items():
            setattr(self, name, value[rows])

    def moved(self, x: Tensor, loss: Tensor, gradient: Tensor) -> None:
        self.rises = self.rises + (loss > self.loss)
        better = loss > self.best_loss
        self.best = torch.where(_wide(better), x, self.best)
        self.best_gradient = torch.where(_wide(better), gradient, self.best_gradient)
        self.best_loss = torch.where(better, loss, self.best_loss)
        self.before, self.x, self.loss, self.gradient = self.x, x, loss, gradient

    def checkpoint(self, length: int) -> None:
        """Halve the step and go back to the best point where too few steps rose, or nothing changed since the last one."""
        stuck = (self.step == self.mark_step) & (self.best_loss == self.mark_best)
        halve = (self.rises < RISES * length) | stuck
        self.mark_step, self.mark_best = self.step, self.best_loss
        self.step = torch.where(halve, self.step / 2, self.step)
        self.x = torch.where(_wide(halve), self.best, self.x)
        self.gradient = torch.where(_wide(halve), self.best_gradient, self.gradient)
        self.loss = torch.where(halve, self.best_loss, self.loss)
        self.rises = torch.zeros_like(self.rises)


def climb(model: nn.Module, allowed: Ball, label: Tensor, start: Tensor, aim: Aim, steps: int) -> Tensor:
    """The first misclassified point of each image, else its point of the largest loss, (N, C, H, W).

    Args:
        label: (N,). start: (N, C, H, W). aim: rows (n,) -> the objective of these images.
    """
    result = start.clone()
    everything = torch.arange(len(start), device=start.device)
    logits, loss, gradient = input_gradient(model, start, label, aim(everything))
    state = Climb(start, gradient, loss, 2 * allowed.radius)
    marks, last = checkpoints(steps), 0
    for done in range(steps + 1):
        kept = is_correct(logits, label[state.rows])
        if not bool(kept.all()):
            fooled = state.rows[~kept]
            result[fooled] = state.x[~kept]
            state.keep(kept)
            allowed = allowed.take(kept)
        if done == steps or not len(state.rows):
            break
        if done in marks:
            state.checkpoint(done - last)
            last = done
        x = _proposed(allowed, state, first=done == 0)
        logits, loss, gradient = input_gradient(model, x, label[state.rows], aim(state.rows))
        state.moved(x, loss, gradient)
    result[state.rows] = state.best
    return result


def checkpoints(steps: int) -> set[int]:
    """Steps after which the step size may be halved: p_0 = 0, p_1 = 0.22, p_j+1 = p_j + max(p_j - p_j-1 - 0.03, 0.06)."""
    places, before, at = set(), 0.0, 0.22
    while at <= 1:
        places.add(math.ceil(round(at * steps, 6)))
        before, at = at, at + max(at - before - 0.03, 0.06)
    return places


def _proposed(allowed: Ball, state: Climb, *, first: bool) -> Tensor:
    along = allowed.project(state.x + _wide(state.step) * allowed.steepest(state.gradient))
    if first:
        return along
    mixed = state.x + MOMENTUM * (along - state.x) + (1 - MOMENTUM) * (state.x - state.before)
    return allowed.project(mixed)


def _wide(value: Tensor) -> Tensor:
    return value[:, None, None, None]
