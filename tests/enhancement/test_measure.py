"""The table of versions: the originals are perfect, and a classifier's accuracy is counted."""

import torch

from sparring.enhancement.measure import Version, correct, table
from tests.attribution.networks import Linear


def test_a_nearer_version_has_the_better_row() -> None:
    torch.manual_seed(0)
    original, label = torch.rand(20, 1, 12, 12) * 2 - 1, torch.zeros(20, dtype=torch.int64)
    noise = torch.randn_like(original)
    versions = [Version(name, original + by * noise) for name, by in (("far", 0.5), ("near", 0.1))]
    far, near, own = table(versions, original, label, None)
    assert near["psnr"] > far["psnr"] + 10
    assert near["ssim"] > far["ssim"]
    assert near["fd_pixels_8x8"] < far["fd_pixels_8x8"]
    assert own == {
        "version": "original",
        "psnr": None,
        "psnr_interval": None,
        "ssim": None,
        "fd_pixels_8x8": None,
        "accuracy": None,
        "right": None,
    }
    low, high = near["psnr_interval"]
    assert low < near["psnr"] < high < low + 3


def test_accuracy_counts_the_right_answers() -> None:
    classifier, image = Linear(torch.ones(1, 1, 1)), torch.tensor([1.0, -1.0, 1.0, 1.0]).view(4, 1, 1, 1)
    label = torch.tensor([0, 1, 1, 0])
    assert correct(classifier, image, label).tolist() == [True, True, False, True]
    assert table([], image, label, classifier)[0]["accuracy"] == 0.75
