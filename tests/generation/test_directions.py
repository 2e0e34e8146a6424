"""Directions by the names of a command line."""

import pytest
import torch

from sparring.core.errors import ConfigError
from sparring.generation.directions import Step, moved_by, strengths


def test_strengths_are_read_from_texts() -> None:
    assert strengths(["sefa_1:2", "boundary_3:-0.5"]) == {"sefa_1": 2.0, "boundary_3": -0.5}
    for wrong in ("sefa_1", "sefa_1:", "sefa_1:two", ":2", "sefa_1:nan"):
        with pytest.raises(ConfigError, match=r"write them as in 'move=\[sefa_1:2\]'"):
            strengths([wrong])
    with pytest.raises(ConfigError, match="sefa_1 stands there twice"):
        strengths(["sefa_1:2", "sefa_1: 3"])


def test_moves_add_up() -> None:
    steps = {"a_1": Step("a 1", torch.tensor([1.0, 0.0])), "a_2": Step("a 2", torch.tensor([0.0, 3.0]))}
    moved = moved_by({"a_1": 2.0, "a_2": -1.0}, steps)
    assert moved is not None
    assert moved.tolist() == [2.0, -3.0]
    assert moved_by({}, steps) is None
    with pytest.raises(ConfigError, match="There are a_1, a_2"):
        moved_by({"b_1": 1.0}, steps)
