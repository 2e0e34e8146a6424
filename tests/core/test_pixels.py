import numpy as np
import pytest
import torch

from sparring.core.pixels import crop_and_flip, normalise


def test_normalise_is_exact_at_the_ends_and_survives_the_way_back() -> None:
    image = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    flying = normalise(image)
    assert flying.min() == -1
    assert flying.max() == 1
    assert torch.equal(((flying + 1) * 127.5).round().to(torch.uint8), image)


@pytest.mark.parametrize(("padding", "shape"), [(0, (8, 3, 4, 4)), (3, (32, 1, 4, 6)), (2, (16, 3, 5, 3))])
def test_crop_and_flip_equals_padding_each_image_with_numpy(padding: int, shape: tuple[int, ...]) -> None:
    image = torch.randint(0, 256, shape, dtype=torch.uint8)
    corner = torch.randint(0, 2 * padding + 1, (shape[0], 2))
    mirror = torch.rand(shape[0]) < 0.5
    got = crop_and_flip(image, corner, mirror, padding)
    for i, (top, left) in enumerate(corner.tolist()):
        padded = np.pad(image[i].numpy(), ((0, 0), (padding, padding), (padding, padding)), mode="reflect")
        window = padded[:, top : top + shape[2], left : left + shape[3]]
        assert (got[i].numpy() == (window[:, :, ::-1] if mirror[i] else window)).all()
