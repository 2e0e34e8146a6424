"""BPDA, the attack on defences without a gradient (Athalye et al. 2018, "Obfuscated gradients", sections 4.1 and 5.4)."""

import torch
from torch import Tensor, nn

from sparring.attack.base import is_correct
from sparring.attack.math.norm_ball import Ball
from sparring.attack.math.objective import LOSSES, Objective, check_loss, untargeted
from sparring.attack.pgd import PGD
from sparring.core.errors import ConfigError
from sparring.core.settings import at_least_one

ROUTES = {"identity": "straight_through", "choice": "by_choice"}  # methods of `defence.base.Defended`


class BPDA(PGD):
    """PGD with the defence g in the forward pass and the identity in its place in the backward pass.

    The gradient at x is the classifier's at g(x). That gradient is of little use where a defence chooses among several clean
    images, such as one of each class of a generator. through="choice" uses the quantity it chooses by instead: x moves towards
    the nearest clean image of another class and away from that of its own class; `loss` is then a function of minus the
    squared distances, for which margin never saturates. The first misclassified x is returned, since g is not continuous and
    the next step may be classified correctly again; such images take no further steps.

    Args:
        norm, epsilon, steps, step_size, start, restarts, loss, momentum: as of `PGD`, without loss=kl.
        through: "identity" (BPDA), or "choice".
        draws: the gradient is the mean over this many random draws of the defence (expectation over transformation, Athalye
            et al. 2018, section 4.2). The first is the defence's own, the only one by which success is measured.
    """

    bypasses = True

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
        through: str,
        draws: int,
    ) -> None:
        at_least_one(draws=draws)
        check_loss(loss, LOSSES)
        if through not in ROUTES:
            raise ConfigError(f"through={through} is unknown; give one of {', '.join(ROUTES)}.")
        self.through, self.draws = through, draws
        super().__init__(
            norm=norm, epsilon=epsilon, steps=steps, step_size=step_size, start=start, restarts=restarts, loss=loss,
            momentum=momentum,
        )  # fmt: skip

    def check(self, model: nn.Module) -> None:
        if not getattr(model, "bypassable", False):
            raise ConfigError(
                "attack=bpda goes around a defence and there is none here; give defence=purify, or attack=pgd."
            )

    def _climb(self, model: nn.Module, allowed: Ball, label: Tensor, index: Tensor, seed: int, restart: int) -> Tensor:
        x = allowed.project_exactly(self._first(allowed, index, seed, restart))
        result, remaining = x.clone(), torch.arange(len(x), device=x.device)
        velocity = torch.zeros_like(x)
        for _ in range(self.steps):
            part = allowed.take(remaining)
            logits, gradient = self.mean_gradient(model, x, label[remaining], untargeted(self.loss))
            gradient = gradient.nan_to_num(0.0)
            size = gradient.abs().mean((1, 2, 3), keepdim=True).clamp_(min=1e-30)
            velocity = self.momentum * velocity + gradient / size
            moved = part.project_exactly(part.project(x.add(part.steepest(velocity), alpha=self.step_length(allowed))))
            correct = is_correct(logits, label[remaining])
            result[remaining] = torch.where(correct[:, None, None, None], moved, x)
            x, velocity, remaining = moved[correct], velocity[correct], remaining[correct]
            if not len(remaining):
                break
        return result

    def mean_gradient(self, model: nn.Module, x: Tensor, label: Tensor, objective: Objective) -> tuple[Tensor, Tensor]:
        """The mean gradient of the loss over the draws, and what it is a function of.

        Returns:
            (N, K) logits, or minus distances with through=choice, of the defence's own draw; (N, C, H, W) gradient.
        """
        own, total = None, torch.zeros_like(x)
        for draw in range(self.draws):
            with torch.enable_grad():
                point = x.detach().requires_grad_()
                logits = getattr(model, ROUTES[self.through])(point, draw)
                (gradient,) = torch.autograd.grad(objective(logits, label).sum(), point)
            own = logits.detach() if own is None else own
            total += gradient / self.draws
        assert own is not None
        return own, total
