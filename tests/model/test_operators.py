"""Operators of an ordinary iteration: on a GPU each costs its launch, however small the network."""

import pytest

from tests.model.alone import Counted, alone

# Before steps saw real and generated images in one pass (936f40c): rpgan 336, sngan 1026, biggan 2209, stylegan2 1443.
GOALS = {"sngan": 800, "biggan": 1700, "stylegan2": 900, "rpgan": 250}


@pytest.mark.parametrize(("preset", "most"), GOALS.items())
def test_an_iteration_keeps_to_its_number_of_operators(preset: str, most: int) -> None:
    model, batches = alone(f"model={preset}", "data=digits", "data.image_size=8")
    model.training_step(batches[0], 0)
    ordinary = batches[1]
    with Counted() as counted:
        model.training_step(ordinary, 1)  # no lazy penalty is due
    assert 100 < counted.operators.total() <= most, counted.operators.most_common(12)
