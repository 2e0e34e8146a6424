"""FAB: to the nearest point across the linearised boundary, again and again (Croce and Hein 2020, algorithm 1, targeted)."""

import torch
from torch import Tensor, nn

from sparring.attack.base import Attack, input_gradient, is_correct, logits_at, still_correct
from sparring.attack.math.norm_ball import Ball
from sparring.attack.math.objective import towards
from sparring.core.settings import at_least_one

OVERSHOOT = 1.05  # eta: how far across the linearised boundary
TOWARDS_IMAGE = 0.1  # alpha_max: largest share of the step that starts at the original
BACKWARD = 0.9  # beta: what is left of the way from the original after a success


class FAB(Attack):
    """Searches the smallest perturbation towards each of the `targets` likeliest other classes, until one is within epsilon.

    Epsilon plays no part in the search, so its failures are other ones than those of the other attacks. An image that is not
    misclassified within epsilon comes back unchanged.

    Args:
        steps: linearisations per search. restarts: searches per class; the first starts at the image, the others in the ball.
        targets: number of likeliest other classes, each searched in turn.
    """

    def __init__(self, *, norm: str, epsilon: float | str, steps: int, restarts: int, targets: int) -> None:
        super().__init__(norm=norm, epsilon=epsilon)
        at_least_one(steps=steps, restarts=restarts, targets=targets)
        self.steps, self.restarts, self.targets = steps, restarts, targets

    def perturb(self, model: nn.Module, allowed: Ball, label: Tensor, index: Tensor, seed: int) -> Tensor:
        logits = logits_at(model, allowed.image)
        likeliest = logits.scatter(1, label[:, None], -torch.inf).argsort(dim=1, descending=True, stable=True)
        result = allowed.image.clone()
        remaining = is_correct(logits, label).nonzero().squeeze(1)
        for restart in range(self.restarts):
            for rank in range(min(self.targets, logits.shape[1] - 1)):
                if not len(remaining):
                    return result
                part = allowed.take(remaining)
                start = part.image
                if restart:
                    start = part.start("fab", seed, restart, rank, index=index[remaining.cpu()])
                candidate = self._search(model, part, label[remaining], likeliest[remaining, rank], start)
                fooled = torch.ones(len(remaining), dtype=torch.bool, device=remaining.device)
                fooled[still_correct(model, candidate, label[remaining])] = False
                result[remaining[fooled]] = candidate[fooled]
                remaining = remaining[~fooled]
        return result

    def _search(self, model: nn.Module, allowed: Ball, label: Tensor, target: Tensor, start: Tensor) -> Tensor:
        """(N, C, H, W): the first misclassified point within epsilon, or the original. target: (N,) classes."""
        result = allowed.image.clone()
        place = torch.arange(len(start), device=start.device)
        x = start
        for _ in range(self.steps):
            image = allowed.image
            _, gap, gradient = input_gradient(model, x, label[place], towards("margin", target[place]))
            gradient = gradient.nan_to_num(0.0)
            here, at_image = (self._across(point, x, gap, gradient) for point in (x, image))
            near, far = self._size(here), self._size(at_image)
            share = (near / (near + far).clamp_(min=1e-20)).clamp_(max=TOWARDS_IMAGE)
            x = (1 - share) * (x + OVERSHOOT * here) + share * (image + OVERSHOOT * at_image)
            x = x.clamp_(-1, 1)
            crossed = ~is_correct(logits_at(model, x), label[place])
            within = crossed & (self._size(x - image) <= allowed.radius).flatten()
            if bool(within.any()):
                result[place[within]] = x[within]
                place, x, crossed, allowed = place[~within], x[~within], crossed[~within], allowed.take(~within)
                if not len(place):
                    break
            back = crossed[:, None, None, None]
            x = torch.where(back, (1 - BACKWARD) * allowed.image + BACKWARD * x, x)
        return result

    def _size(self, change: Tensor) -> Tensor:
        """(N, 1, 1, 1) length in the attack's norm."""
        if self.norm == "linf":
            return change.abs().amax((1, 2, 3), keepdim=True)
        return change.square().sum((1, 2, 3), keepdim=True).sqrt_()

    def _across(self, point: Tensor, x: Tensor, gap: Tensor, gradient: Tensor) -> Tensor:
        """The smallest change of `point` within [-1, 1] onto gap + gradient (z - x) = 0, or as near as the range allows.

        point, x, gradient: (N, C, H, W). gap: (N,), the objective at x.
        """
        value = gap + (gradient * (point - x)).sum((1, 2, 3))
        # The change goes up the gradient while the value is negative, down after.
        direction = gradient.sign() * -value.sign()[:, None, None, None]
        room = torch.where(direction > 0, 1 - point, 1 + point).clamp_(min=0) * (direction != 0)
        weight = gradient.abs().flatten(1)
        rate = weight if self.norm == "linf" else weight.square()
        level = fill(rate, weight * room.flatten(1), value.abs()).clamp(max=1e20)[:, None]  # infinity times 0 is NaN
        step = level.expand_as(weight) if self.norm == "linf" else level * weight
        return direction * torch.minimum(step.view_as(x), room)


def fill(rate: Tensor, most: Tensor, wanted: Tensor) -> Tensor:
    """The smallest t >= 0 with sum over j of min(t rate_j, most_j) = wanted, rows of (N, D), (N, D) and (N,).

    Infinite where the sum never comes so far: everything is then filled.
    """
    full = torch.where(rate > 0, most / rate.clamp(min=torch.finfo(rate.dtype).tiny), 0.0)  # t at which j is full
    order = full.argsort(dim=1, stable=True)
    full, rate, most = (part.gather(1, order) for part in (full, rate, most))
    before = most.cumsum(1) - most  # what those that are full earlier hold
    rising = rate.flip(1).cumsum(1).flip(1)  # the rate of those that are not
    reached = before + full * rising >= wanted[:, None]
    first = reached.int().argmax(1, keepdim=True)
    level = (wanted[:, None] - before.gather(1, first)) / rising.gather(1, first).clamp(
        min=torch.finfo(rate.dtype).tiny
    )
    return torch.where(reached.any(1), level.squeeze(1).clamp(min=0), torch.inf)
