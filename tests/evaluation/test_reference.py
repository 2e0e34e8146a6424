"""The reference classifier: one for a data set, whatever part of it a run uses."""

from pathlib import Path

import pytest

from sparring.evaluation.reference import _recipe
from tests.conftest import TINY, compose


@pytest.mark.slow
@pytest.mark.parametrize(
    "overrides", [["data.labels_per_class=10"], ["data/mix=gaussian", "data.labels_per_class=20"], ["seed=7"]]
)
def test_runs_on_one_data_set_share_it(overrides: list[str]) -> None:
    plain, other = (compose(*TINY, "paths.cache_dir=unused", *given) for given in ([], overrides))
    assert plain.data != other.data
    assert _recipe(plain.data, Path("unused")) == _recipe(other.data, Path("unused"))


def test_another_split_is_another_one() -> None:
    """Its val images must stay unseen."""
    plain, other = (compose(*TINY, "paths.cache_dir=unused", *given) for given in ([], ["data.split_seed=3"]))
    assert _recipe(plain.data, Path("unused")) != _recipe(other.data, Path("unused"))
