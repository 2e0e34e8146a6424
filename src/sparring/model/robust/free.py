"""Free adversarial training (Shafahi et al. 2019, "Adversarial training for free!", algorithm 1)."""

from typing import Any

import torch
from torch import Tensor, nn

from sparring.attack.math.norm_ball import ball
from sparring.core.distributed import gather
from sparring.core.settings import at_least_one, radius
from sparring.model.robust.base import LossOutput, cross_entropy_output
from sparring.model.robust.shared.adversarial import Adversarial
from sparring.model.step.draws import Draws


class Free(Adversarial):
    """Each batch is used `replays` times in a row; one backward pass gives the gradients of the weights and of the images.

    delta <- clip(delta + epsilon sign(gradient), -epsilon, epsilon) after every backward pass, carried over to the next batch;
    0 at the start of the run. The images' gradient is a by-product, so it is that of the network in training mode.

    Args:
        epsilon: Linf bound, a fraction of the pixel range (0, 1]. replays: m of the paper.
        val_steps, val_images: as of `Adversarial`.
    """

    def __init__(self, *, epsilon: float | str, replays: int, val_steps: int, val_images: int) -> None:
        super().__init__(norm="linf", epsilon=epsilon, val_steps=val_steps, val_images=val_images)
        at_least_one(replays=replays)
        self.replays = replays
        self.delta: Tensor | None = None  # (N, C, H, W) of the whole batch, the same on all devices

    def loss(self, network: nn.Module, image: Tensor, target: Tensor, draws: Draws) -> LossOutput:
        if self.delta is None:
            self.delta = image.new_zeros(draws.batch_size, *image.shape[1:])
        delta = self.delta = self.delta.to(image)
        own = draws.share(delta)[draws.rows]
        adversarial = ball("linf", image, self.epsilon).project_exactly(image + own).requires_grad_()

        def climb(gradient: Tensor) -> None:
            """Called with the gradient at `adversarial` (N, C, H, W) during the backward pass."""
            moved = own + radius(self.epsilon) * gradient.nan_to_num(0.0).sign()
            moved = gather(moved.clamp_(-radius(self.epsilon), radius(self.epsilon)))
            delta.unflatten(0, (draws.world, -1))[:, draws.rows] = moved.unflatten(0, (draws.world, -1))

        adversarial.register_hook(climb)
        return cross_entropy_output(network, adversarial, target)

    def get_extra_state(self) -> dict[str, Any]:
        """For checkpoints: delta has the shape of a batch, which is not known when the model is built."""
        return {"delta": self.delta}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        self.delta = None if state["delta"] is None else torch.as_tensor(state["delta"])
