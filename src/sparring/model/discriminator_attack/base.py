"""What becomes of the real images before D learns from them."""

from torch import Tensor, nn

from sparring.model.discriminator.base import Discriminator
from sparring.model.loss.base import Loss
from sparring.model.step.draws import Draws


class DiscriminatorAttack(nn.Module):
    """A change of the real images of D's step that comes after the augmentation and may look at D; G's step has none."""

    def forward(
        self, image: Tensor, label: Tensor, fake: Tensor, fake_label: Tensor, *, discriminator: Discriminator, loss: Loss,
        draws: Draws,
    ) -> Tensor:  # fmt: skip
        """What D is shown for the real images, which stand beside the generated ones in its loss.

        Args:
            image, fake: (N, C, H, W) in [-1, 1], after augmentation. label, fake_label: (N,) int64.
            loss: the adversarial loss that D minimises.

        Returns:
            (N, C, H, W) in [-1, 1].
        """
        raise TypeError(f"{type(self).__name__} must define forward(image, label, fake, fake_label, ...)")
