"""Overlays: for, against and nothing at all."""

import torch

from sparring.explanation.pictures import DIM, overlay


def test_an_overlay_shows_sign_and_leaves_the_rest_grey() -> None:
    image, attribution = torch.ones(1, 3, 4, 4), torch.zeros(1, 4, 4)
    attribution[0, 0, 0], attribution[0, 0, 1] = 2.0, -2.0
    drawn = overlay(image, attribution)[0]
    assert drawn[:, 0, 0].tolist() == [255, 90, 25]
    assert drawn[:, 0, 1].tolist() == [40, 130, 255]
    assert set(drawn[:, 2, 2].tolist()) == {round(255 * DIM)}


def test_a_map_of_nothing_shows_the_image() -> None:
    assert overlay(torch.zeros(1, 1, 4, 4), torch.zeros(1, 4, 4)).unique().tolist() == [round(255 * DIM / 2)]
