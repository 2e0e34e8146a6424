"""One of several degradations for each image."""

from collections.abc import Mapping

import torch
from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.core.randomness import rows
from sparring.model.degradation.base import Degradation


class Mix(Degradation):
    """Each image is degraded in one of the ways, drawn with equal chances.

    Args:
        ways: by name; of factor 1, as the images are reduced afterwards.

    Raises:
        ConfigError: no way, or one that reduces images itself.
    """

    def __init__(self, *, factor: int, ways: Mapping[str, Degradation]) -> None:
        super().__init__(factor=factor)
        wrong = [name for name, way in ways.items() if way.factor != 1]
        if wrong or not ways:
            raise ConfigError(
                f"model.degradation.ways needs degradations of factor 1 and has {', '.join(wrong) or 'none'}: the factor is that "
                "of the mix."
            )
        self.ways = dict(ways)

    def degrade(self, image: Tensor, seed: int, index: Tensor) -> Tensor:
        ways = list(self.ways.values())
        chosen = (rows(torch.rand, (), "degradation", seed, index=index) * len(ways)).long().clamp(max=len(ways) - 1)
        done = image.clone()
        for number, way in enumerate(ways):
            mine = chosen == number
            if bool(mine.any()):
                done[mine.to(image.device)] = way.degrade(image[mine.to(image.device)], seed, index[mine])
        return done
