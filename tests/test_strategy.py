"""Two processes with half the batch each equal one process with the whole."""

from pathlib import Path

import pytest
import torch

from tests.conftest import read_run, train

pytestmark = pytest.mark.slow

# Everything whose gradients could be averaged wrongly: both penalties on one forward, WGAN-GP's own forward, lazy
# intervals, several D steps, accumulation. Float64, so that a difference is an error and not rounding.
EVERYTHING = [
    "model/regularizer=[r1,r2,wgan_gp]", "model.regularizer.r2.interval=2", "model.d_steps=2", "model.accumulate=2",
    "data.batch_size=16", "trainer.precision=64-true", "trainer.max_steps=5", "trainer.log_every_n_steps=1",
    "trainer.val_check_interval=5", "trainer.accelerator=cpu",
]  # fmt: skip


@pytest.mark.parametrize("loss", ["rpgan", "hinge"])
def test_two_processes_equal_one(loss: str, tmp_path: Path, cache_dir: Path) -> None:
    one = read_run(train(tmp_path, cache_dir, *EVERYTHING, f"model/loss={loss}"))
    two = read_run(train(tmp_path, cache_dir, *EVERYTHING, f"model/loss={loss}", "trainer.devices=2"))
    assert one.weights.keys() == two.weights.keys()
    for name, tensor in one.weights.items():
        torch.testing.assert_close(
            two.weights[name], tensor, rtol=1e-5, atol=1e-7, msg=lambda text, name=name: f"{name}: {text}"
        )
    # Scalars are means over all devices, validation over the whole split; only rank 0 writes, so no row is there twice.
    assert [row["iteration"] for row in two.metrics] == [row["iteration"] for row in one.metrics]
    for ours, theirs in zip(two.metrics, one.metrics, strict=True):
        for key in set(theirs) - {"speed/images_per_second"}:
            assert float(ours[key] or 0) == pytest.approx(float(theirs[key] or 0), rel=1e-5, abs=1e-7), key


def test_batch_norm_statistics_are_averaged_and_ranks_see_different_data(tmp_path: Path, cache_dir: Path) -> None:
    settings = [
        "model=dcgan",
        "model.generator.width=4",
        "model.discriminator.width=4",
        "trainer.max_steps=3",
        "data.batch_size=16",
    ]
    run = read_run(train(tmp_path, cache_dir, *settings, "trainer=ddp_cpu"))
    one = read_run(train(tmp_path, cache_dir, *settings, "trainer=cpu"))
    means = [name for name in run.weights if name.endswith("running_mean")]
    assert means
    for name in means:
        # Had both ranks seen the same half of the data, the averages would be of half the images: further away.
        assert (run.weights[name] - one.weights[name]).norm() < 0.2 * one.weights[name].norm(), name
