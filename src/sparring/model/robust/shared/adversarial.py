"""The base of adversarial training methods: an epsilon, an inner attack, and an attack on val."""

from torch import Tensor, nn

from sparring.attack.pgd import PGD
from sparring.core.randomness import seed_of
from sparring.core.settings import at_least_one, pixel_fraction
from sparring.model.robust.base import Robust
from sparring.model.step.draws import Draws


class Adversarial(Robust):
    """Training on images within epsilon of the originals.

    Args:
        norm: "linf" or "l2".
        epsilon: fraction of the pixel range (0, 1], a number or text such as "8/255".
        val_steps: steps of the PGD of the same norm and epsilon on val.
        val_images: images of val that it attacks, at most.

    Raises:
        ConfigError: a setting out of range.
    """

    def __init__(self, *, norm: str, epsilon: float | str, val_steps: int, val_images: int) -> None:
        super().__init__()
        at_least_one(val_steps=val_steps, val_images=val_images)
        self.norm, self.epsilon = norm, pixel_fraction(epsilon)
        self.validation = inner_pgd(norm=norm, epsilon=self.epsilon, steps=val_steps, step_size=None)
        self.val_images = val_images


def inner_pgd(
    *, norm: str, epsilon: float | str, steps: int, step_size: float | str | None,
    start: str = "uniform", loss: str = "cross_entropy",
) -> PGD:  # fmt: skip
    """PGD of one start, without momentum; the settings are those of `PGD`."""
    return PGD(
        norm=norm, epsilon=epsilon, steps=steps, step_size=step_size, start=start, restarts=1, loss=loss, momentum=0.0
    )


def adversarial_images(attack: PGD, network: nn.Module, image: Tensor, target: Tensor, draws: Draws) -> Tensor:
    """Adversarial images (N, C, H, W) of a part.

    The network is attacked in eval mode with frozen weights: BatchNorm uses its running statistics and does not change them,
    dropout and noise are off. The attack maximises the loss that is trained.

    Args:
        image: (N, C, H, W) in [-1, 1]. target: (N, K) class probabilities.
    """
    seed = seed_of("inner attack", draws.seed, *draws.key)
    return attack(network, image, target, index=draws.index(), seed=seed)
