"""TRADES (Zhang et al. 2019, "Theoretically principled trade-off between robustness and accuracy", equation 5, algorithm 1)."""

from torch import Tensor, nn
from torch.nn.functional import kl_div

from sparring.core.errors import ConfigError
from sparring.model.robust.base import LossOutput, cross_entropy_output
from sparring.model.robust.shared.adversarial import Adversarial, adversarial_images, inner_pgd
from sparring.model.step.draws import Draws


class TRADES(Adversarial):
    """Cross-entropy on the images + beta * KL(p(image) || p(x')), x' by PGD on that KL within epsilon.

    Both predictions carry gradients; two forward passes in training mode, so BatchNorm normalises each by its own images.

    Args:
        norm, epsilon, val_steps, val_images: as of `Adversarial`.
        beta: above 0, in the paper 1 to 10; larger is more robust and less accurate.
        steps, step_size: of the inner PGD, as of `PGDTraining`.

    Raises:
        ConfigError: a setting out of range.
    """

    def __init__(
        self,
        *,
        norm: str,
        epsilon: float | str,
        beta: float,
        steps: int,
        step_size: float | str | None,
        val_steps: int,
        val_images: int,
    ) -> None:
        super().__init__(norm=norm, epsilon=epsilon, val_steps=val_steps, val_images=val_images)
        if not beta > 0:
            raise ConfigError(f"model.robust.beta={beta} must be above 0; for no robust term set model/robust=none.")
        self.beta = beta
        self.inner = inner_pgd(norm=norm, epsilon=epsilon, steps=steps, step_size=step_size, start="near", loss="kl")

    def loss(self, network: nn.Module, image: Tensor, target: Tensor, draws: Draws) -> LossOutput:
        adversarial = adversarial_images(self.inner, network, image, target, draws)
        natural, logits = cross_entropy_output(network, image, target)
        log_adversarial, log_clean = network(adversarial).log_softmax(1), logits.log_softmax(1)
        divergence = kl_div(log_adversarial, log_clean, reduction="batchmean", log_target=True)
        return LossOutput(natural + self.beta * divergence, logits)
