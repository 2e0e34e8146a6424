"""`sparring.attack`: any classifier of images in [0, 1], attacked as the command `attack` attacks a run's."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sparring.api.compose import checked
from sparring.api.images import classes_of, in_flight, unit_range
from sparring.attack.advgan import AdvGANAttack
from sparring.attack.base import Attack, logits_at
from sparring.attack.ensemble import Ensemble
from sparring.attack.evaluation.evaluate import evaluate
from sparring.attack.evaluation.target import Target, UnitRange
from sparring.attack.transfer import Transfer
from sparring.config.build import build
from sparring.core.errors import ConfigError, DataError, DivergedError
from sparring.core.modules import frozen_eval
from sparring.core.program import hint
from sparring.core.settings import check_at_least_one, epsilon_text, pixel_fraction

TRIED = 2  # images that the classifier is shown before the attack


@dataclass(frozen=True, repr=False)
class AttackResult:
    """What became of N images, on the CPU.

    images: (N, C, H, W) float32 in [0, 1], each within epsilon of its original; the original where the classifier was wrong.
    success: (N,) bool, right before the attack and wrong after it. clean: (N,) bool, right before it.
    predicted: (N,) int64, the classes after it. attack, epsilon: which one, how strong in fractions of the pixel range.
    """

    images: Tensor
    success: Tensor
    clean: Tensor
    predicted: Tensor
    attack: str
    epsilon: float

    @property
    def clean_accuracy(self) -> float:
        return float(self.clean.float().mean())

    @property
    def robust_accuracy(self) -> float:
        """Share of all images that are classified correctly before and after the attack."""
        return float((self.clean & ~self.success).float().mean())

    @property
    def success_rate(self) -> float:
        """Share of the images classified correctly at first that are no longer."""
        return float(self.success.sum() / self.clean.sum().clamp(min=1))

    def __repr__(self) -> str:
        return (
            f"<AttackResult {self.attack} at {epsilon_text(self.epsilon)}: accuracy {self.clean_accuracy:.1%} -> "
            f"{self.robust_accuracy:.1%} of {len(self.images)} images>"
        )


class SignedRange(nn.Module):
    """`network` (images in [0, 1]) as the package's attacks see one: images in [-1, 1] -> logits. Inverse of `UnitRange`."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.differentiable = bool(getattr(network, "differentiable", True))

    def forward(self, image: Tensor) -> Tensor:
        return self.network(unit_range(image))


