"""What conf/debug promises."""

import pytest

from sparring.config.compose import compose


@pytest.mark.parametrize(("data", "classes"), [("digits", 10), ("cifar100", 100)])
def test_overfit_shows_the_same_batch_in_every_iteration(data: str, classes: int) -> None:
    config = compose("train", ["debug=overfit", "model=classifier", f"data={data}", "paths.run_dir=x", "name=x"])
    assert (config.data.batch_size, config.data.labels_per_class) == (classes, 1)
    assert (config.data.flip, config.data.crop) == (False, 0)
