"""Several attacks, the worst case per image: AutoAttack's protocol (Croce and Hein 2020, section 5)."""

import copy
from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn

from sparring.attack.apgd import APGD
from sparring.attack.base import Attack, is_correct, logits_at, still_correct
from sparring.attack.math.norm_ball import Ball
from sparring.attack.math.objective import classes_needed
from sparring.core.errors import ConfigError
from sparring.core.wording import listing


class Ensemble(Attack):
    """The attacks in their order, each on the images that none before it turned wrong; the rest come back unchanged.

    Args:
        attacks: name -> attack. Each must have the ensemble's norm, and is run at its epsilon.
    """

    def __init__(self, *, norm: str, epsilon: float | str, attacks: Mapping[str, Attack]) -> None:
        super().__init__(norm=norm, epsilon=epsilon)
        if not attacks:
            raise ConfigError("attack=ensemble has no attacks; add one, such as +attack@attack.attacks.pgd=pgd.")
        for name, attack in attacks.items():
            if attack.norm != self.norm:
                raise ConfigError(
                    f"attacks.{name}.norm={attack.norm} differs from norm={self.norm}; give both the same."
                )
        self.attacks = {name: attack.at(self.epsilon) for name, attack in attacks.items()}
        self.replaced: tuple[str, ...] = ()
        self.bypasses = any(attack.bypasses for attack in attacks.values())

    def for_classes(self, count: int) -> Self:
        """DLR, which few classes do not allow, becomes the margin; `remark` says so."""
        other = copy.copy(self)
        other.attacks, other.replaced = {}, ()
        for name, attack in self.attacks.items():
            if isinstance(attack, APGD) and count < classes_needed(attack.loss, targeted=attack.targets > 0):
                attack = copy.copy(attack)
                attack.loss = "margin"
                other.replaced = (*other.replaced, name)
            other.attacks[name] = attack.for_classes(count)
        return other

    def remark(self) -> str | None:
        if not self.replaced:
            return None
        return (
            f"The loss DLR needs more classes than there are: {listing(self.replaced)} climbs the margin in its place."
        )

    def check(self, model: nn.Module) -> None:
        for attack in self.attacks.values():
            attack.check(model)

    def at(self, epsilon: float | str) -> Self:
        other = super().at(epsilon)
        other.attacks = {name: attack.at(epsilon) for name, attack in self.attacks.items()}
        return other

    def perturb(self, model: nn.Module, allowed: Ball, label: Tensor, index: Tensor, seed: int) -> Tensor:
        result = allowed.image.clone()
        remaining = is_correct(logits_at(model, result), label).nonzero().squeeze(1)
        for attack in self.attacks.values():
            if not len(remaining):
                break
            part = allowed.take(remaining)
            # Projected here, so that the images that are classified are those that are returned.
            tried = part.project_exactly(attack.perturb(model, part, label[remaining], index[remaining.cpu()], seed))
            correct = still_correct(model, tried, label[remaining])
            fooled = torch.ones(len(remaining), dtype=torch.bool, device=remaining.device)
            fooled[correct] = False
            result[remaining[fooled]] = tried[fooled]
            remaining = remaining[correct]
        return result
