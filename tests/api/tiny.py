"""The settings of a small training with networks and images of one's own."""

from torch import Tensor

from tests.api.conftest import TINY

OWN = [
    item for item in TINY if ".width=" not in item and "image_size" not in item
]  # no width of networks that are given
Images = tuple[Tensor, Tensor]
TINY_OWN = [*OWN, "model.generator.width=8", "model.discriminator.width=8"]
