"""What a classifier says of one image: its bars, where it looks, and what an attack makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sparring.attack.advgan import AdvGANAttack
from sparring.attack.base import Attack
from sparring.attack.evaluation.target import Target
from sparring.attack.transfer import Transfer
from sparring.attribution.base import Attribution
from sparring.core.errors import ConfigError, DivergedError
from sparring.core.modules import frozen_eval
from sparring.core.pixels import normalise, to_uint8
from sparring.core.types import TrainedNetwork
from sparring.explanation.pictures import overlay
from sparring.play.settings import PlaySettings
from sparring.play.sharing import turn
from sparring.trained.runs import Runs

ROWS = 8  # images of a pass; fixed, so that an answer does not depend on how many are asked about


@dataclass(frozen=True)
class Attacked:
    """image: (1, C, H, W) uint8, within epsilon. bars: of it. change: (1, C, H, W) uint8, the change around grey, stretched."""

    image: Tensor
    bars: dict[str, float]
    change: Tensor


class Judge:
    """A trained classifier; visitors share it, one at a time.

    Args:
        settings: has the attack and the ways of attribution.
    """

    def __init__(self, loaded: TrainedNetwork, settings: PlaySettings, runs: Runs) -> None:
        self.loaded, self.device = loaded, settings.device
        self.path = Path(loaded.origin["run"])
        self.target = Target(loaded.network.to(settings.device), rows=ROWS)
        self.attack = _attack(settings, runs)
        methods = settings.attribution
        if "_target_" in methods:
            name = str(methods["_target_"]).split(".")[-2]
            methods = {name: methods}
        built: Mapping[str, Attribution] = runs.build(methods, section="attribution")
        self._methods = dict(built)

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.loaded.class_names

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of an image."""
        return self.loaded.channels, self.loaded.image_size, self.loaded.image_size

    def methods(self) -> list[str]:
        """Names of the ways of attribution that apply to the network."""
        blank = torch.zeros(1, *self.shape, device=self.device)
        with turn(self.loaded.network):
            return [name for name, method in self._methods.items() if _applies(method, self.loaded.network, blank)]

    def bars(self, image: Tensor) -> dict[str, float]:
        """Probability by class of an image (1, C, H, W) uint8, in the order of the classes.

        Raises:
            DivergedError: the logits are not finite.
        """
        with turn(self.loaded.network), torch.no_grad(), frozen_eval(self.target):
            logits = self.target(normalise(image).to(self.device))[0].double().cpu()
        if not bool(logits.isfinite().all()):
            raise DivergedError(
                "The classifier's logits are NaN or infinite: its weights are from a run that diverged."
            )
        return dict(zip(self.class_names, logits.softmax(0).tolist(), strict=True))

    def answer(self, image: Tensor) -> int:
        """The index of the most probable class."""
        values = list(self.bars(image).values())
        return values.index(max(values))

    def explained(self, image: Tensor, method: str) -> Tensor:
        """(1, 3, H, W) uint8: the attribution map of the answer, orange for it and blue against it, over the image.

        Raises:
            ConfigError: a method that there is not.
        """
        if method not in self._methods:
            raise ConfigError(f"attribution {method} is none of {', '.join(self._methods)}; choose one of them.")
        shown = normalise(image).to(self.device)
        with turn(self.loaded.network):
            target = torch.tensor([self.answer(image)], device=self.device)
            maps = self._methods[method](
                self.loaded.network, shown, target, baseline=torch.tensor(-1.0, device=self.device),
                index=torch.zeros(1).long(), seed=0,
            )  # fmt: skip
        return overlay(shown.cpu(), maps.cpu())

    def attacked(self, image: Tensor, label: int | None, epsilon: float) -> Attacked:
        """The image after the attack, away from `label`, or from the answer where nobody knows the class.

        Args:
            epsilon: a fraction of the pixel range.

        Raises:
            ConfigError: an epsilon out of range.
        """
        away = torch.tensor([self.answer(image) if label is None else label], device=self.device)
        before = normalise(image).to(self.device)
        with turn(self.loaded.network):
            after = self.attack.at(epsilon)(
                self.target, before, away, index=torch.zeros(1, device=self.device).long(), seed=0
            )
        moved = (after - before).cpu()
        stretched = moved / moved.abs().amax().clamp(min=1e-12)
        pixels = to_uint8(after).cpu()
        return Attacked(pixels, self.bars(pixels), to_uint8(stretched))


def _attack(settings: PlaySettings, runs: Runs) -> Attack:
    made = runs.build(settings.attack, section="attack")
    if not isinstance(made, Attack) or isinstance(made, Transfer | AdvGANAttack):
        raise ConfigError(
            "The playground takes one attack that needs no other run: give attack=pgd, fgsm, apgd, fab, square or noise."
        )
    return made


def _applies(method: Attribution, network: Any, image: Tensor) -> bool:
    try:
        method.check(network, image)
    except ConfigError:
        return False
    return True
