"""What D sees in a step of either player: images of the data and of G, augmented, attacked, with D's outputs for them."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from sparring.model.augment.base import Augment
from sparring.model.discriminator.base import Discriminator
from sparring.model.discriminator_attack.base import DiscriminatorAttack
from sparring.model.loss.base import Loss
from sparring.model.step.draws import Draws
from sparring.model.step.views import DiscriminatorView, GeneratorView, Part


@dataclass(frozen=True)
class ViewMaker:
    """Makes the views of a step's parts.

    dtype: of the images that D is given, that of the networks' weights. together: whether D may see real and generated images in
    one pass.
    """

    generator: nn.Module
    discriminator: Discriminator
    augment: Augment
    discriminator_attack: DiscriminatorAttack
    loss: Loss
    latent_dim: int
    dtype: torch.dtype
    together: bool

    def discriminator_view(self, part: Part, generated: Tensor, *, gradients_at: Collection[str]) -> DiscriminatorView:
        """D's outputs for the real images of a part and for generated ones, neither with a graph back to G.

        Args:
            generated: (N, C, H, W) in [-1, 1], before augmentation, of `part.latent` and `part.fake_label`.
            gradients_at: images that require grad, of "real" and "fake".
        """
        assert part.label is not None
        augment = partial(self.augment, draws=part.draws.of("fake"))
        with torch.no_grad():
            fake = augment(generated.to(self.dtype))
            real = self._presented_as_real(part, fake)
        image = (
            real.detach().requires_grad_("real" in gradients_at),
            fake.detach().requires_grad_("fake" in gradients_at),
        )
        label = part.label, part.fake_label
        # A gradient at one half alone would be taken through both.
        if self.together and len(gradients_at) != 1:
            real_output, fake_output = self.discriminator.judge_together(image, label)
        else:
            real_output, fake_output = map(self.discriminator.forward_with_features, image, label)
        return DiscriminatorView(
            self.discriminator, self.generator, augment, fake_output, part.latent, part.draws, real=real_output
        )

    def generator_view(self, part: Part, generated: Tensor | None, *, compares: bool) -> GeneratorView:
        """Generated images with their graph and D's outputs for them; for real images too where `compares` says so.

        Args:
            generated: (N, C, H, W) of the part's latents and labels; None: they are made here.
        """
        if generated is None:
            generated = self.generator(part.latent, part.fake_label)
        augment = partial(self.augment, draws=part.draws.of("fake"))
        fake = self.discriminator.forward_with_features(augment(generated), part.fake_label)
        real = None
        if part.image is not None and compares:
            assert part.label is not None
            with torch.no_grad():
                image = self.augment(part.image, part.draws.of("real"))
                real = self.discriminator.forward_with_features(image, part.label)
        return GeneratorView(
            self.discriminator, self.generator, augment, fake, part.latent, part.draws, generated=generated, real=real
        )

    def _presented_as_real(self, part: Part, fake: Tensor) -> Tensor:
        """Images (N, C, H, W) of the data or, for some augmentations, of G; augmented, then attacked."""
        assert part.image is not None
        assert part.label is not None
        draws = part.draws
        chosen = self.augment.real(part.image, part.label, partial(self._generate, draws=draws), draws)
        return self.discriminator_attack(
            self.augment(chosen, draws.of("real")), part.label, fake, part.fake_label,
            discriminator=self.discriminator, loss=self.loss, draws=draws,
        )  # fmt: skip

    def _generate(self, label: Tensor, draws: Draws) -> Tensor:
        """Generated images for labels (N,), of latents that nothing else in the step uses."""
        return self.generator(draws.normal("pseudo-real", self.latent_dim), label).to(self.dtype)
