"""How alike two maps of the same image are."""

import numpy as np
import torch
from torch import Tensor


def rank_correlation(first: Tensor, second: Tensor, *, absolute: bool = False) -> Tensor:
    """(N,) Spearman's correlation in [-1, 1] of the pixels of maps (N, H, W); NaN where a map is constant.

    Args:
        absolute: of the absolute values: maps that differ in sign alone count as alike (Adebayo et al. 2018, section 3).
    """
    from scipy.stats import rankdata

    def ranks(maps: Tensor) -> np.ndarray:
        flat = maps.flatten(1).double().cpu().numpy()
        ranked = rankdata(np.abs(flat) if absolute else flat, axis=1)
        return ranked - ranked.mean(1, keepdims=True)

    a, b = ranks(first), ranks(second)
    with np.errstate(invalid="ignore"):
        return torch.from_numpy((a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1)))
