"""Mean and covariance of features in one pass: float64, constant memory, mergeable over batches, files and ranks."""

from typing import Self

import torch
from torch import Tensor

from sparring.core.distributed import sum_over_ranks
from sparring.core.errors import ConfigError, DataError
from sparring.metric.check import check_features


class Moments:
    """Count, mean and scatter of the rows seen so far (pairwise update of Chan, Golub and LeVeque 1979, equation 2.1).

    The result does not depend on how the rows were cut into batches, up to float64 rounding. 8 D^2 bytes.

    count: rows seen. mean: (D,). scatter: (D, D), sum of (x - mean)(x - mean)'. Both float64.
    """

    def __init__(self, dim: int, *, device: torch.device | str = "cpu") -> None:
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
        return len(self.mean)

    @property
    def covariance(self) -> Tensor:
        """(D, D) unbiased covariance (divided by N - 1). Raises DataError for fewer than two rows."""
        if self.count < 2:
            raise DataError(f"A covariance needs 2 or more images, got {self.count}: give more images.")
        return self.scatter / (self.count - 1)

    def add(self, features: Tensor) -> None:
        """Take in (N, D) features, N >= 0. Raises DataError for NaN, ConfigError for another D."""
        if not len(features):
            return
        check_features(features, what="Features")
        self._check_dim(features.shape[1])
        rows = features.to(self.mean.device, torch.float64)
        mean = rows.mean(dim=0)
        rows = rows - mean
        self.scatter.addmm_(rows.T, rows)
        self._shift(len(features), mean)

    def merge(self, other: "Moments") -> None:
        """Take in everything that `other` has seen."""
        self._check_dim(other.dim)
        if other.count:
            self.scatter += other.scatter.to(self.scatter.device)
            self._shift(other.count, other.mean.to(self.mean.device))

    def _shift(self, count: int, mean: Tensor) -> None:
        """Merge the mean of `count` rows whose scatter about their own mean has been added already."""
        total = self.count + count
        delta = mean - self.mean
        self.scatter.addr_(delta, delta, alpha=self.count * count / total)
        self.mean += delta * (count / total)
        self.count = total

    def _check_dim(self, dim: int) -> None:
        if dim != self.dim:
            raise ConfigError(f"These moments are of {self.dim} features, got {dim}: use one extractor for all images.")

    def all_reduce(self) -> None:
        """Replace by the moments of the rows of all ranks; the same on every rank. Does nothing in one process."""
        count = sum_over_ranks(torch.tensor([float(self.count)], dtype=torch.float64))
        total = int(count.item())
        if total == 0:
            return
        mean = sum_over_ranks(self.mean * (self.count / total))
        delta = self.mean - mean
        self.scatter = sum_over_ranks(self.scatter.addr(delta, delta, alpha=self.count))
        self.mean, self.count = mean, total

    def packed(self) -> Tensor:
        """(D + 1, D + 1) float64: [[count, mean], [mean', scatter]]; one tensor to store or to send."""
        top = torch.cat([self.mean.new_tensor([float(self.count)]), self.mean])
        return torch.cat([top[None], torch.cat([self.mean[:, None], self.scatter], dim=1)])

    @classmethod
    def unpacked(cls, packed: Tensor) -> Self:
        """The inverse of `packed`; the tensors are copies."""
        moments = cls(len(packed) - 1, device=packed.device)
        moments.count = round(packed[0, 0].item())
        moments.mean, moments.scatter = packed[0, 1:].clone(), packed[1:, 1:].clone()
        return moments
