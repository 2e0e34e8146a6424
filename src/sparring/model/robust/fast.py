"""Fast adversarial training (Wong et al. 2020, "Fast is better than free", algorithm 3): FGSM from a random start."""

from torch import Tensor, nn

from sparring.model.robust.base import LossOutput, cross_entropy_output
from sparring.model.robust.shared.adversarial import Adversarial, adversarial_images, inner_pgd
from sparring.model.step.draws import Draws

STEP = 1.25  # length of the step in epsilons: 10/255 at 8/255 in the paper


class Fast(Adversarial):
    """Cross-entropy at image + delta, delta one gradient step from a uniform start in the ball, back into the ball.

    Robustness can collapse within a few hundred iterations without a sign in the training accuracy ("catastrophic
    overfitting"); the robust accuracy on val shows it.

    Args:
        norm, epsilon, val_steps, val_images: as of `Adversarial`.
        step_size: length of the step, a fraction of the pixel range as epsilon is;
            None: 1.25 * epsilon.
    """

    def __init__(
        self, *, norm: str, epsilon: float | str, step_size: float | str | None, val_steps: int, val_images: int
    ) -> None:
        super().__init__(norm=norm, epsilon=epsilon, val_steps=val_steps, val_images=val_images)
        if step_size is None:
            step_size = min(STEP * self.epsilon, 1.0)  # the whole pixel range is the longest step
        self.inner = inner_pgd(norm=norm, epsilon=epsilon, steps=1, step_size=step_size)

    def loss(self, network: nn.Module, image: Tensor, target: Tensor, draws: Draws) -> LossOutput:
        return cross_entropy_output(network, adversarial_images(self.inner, network, image, target, draws), target)
