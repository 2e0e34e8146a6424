"""Maps that know nothing of the network: what every method has to beat."""

import torch
from torch import Tensor

from sparring.core.randomness import uniform

RANDOM, CENTRED = "random", "centred"
CONTROLS = (RANDOM, CENTRED)
SIGMA = 0.25  # of the centred map, as a share of the image's side


def control_maps(image: Tensor, *, index: Tensor, seed: int) -> dict[str, Tensor]:
    """Control maps (N, H, W) of images (N, C, H, W): uniform noise, and a Gaussian at the centre, where objects are."""
    return {RANDOM: uniform(image[:, 0], "control", seed, index=index), CENTRED: centred(image)}


def centred(image: Tensor) -> Tensor:
    """(N, H, W): exp(-r^2 / 2 s^2) around the centre, s a quarter of the side; slightly tilted, so that no two pixels tie."""
    height, width = image.shape[2:]
    y = (torch.arange(height, dtype=torch.float64) + 0.5) / height - 0.5
    x = (torch.arange(width, dtype=torch.float64) + 0.5) / width - 0.5
    bump = torch.exp(-(y[:, None].square() + x.square()) / (2 * SIGMA**2))
    tilt = 1e-9 * torch.arange(height * width, dtype=torch.float64).view(height, width)
    rank = (bump + tilt).flatten().argsort().argsort().view(height, width)  # float32 has no room for the tilt
    return (rank / (height * width)).to(image).expand(len(image), -1, -1)
