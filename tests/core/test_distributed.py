"""Two processes with half the batch each equal one process with the whole."""

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from tests.conftest import ROOT, TINY, read_run, train
from tests.warm import WARM

pytestmark = pytest.mark.slow

# Everything whose gradients could be averaged wrongly: both penalties on one forward, WGAN-GP's own forward, lazy
# intervals, several D steps, accumulation. Float64, so that a difference is an error and not rounding.
EVERYTHING = [
    "model/regularizer=[r1,r2,wgan_gp]", "model.d_steps=2", "model.accumulate=2",
    "data.batch_size=16", "trainer.precision=64-true", "trainer.max_steps=5", "trainer.log_every_n_steps=1",
    "trainer.val_check_interval=5", "trainer.accelerator=cpu", "report=false",
]  # fmt: skip


LAZY = "model.regularizer.r2.interval=2"
# Parts with a state or a view of the whole batch: moving averages, adaptive p, comparisons between images, the best k.
ADA = ["model/augment=ada", "model.augment.interval=1", "model.augment.images=100", "model.augment.initial=0.5"]
CHOICES = {
    "rpgan": [*EVERYTHING, LAZY, "model/loss=rpgan"],
    "penalties": [
        *EVERYTHING, "model/regularizer=[dragan,approximate_r1,lecam,cr,bcr,zcr,orthogonal,weight_clipping]", "model/loss=hinge",
        "model.regularizer.lecam.start=1", "model.regularizer.weight_clipping.bound=0.1", *ADA,
    ],
    "whole batch": [
        *EVERYTHING, "model/loss=relativistic_average", "model.accumulate=1", "model/head=d2d_ce", "model/selection=top_k",
        "model.selection.decay=0.7", "model.selection.every=1", "model/augment=apa", "model.augment.interval=1",
        "model.augment.images=60", "model.augment.target=-0.9",
    ],
    "contragan and BatchNorm": [
        *EVERYTHING, "model/head=contragan", "model.accumulate=1", "model/augment=diffaugment", "model/generator=dcgan",
        "model/discriminator=dcgan", "model.discriminator.batch_norm=true", "model.sync_batchnorm=true",
    ],
    "multi-hinge": [*EVERYTHING, "model.accumulate=1", "model/head=multi_hinge", "model/regularizer=[feature_matching]",
                    "model/loss=hinge", "model.regularizer.feature_matching.interval=2"],
    "path length": [*EVERYTHING, "model/generator=stylegan2", "model/head=tac", "model/regularizer=[path_length]",
                    "model.regularizer.path_length.interval=1", "model/schedule=r3gan"],
    # The mlp has no BatchNorm, whose statistics are a device's own.
    "three players": [
        *EVERYTHING, "model=gan_classifier", "model/backbone=mlp", "model.backbone.widths=[16]", "model.start=0.3",
        "model/transform=[shift,cutout,jitter,randaugment,mixup,cutmix]", "model.feedback=0.5", "model/robust=trades",
    ],
    "free adversarial training": [
        *EVERYTHING, "model=gan_classifier", "model/backbone=mlp", "model.backbone.widths=[16]", "model.start=0.3",
        "model/robust=free", "model.robust.replays=2", "model.robust.val_images=31",
    ],
}  # fmt: skip


@pytest.mark.parametrize("choice", CHOICES)
def test_two_processes_equal_one(choice: str, tmp_path: Path, cache_dir: Path) -> None:
    settings = CHOICES[choice]
    one = read_run(train(tmp_path, cache_dir, *settings))
    two = read_run(train(tmp_path, cache_dir, *settings, "trainer.devices=2"))
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


