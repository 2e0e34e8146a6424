"""Several attacks, the worst case per image: AutoAttack's protocol (Croce and Hein 2020, section 5)."""

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn

from sparring.attack.base import Attack, look, right, survivors
from sparring.attack.math.norm_ball import Ball
from sparring.core.errors import ConfigError


class Ensemble(Attack):
    """The attacks in their order, each on what all before left standing; what is never fooled comes back unchanged.

    attacks: name -> attack. Every one gets the ensemble's norm and epsilon, which its own have to agree with.
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
        left = right(look(model, result), label).nonzero().squeeze(1)
        for attack in self.attacks.values():
            if not len(left):
                break
            part = allowed.take(left)
            # Settled here: what is judged has to be what is returned.
            tried = part.settle(attack.perturb(model, part, label[left], index[left.cpu()], seed))
            standing = survivors(model, tried, label[left])
            fooled = torch.ones(len(left), dtype=torch.bool, device=left.device)
            fooled[standing] = False
            result[left[fooled]] = tried[fooled]
            left = left[standing]
        return result
