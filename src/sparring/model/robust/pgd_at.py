"""Adversarial training (Madry et al. 2018, "Towards deep learning models resistant to adversarial attacks", equation 2.1)."""

from torch import Tensor, nn

from sparring.model.robust.base import LossOutput, cross_entropy_output
from sparring.model.robust.shared.adversarial import Adversarial, adversarial_images, inner_pgd
from sparring.model.step.draws import Draws


class PGDTraining(Adversarial):
    """Cross-entropy on the adversarial images of PGD within epsilon; clean images are not trained on.

    Args:
        norm, epsilon, val_steps, val_images: as of `Adversarial`.
        steps: of the inner PGD, one forward and backward pass each.
        step_size: length of one step, a fraction of the pixel range as epsilon is; None: 2.5 * epsilon / steps.
    """

    def __init__(
        self,
        *,
        norm: str,
        epsilon: float | str,
        steps: int,
        step_size: float | str | None,
        val_steps: int,
        val_images: int,
    ) -> None:
        super().__init__(norm=norm, epsilon=epsilon, val_steps=val_steps, val_images=val_images)
        self.inner = inner_pgd(norm=norm, epsilon=epsilon, steps=steps, step_size=step_size)

    def loss(self, network: nn.Module, image: Tensor, target: Tensor, draws: Draws) -> LossOutput:
        return cross_entropy_output(network, adversarial_images(self.inner, network, image, target, draws), target)
