"""What the adversarial step expects of a threat: what becomes of the real images before D learns from them."""

from typing import TYPE_CHECKING

from torch import Tensor, nn

from sparring.model.part import Draws

if TYPE_CHECKING:
    from sparring.model.gan import GAN


class Threat(nn.Module):
    """A change of the real images of D's step that comes after the augmentation and may look at D; G's step has none."""

    def forward(
        self, gan: "GAN", image: Tensor, label: Tensor, fake: Tensor, fake_label: Tensor, draws: Draws
    ) -> Tensor:
        """Images (N, C, H, W) in [-1, 1] that D is shown for the real ones `image`, beside the generated ones `fake`."""
        raise TypeError(f"{type(self).__name__} must define forward(gan, image, label, fake, fake_label, draws)")
