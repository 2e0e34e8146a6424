"""Corruptions: shapes, determinism by index, strength, closed forms; CIFAR-10-C files; mCE and ECE by hand."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from sparring.core.errors import ConfigError, DataError
from sparring.core.types import Batch
from sparring.corruption import files
from sparring.corruption.evaluate import drawn, published, under
from sparring.corruption.score import mean_corruption_error
from sparring.corruption.table import CORRUPTIONS, SEVERITIES, corrupt
from sparring.metric.classification import expected_calibration_error
from tests.attack.conftest import Victim, victim  # noqa: F401  # a fixture

every = pytest.mark.parametrize("name", CORRUPTIONS)


def images(channels: int, size: int, count: int = 12) -> Tensor:
    """Smooth pictures with edges, as photographs and digits have, at every place."""
    draw = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, channels, 4, 4, generator=draw)
    smooth = torch.nn.functional.interpolate(coarse, size=size, mode="bilinear")
    for i, picture in enumerate(smooth):
        picture[..., 1 + i % (size - 1) :] *= 0.3
        picture[:, 1 + 3 * i % (size - 1) :] *= 0.5
    return (smooth * 255).byte()


@every
@pytest.mark.parametrize(("channels", "size"), [(1, 8), (3, 8), (1, 28), (3, 32), (4, 16)])
def test_every_severity_is_stronger_and_none_destroys_the_image(name: str, channels: int, size: int) -> None:
    image, index = images(channels, size, 64), torch.arange(64)
    change = []
    for severity in SEVERITIES:
        corrupted = corrupt(name, image, severity=severity, index=index, seed=0)
        assert corrupted.dtype == torch.uint8
        assert corrupted.shape == image.shape
        change.append(float((corrupted.float() - image.float()).square().mean().sqrt()))
    assert change[0] > 0
    assert all(after >= 0.95 * before for before, after in itertools.pairwise(change)), change
    assert change[4] > 1.2 * change[0]
    assert change[4] < 160


@every
def test_an_image_is_corrupted_alike_in_any_company(name: str) -> None:
    image, index = images(3, 16), torch.arange(50, 62)
    whole = corrupt(name, image, severity=3, index=index, seed=1)
    order = torch.tensor([7, 2, 9])
    part = corrupt(name, image[order], severity=3, index=index[order], seed=1)
    assert (part.int() - whole[order].int()).abs().max() <= 1  # blocking of kernels may move a rounding
    assert ((part != whole[order]).float().mean()) < 0.001
    other = corrupt(name, image, severity=3, index=index, seed=2)
    assert torch.equal(other, whole) == (name in ("defocus_blur", "pixelate", "contrast", "brightness", "jpeg"))


def test_closed_forms() -> None:
    grey = torch.full((400, 1, 8, 8), 102, dtype=torch.uint8)
    index = torch.arange(400)
    noisy = corrupt("gaussian_noise", grey, severity=2, index=index, seed=0).float() / 255
    assert float(noisy.std()) == pytest.approx(0.08, rel=0.02)
    shots = corrupt("shot_noise", grey, severity=1, index=index, seed=0).float() / 255
    assert float(shots.std()) == pytest.approx((0.4 / 60) ** 0.5, rel=0.03)  # Poisson: variance is the mean
    salted = corrupt("impulse_noise", grey, severity=5, index=index, seed=0)
    assert float(((salted == 0) | (salted == 255)).float().mean()) == pytest.approx(0.27, abs=0.01)
    assert corrupt("brightness", grey, severity=1, index=index, seed=0).unique().tolist() == [
        128
    ]  # 102 + 25.5, to even
    for flat in ("defocus_blur", "motion_blur", "pixelate", "contrast", "rotation", "elastic"):
        assert corrupt(flat, grey[:8], severity=5, index=index[:8], seed=0).unique().tolist() == [102], flat
    for severity, side in enumerate((1.6, 2.4, 3.2, 4.0, 4.8), start=1):
        hidden = corrupt("occlusion", torch.full_like(grey, 28), severity=severity, index=index, seed=0)
        covered = (hidden.double() - 28).sum((1, 2, 3)) / 99.5
        torch.testing.assert_close(covered, torch.full_like(covered, side**2), atol=0.15, rtol=0)
    edge = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    edge[..., :4] = 200
    assert corrupt("contrast", edge, severity=2, index=index[:1], seed=0).unique().tolist() == [50, 150]
    assert corrupt("pixelate", edge, severity=3, index=index[:1], seed=0).unique().tolist() == [0, 200]


def test_unknown_names_and_severities_are_refused() -> None:
    with pytest.raises(ConfigError, match="corruption snow is unknown; give some of gaussian_noise"):
        corrupt("snow", images(1, 8), severity=1, index=torch.arange(12), seed=0)
    with pytest.raises(ConfigError, match="severity 6 is unknown"):
        corrupt("fog", images(1, 8), severity=6, index=torch.arange(12), seed=0)


def test_ece_by_hand() -> None:
    """Bins of width 1/15: 0.62 (right) and 0.64 (wrong) share (0.6, 0.667]; 0.95 (right) is alone; 0.52 (wrong) is alone."""
    probability = torch.tensor([[0.62, 0.38], [0.64, 0.36], [0.05, 0.95], [0.52, 0.48]])
    label = torch.tensor([0, 1, 1, 1])
    by_hand = (2 * abs(0.5 - 0.63) + abs(1 - 0.95) + abs(0 - 0.52)) / 4
    assert expected_calibration_error(probability, label) == pytest.approx(by_hand, abs=1e-6)
    sure = torch.eye(2)[torch.tensor([0, 1, 0, 1])]
    assert expected_calibration_error(sure, torch.tensor([0, 1, 0, 1])) == 0
    assert expected_calibration_error(sure, torch.tensor([1, 1, 0, 1])) == pytest.approx(0.25)


def test_mce_by_hand() -> None:
    ours = {"fog": [0.1, 0.2], "jpeg": [0.3, 0.3]}
    baseline = {"fog": [0.2, 0.4], "jpeg": [0.2, 0.2]}
    assert mean_corruption_error(ours, baseline) == pytest.approx((0.5 + 1.5) / 2)
    assert mean_corruption_error(baseline, baseline) == 1
    with pytest.raises(ConfigError, match="mCE compares the same corruptions"):
        mean_corruption_error(ours, {"fog": [0.1, 0.1]})
    with pytest.raises(ConfigError, match="no error under fog"):
        mean_corruption_error(ours, {"fog": [0.0, 0.0], "jpeg": [0.1, 0.1]})


def test_cifar_10_c_files(tmp_path: Path) -> None:
    image = np.arange(10 * 2 * 2 * 3, dtype=np.uint8).reshape(10, 2, 2, 3)
    np.save(tmp_path / "fog.npy", image)
    with pytest.raises(DataError, match="holds no CIFAR-10-C"):
        files.names(tmp_path)
    np.save(tmp_path / "labels.npy", np.arange(10, dtype=np.uint8))
    batch = files.read(tmp_path, "fog", 2)
    assert torch.equal(batch.image, torch.from_numpy(image[2:4]).permute(0, 3, 1, 2))
    assert batch.label.tolist() == [2, 3]
    assert [(name, severity, len(each.label)) for name, severity, each in published(tmp_path, count=1)] == [
        ("fog", severity, 1) for severity in SEVERITIES
    ]
    np.save(tmp_path / "labels.npy", np.arange(8, dtype=np.uint8))
    with pytest.raises(DataError, match="for 8 labels, expected uint8"):
        files.read(tmp_path, "fog", 1)
    np.save(tmp_path / "fog.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="cannot be read as an array of numbers"):
        files.read(tmp_path, "fog", 1)


@pytest.mark.slow
def test_a_classifier_loses_accuracy_as_severity_grows(victim: Victim) -> None:  # noqa: F811
    image = ((victim.test.image[:200] + 1) * 127.5).round().byte()
    names = ["gaussian_noise", "fog", "occlusion"]
    table = under(
        victim.plain,
        drawn(Batch(image, victim.test.label[:200]), names, index=torch.arange(200), seed=0),
        batch_size=64,
    )
    assert list(table) == names
    for rows in table.values():
        assert [row["severity"] for row in rows] == list(SEVERITIES)
        assert rows[0]["accuracy"] > rows[4]["accuracy"]
        assert all(0 <= row["ece"] <= 1 for row in rows)
