"""PSNR and SSIM against torchmetrics and in closed form."""

import pytest
import torch
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from sparring.metric.restoration import PERFECT, psnr, ssim


def test_both_agree_with_torchmetrics() -> None:
    torch.manual_seed(0)
    original = torch.rand(4, 3, 16, 16) * 2 - 1
    image = (original + 0.2 * torch.randn_like(original)).clamp(-1, 1)
    for one, other, mine, structure in zip(image, original, psnr(image, original), ssim(image, original), strict=True):
        assert float(mine) == pytest.approx(float(peak_signal_noise_ratio(one, other, data_range=2.0)), rel=1e-5)
        expected = structural_similarity_index_measure((one[None] + 1) / 2, (other[None] + 1) / 2, data_range=1.0)
        assert float(structure) == pytest.approx(float(expected), rel=1e-4)


def test_closed_forms() -> None:
    image = torch.zeros(2, 1, 8, 8)
    assert psnr(image, image).tolist() == [PERFECT, PERFECT]
    assert ssim(image, image).tolist() == pytest.approx([1.0, 1.0])
    assert psnr(image + 0.2, image).tolist() == pytest.approx([20.0, 20.0], rel=1e-5)  # a tenth of the range
