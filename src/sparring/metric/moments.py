"""Mean and covariance of features in one pass: float64, constant memory, whatever the batches."""

from typing import Self

import torch
from torch import Tensor

from sparring.core.errors import ConfigError, DataError
from sparring.metric.check import check_features


class Moments:
    """Count, mean and scatter of the rows added so far (pairwise update of Chan, Golub and LeVeque 1979, equation 2.1).

    The result does not depend on how the rows were cut into batches, up to float64 rounding. 8 D^2 bytes.

    count: rows added.
    mean: (D,) float64.
    scatter: (D, D) float64, sum of (x - mean)(x - mean)'.
    """

    def __init__(self, dim: int, *, device: torch.device | str = "cpu") -> None:
        """Of no rows, for `dim` = D features."""
        self.count = 0
        self.mean = torch.zeros(dim, dtype=torch.float64, device=device)
        self.scatter = torch.zeros(dim, dim, dtype=torch.float64, device=device)

    @classmethod
    def of(cls, features: Tensor, *, chunk: int = 4096) -> Self:
        """The moments of (N, D) features, converted to float64 `chunk` rows at a time."""
        moments = cls(features.shape[1], device=features.device)
        for rows in features.split(chunk):
            moments.add(rows)
        return moments

    @property
    def dim(self) -> int:
        """D, the number of features."""
        return len(self.mean)

    @property
    def covariance(self) -> Tensor:
        """(D, D) unbiased covariance (divided by N - 1). Raises DataError for fewer than two rows."""
        if self.count < 2:
            raise DataError(f"A covariance needs 2 or more images, got {self.count}: give more images.")
        return self.scatter / (self.count - 1)

    def add(self, features: Tensor) -> None:
        """Add (N, D) features, N >= 0.

        Raises:
            DataError: NaN or infinity. ConfigError: another D.
        """
        if not len(features):
            return
        check_features(features, what="Features")
        if features.shape[1] != self.dim:
            raise ConfigError(
                f"These moments are of {self.dim} features, got {features.shape[1]}: use one extractor for all images."
            )
        rows = features.to(self.mean.device, torch.float64)
        mean = rows.mean(dim=0)
        rows = rows - mean
        self.scatter.addmm_(rows.T, rows)
        total = self.count + len(rows)
        delta = mean - self.mean
        self.scatter.addr_(delta, delta, alpha=self.count * len(rows) / total)
        self.mean += delta * (len(rows) / total)
        self.count = total

    def packed(self) -> Tensor:
        """(D + 1, D + 1) float64: [[count, mean], [mean', scatter]]; one tensor to store."""
        top = torch.cat([self.mean.new_tensor([float(self.count)]), self.mean])
        return torch.cat([top[None], torch.cat([self.mean[:, None], self.scatter], dim=1)])

    @classmethod
    def unpacked(cls, packed: Tensor) -> Self:
        """The inverse of `packed`; the tensors are copies."""
        moments = cls(len(packed) - 1, device=packed.device)
        moments.count = round(packed[0, 0].item())
        moments.mean, moments.scatter = packed[0, 1:].clone(), packed[1:, 1:].clone()
        return moments
