"""The base of attacks on the real images in D's step."""

from torch import Tensor, nn

from sparring.model.discriminator.base import Discriminator
from sparring.model.loss.base import Loss
from sparring.model.step.draws import Draws


class DiscriminatorAttack(nn.Module):
    """A change of the real images of D's step, after the augmentation; it may query D. G's step has none."""

    def forward(
        self, image: Tensor, label: Tensor, fake: Tensor, fake_label: Tensor, *, discriminator: Discriminator, loss: Loss,
        draws: Draws,
    ) -> Tensor:  # fmt: skip
        """The images that D sees in place of the real ones.

        Args:
            image, label: real images (N, C, H, W) in [-1, 1] after augmentation, with their classes (N,) int64.
            fake, fake_label: the same of the generated images.
            loss: the adversarial loss that D minimises.
            draws: random numbers of this part of the step.

        Returns:
            (N, C, H, W) in [-1, 1].
        """
        raise TypeError(f"{type(self).__name__} must define forward(image, label, fake, fake_label, ...)")