def test_batch_norm_statistics_are_averaged(tmp_path: Path, cache_dir: Path) -> None:
    """Statistics of half batches differ a little from those of whole ones; those of one rank alone differ by far more."""
    settings = [
        "model=dcgan", "data.image_size=16", "model.generator.width=4", "model.discriminator.width=4", "trainer.max_steps=3",
        "data.batch_size=16",
    ]  # fmt: skip
    two = read_run(train(tmp_path, cache_dir, *settings, "trainer=ddp_cpu"))
    one = read_run(train(tmp_path, cache_dir, *settings, "trainer=cpu"))
    means = [name for name in two.weights if name.endswith("running_mean")]
    assert {name.partition(".")[0] for name in means} == {"ema", "generator", "discriminator"}
    for name in means:
        assert (two.weights[name] - one.weights[name]).norm() < 0.2 * one.weights[name].norm(), name


def test_fewer_processes_than_asked_for_are_refused(tmp_path: Path, cache_dir: Path) -> None:
    """sbatch without srun: SLURM says one task, the settings say two devices."""
    slurm = {
        "NTASKS": "1",
        "JOB_ID": "1",
        "PROCID": "0",
        "LOCALID": "0",
        "NODEID": "0",
        "JOB_NAME": "job",
        "NODELIST": "localhost",
    }
    done = WARM.run(
        [str(ROOT / "train.py"), *TINY, "trainer=ddp_cpu", "trainer.max_steps=2", f"paths.cache_dir={cache_dir}",
         f"paths.log_dir={tmp_path}"],
        environment={**os.environ, **{f"SLURM_{name}": value for name, value in slurm.items()}}, cwd=ROOT, timeout=120,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "2 processes were asked for" in done.stderr


def test_a_disk_that_is_full_for_one_rank_stops_both(tmp_path: Path, cache_dir: Path) -> None:
    """Rank 0 alone writes; when it fails, the other must not wait for ever."""
    folder = tmp_path / "run"
    program = Path(__file__).parents[1] / "stage" / "full_disk.py"
    done = WARM.run(
        [str(program), *TINY, "trainer=ddp_cpu", "trainer.max_steps=20", "callback.checkpoint.every=2",
         f"paths.cache_dir={cache_dir}", f"hydra.run.dir={folder}"],
        cwd=ROOT, timeout=120,
    )  # fmt: skip
    assert done.returncode == 7, done.stderr
    assert "failure 3 in a row" in done.stderr


def as_torchrun(rank: int, port: int) -> dict[str, str]:
    """What torchrun gives to the one process of each of two machines, here both on the loopback device."""
    given = {"RANK": rank, "LOCAL_RANK": 0, "GROUP_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 1, "GROUP_WORLD_SIZE": 2,
             "MASTER_PORT": port}  # fmt: skip
    named = {"MASTER_ADDR": "127.0.0.1", "TORCHELASTIC_RUN_ID": "test", "GLOO_SOCKET_IFNAME": "lo"}
    return {**os.environ, **named, **{name: str(value) for name, value in given.items()}}


def test_two_machines_equal_one_and_write_each_file_once(tmp_path: Path, cache_dir: Path) -> None:
    settings = [*TINY, "model=rpgan", "trainer.accelerator=cpu", "data.batch_size=16", "trainer.precision=64-true",
                "trainer.max_steps=3", f"paths.cache_dir={cache_dir}", "report=false"]  # fmt: skip
    one = read_run(train(tmp_path / "one", cache_dir, *settings))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    there = [str(ROOT / "train.py"), *settings, "trainer.num_nodes=2", f"paths.log_dir={tmp_path / 'two'}"]
    with ThreadPoolExecutor() as machines:
        ends = [
            machines.submit(WARM.run, there, cwd=ROOT, timeout=120, environment=as_torchrun(rank, port))
            for rank in (0, 1)
        ]
    assert [end.result().returncode for end in ends] == [0, 0], [end.result().stderr for end in ends]
    (run,) = (tmp_path / "two" / "train").iterdir()
    two = read_run(run)
    for name, tensor in one.weights.items():
        torch.testing.assert_close(two.weights[name], tensor, rtol=1e-5, atol=1e-7)
    assert [row["iteration"] for row in two.metrics] == [row["iteration"] for row in one.metrics]
    files = [{file.relative_to(each).as_posix() for file in each.rglob("*")} for each in (one.path, run)]
    assert files[0] == files[1]
