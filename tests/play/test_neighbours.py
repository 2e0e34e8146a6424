"""The nearest training images."""

import torch

from sparring.play.studio import Studio


def test_a_training_image_is_its_own_neighbour(studio: Studio, gan_run) -> None:
    images = studio.training_images(str(gan_run))
    wanted = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    images.nearest(wanted, 1)
    found = images.nearest(images.image[20:21], 3)
    assert torch.equal(found.image[0], images.image[20])
    assert found.distance[0] == 0
    assert found.distance.tolist() == sorted(found.distance.tolist())
    by_hand = (found.image[2].float() - images.image[20].float()).square().mean().sqrt() / 255
    torch.testing.assert_close(found.distance[2].float(), by_hand)
    assert images.dark  # digits are light on dark
