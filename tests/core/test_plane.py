"""Density pictures of points."""

import numpy as np
import torch

from sparring.core.picture import grid, grid_of_rows
from sparring.core.plane import BACKGROUND, COLOURS, SIDE, density


def test_a_point_shines_where_it_lies_with_y_upwards() -> None:
    picture = density([np.array([[40, 200]] * 10, np.uint8), np.empty((0, 2), np.uint8)])
    assert picture.shape == (SIDE, SIDE, 3)
    row, column = np.unravel_index(picture.sum(-1).argmax(), (SIDE, SIDE))
    assert abs(column - 40) <= 2
    assert abs(row - (SIDE - 1 - 200)) <= 2
    assert tuple(picture[SIDE - 1 - 200, 40]) == COLOURS[0]
    assert (picture[:100, 150:] == BACKGROUND).all()


def test_rows_have_colours_of_their_own() -> None:
    rows = [np.array([[60, 60]] * 5, np.uint8), np.array([[190, 60]] * 5, np.uint8)]
    picture = density(rows)
    assert tuple(picture[SIDE - 1 - 60, 190]) == COLOURS[1]


def test_grids_of_points_are_density_pictures() -> None:
    points = torch.randint(0, 256, (30, 2, 1, 1), dtype=torch.uint8)
    assert grid(points, 10).shape == grid_of_rows([points], row_labels=["0"]).shape == (SIDE, SIDE, 3)
