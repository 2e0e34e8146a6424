"""Pictures as the W&B SDK takes them."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def picture(image: "NDArray[np.uint8]") -> Any:
    """An (H, W, C) uint8 picture, unchanged: as a PIL image, since W&B rescales arrays whose values happen to be small."""
    import wandb
    from PIL import Image

    return wandb.Image(Image.fromarray(image.squeeze(2) if image.shape[2] == 1 else image))
