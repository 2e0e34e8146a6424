"""How far apart a discriminator's logits of real and of generated images are, from what the step has computed anyway."""

from collections.abc import Mapping

import torch
from torch import Tensor

from sparring.core.distributed import mean_over_ranks
from sparring.model.meter import Meter

REAL, FAKE, UNSEEN = "logits/real", "logits/fake", "val/logits_real"  # as steps and validations note them


class Margin:
    """Its mean logit of real images minus that of generated ones; `below`: readings in a row at which that was negative."""

    def __init__(self) -> None:
        self.below = 0
        self._plus: list[Tensor] = []  # logits since the last reading, on their device
        self._minus: list[Tensor] = []

    def see(self, meter: Meter) -> None:
        """Remember the newest logits, where there are some, without a synchronisation with the device."""
        real, fake = meter.newest(REAL), meter.newest(FAKE)
        if real is not None and fake is not None:
            self._plus.append(real)
            self._minus.append(fake)

    def read(self) -> float | None:
        """The mean since the last reading, the same on every device, each of which must call it; None where nothing was seen."""
        if not self._plus:
            return None
        seen = self._signed().cpu().double()
        self._plus, self._minus = [], []
        margin = float(mean_over_ranks(2 * seen.mean()[None])[0])
        self.below = self.below + 1 if margin < 0 else 0
        return margin

    def forget(self) -> None:
        """All that was seen so far."""
        self.below, self._plus, self._minus = 0, [], []

    def plain(self) -> list[float]:
        """What was seen since the last reading, for a checkpoint: logits, those of generated images with the other sign."""
        return self._signed().tolist() if self._plus else []

    def load(self, seen: list[float]) -> None:
        """What `plain` gave; `to` comes after it."""
        self._plus, self._minus = list(torch.tensor(seen).unbind()), []

    def to(self, device: torch.device) -> None:
        self._plus, self._minus = ([each.to(device) for each in seen] for seen in (self._plus, self._minus))

    def _signed(self) -> Tensor:
        minus = [-torch.stack(self._minus).float()] if self._minus else []
        return torch.cat([torch.stack(self._plus).float(), *minus])


def remembered(latest: Mapping[str, float], validated: Mapping[str, float]) -> tuple[float, str] | None:
    """How far D's logits of unseen real images have fallen from seen to generated ones, 0..1 (Karras et al. 2020, eq. 1), and why
    that is trouble, as a phrase; empty where it is none.

    Args:
        latest: scalars of training. validated: of validation. None where there are no such logits, or D tells nothing apart.
    """
    seen, fake, unseen = latest.get(REAL), latest.get(FAKE), validated.get(UNSEEN)
    if seen is None or fake is None or unseen is None or not seen > fake:
        return None
    why = f"its mean logit of unseen real images is {unseen:.3g}, of seen ones {seen:.3g}, of generated ones {fake:.3g}"
    return (seen - unseen) / (seen - fake), why if unseen <= fake else ""
