"""The corruptions by name, five severities each, modelled on CIFAR-10-C (Hendrycks and Dietterich 2019).

Strengths are chosen for images of 8 to 96 pixels and any number of channels, so numbers are not comparable with those on the
published files, which `sparring.corruption.files` reads. No training augmentation of sparring is among them.
"""

from collections.abc import Callable

from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.corruption.blur import defocus_blur, motion_blur, pixelate
from sparring.corruption.geometry import elastic, occlusion, rotation
from sparring.corruption.noise import gaussian_noise, impulse_noise, shot_noise
from sparring.corruption.tone import brightness, contrast, fog, jpeg

SEVERITIES = (1, 2, 3, 4, 5)

CORRUPTIONS: dict[str, tuple[Callable[..., Tensor], tuple[float, ...]]] = {
    "gaussian_noise": (gaussian_noise, (0.04, 0.08, 0.12, 0.18, 0.26)),
    "shot_noise": (shot_noise, (60, 25, 12, 5, 3)),
    "impulse_noise": (impulse_noise, (0.03, 0.06, 0.09, 0.17, 0.27)),
    "defocus_blur": (defocus_blur, (0.04, 0.06, 0.08, 0.10, 0.13)),
    "motion_blur": (motion_blur, (0.10, 0.15, 0.20, 0.27, 0.35)),
    "pixelate": (pixelate, (0.8, 0.65, 0.5, 0.4, 0.3)),
    "contrast": (contrast, (0.75, 0.5, 0.4, 0.3, 0.15)),
    "brightness": (brightness, (0.1, 0.2, 0.3, 0.4, 0.5)),
    "fog": (fog, (0.2, 0.35, 0.5, 0.6, 0.7)),
    "jpeg": (jpeg, (25, 18, 15, 10, 7)),
    "rotation": (rotation, (8, 16, 24, 32, 45)),
    "elastic": (elastic, (0.02, 0.035, 0.05, 0.07, 0.09)),
    "occlusion": (occlusion, (0.2, 0.3, 0.4, 0.5, 0.6)),
}


def corrupt(name: str, image: Tensor, *, severity: int, index: Tensor, seed: int) -> Tensor:
    """Corrupted images, uint8 (N, C, H, W).

    Random draws depend on (seed, index) alone and are shared by all severities, so that 5 is a stronger version of 1.

    Args:
        name: a key of CORRUPTIONS. image: uint8 (N, C, H, W). severity: 1 to 5.
        index: (N,) int64, numbers of the images in their data set.

    Raises:
        ConfigError: an unknown corruption or severity.
    """
    if name not in CORRUPTIONS:
        raise ConfigError(f"corruption {name} is unknown; give some of {', '.join(CORRUPTIONS)}.")
    if severity not in SEVERITIES:
        raise ConfigError(f"severity {severity} is unknown; give one of 1 to 5.")
    function, strengths = CORRUPTIONS[name]
    changed = function(image.float() / 255, strengths[severity - 1], "corruption", name, seed, index=index)
    return changed.mul(255).round_().clamp_(0, 255).byte()
