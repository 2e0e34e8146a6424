"""Several attacks, the worst case per image: AutoAttack's protocol (Croce and Hein 2020, section 5)."""

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn

from sparring.attack.base import Attack, is_correct, logits_at, still_correct
from sparring.attack.math.norm_ball import Ball
from sparring.core.errors import ConfigError


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
        self.bypasses = any(attack.bypasses for attack in attacks.values())

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