def attack(
    module: nn.Module,
    images: Any,
    labels: Any,
    attack: str = "pgd",
    epsilon: float | str = 8 / 255,
    *,
    seed: int = 0,
    batch_size: int = 256,
    rows: int | None = 64,
    **settings: Any,
) -> AttackResult:
    """Attack any classifier that takes images in [0, 1], with the settings of `conf/attack/<attack>.yaml`.

    >>> import torch, sparring
    >>> from torch import nn
    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
    >>> _ = net[1].weight.data.copy_(torch.tensor([[1.0, 1, 0, 0], [0, 0, 1, 1]]))
    >>> images, labels = torch.tensor([[0.5, 0.5, 0.4, 0.4], [0.9, 0.9, 0.1, 0.1]]).view(2, 1, 2, 2), torch.tensor([0, 0])
    >>> result = sparring.attack(net, images, labels, "pgd", 0.1, steps=10)
    >>> result
    <AttackResult pgd at 25.5/255 (0.1): accuracy 100.0% -> 50.0% of 2 images>
    >>> result.success.tolist(), bool((result.images - images).abs().max() < 0.1 + 1e-6)
    ([True, False], True)

    Args:
        module: images (N, C, H, W) float32 in [0, 1] -> logits (N, K). In eval mode with frozen weights during the attack,
            and afterwards as it was. Images go to the device of its first parameter.
        images: (N, C, H, W), uint8 or floats in [0, 1]. labels: (N,) true classes from 0 to K - 1.
        attack: fgsm, pgd, apgd, fab, square, noise, or ensemble (the worst case of four).
        epsilon: strength as a fraction of the pixel range, a number or text such as "8/255".
        seed: what is drawn for image i depends on seed and i alone.
        batch_size: images attacked together. rows: images per pass of the classifier, filled up with copies, so that an image's
            outcome does not depend on the others; None for passes as they come.
        settings: of the attack, such as steps=100, restarts=5, norm="l2".

    Raises:
        ConfigError: an attack or setting that there is not, or a module that does not return logits for these images.
        DataError: images or labels of another type, shape or range. DivergedError: the logits are not finite.
    """
    check_at_least_one(batch_size=batch_size, rows=1 if rows is None else rows)
    strength, chosen = pixel_fraction(epsilon), named(attack, settings)
    image = in_flight(images)
    label = classes_of(labels, len(image))
    if not isinstance(module, nn.Module):
        raise ConfigError(f"the classifier is of the type {type(module).__name__}: give a torch.nn.Module.")
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    network = module.network if isinstance(module, UnitRange) else SignedRange(module)
    target = Target(network, rows=rows)
    _try(target, module, image.to(device), label)
    chosen.check(target)
    outcome = evaluate(
        chosen.at(strength), target, image.to(device), label.to(device), index=torch.arange(len(image)).to(device), seed=seed,
        batch_size=batch_size,
    )  # fmt: skip
    success = outcome.clean & ~outcome.correct
    return AttackResult(unit_range(outcome.adversarial), success, outcome.clean, outcome.predicted, attack, strength)


def named(name: str, settings: dict[str, Any]) -> Attack:
    """The attack of `conf/attack/<name>.yaml` with some settings. Raises ConfigError."""
    typed = [f"attack={name}", *(f"attack.{key}={_text(value)}" for key, value in settings.items())]
    config = checked("attack", typed, complete=False)
    if "_target_" not in config.attack:
        raise ConfigError(
            f"attack={name} is a table of several attacks: give one, such as pgd, or ensemble for the worst case."
        )
    if "run" in list(config.attack):  # also where it has no value
        raise ConfigError(
            f"attack={name} is made with another run: attack that run's classifier, and try the images on this one, or use "
            f"{hint('attack', f'attack={name}')}."
        )
    made: Attack = build(config.attack, section="attack")
    if any(isinstance(each, Transfer | AdvGANAttack) for each in _parts(made)):
        raise ConfigError(
            f"attack={name} holds an attack that is made with another run: use {hint('attack', f'attack={name}')}."
        )
    return made


def _parts(made: Attack) -> Iterator[Attack]:
    yield made
    if isinstance(made, Ensemble):
        for each in made.attacks.values():
            yield from _parts(each)


def _text(value: Any) -> str:
    return "null" if value is None else str(value)


def _try(target: Target, module: nn.Module, image: Tensor, label: Tensor) -> None:
    """Show the classifier some images."""
    name, shape = type(module).__name__, tuple(image.shape[1:])
    try:
        with frozen_eval(target):
            logits = logits_at(target.network, image[:TRIED])
    except Exception as error:  # the module is the user's: it may raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise ConfigError(f"{name} cannot take images of shape {shape}: {reason}.") from error
    count = len(image[:TRIED])
    if not isinstance(logits, Tensor) or not logits.dtype.is_floating_point or logits.ndim != 2 or len(logits) != count:
        given = (
            f"{logits.dtype} of shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else type(logits).__name__
        )
        raise ConfigError(
            f"{name} returns {given} for {count} images: give a classifier that returns logits ({count}, K)."
        )
    if not bool(logits.isfinite().all()):
        raise DivergedError(
            f"{name} returns NaN or infinity for images in [0, 1]: its weights are from a run that diverged."
        )
    if int(label.max()) >= logits.shape[1]:
        raise DataError(
            f"labels reach {int(label.max())} and {name} tells {logits.shape[1]} classes, counted from 0: give its own classes."
        )
