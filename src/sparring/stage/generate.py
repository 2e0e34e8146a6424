"""`python generate.py run=logs/train/<run>`: images from a trained generator, as a grid, class folders or parquet.

Keys of conf/generate.yaml (defaults live there):

    run: ???              # run directory of a trained GAN, or its name in logs/train
    count: 100            # images to draw
    label: balanced       # balanced (0, 1, 2, ... in turn), prior (as the training data), or one class index
    truncation: null      # > 0: latents from a normal cut at +-truncation (BigGAN), or psi of stylegan2's styles; null: neither
    sampling: plain       # a group: plain, rejection (D refuses images), langevin (D moves the latents)
    bn: running           # G's BatchNorm: running (as trained), standing (averaged anew), batch (of each block of images)
    seed: 0               # image i of seed s is the same whatever count, batch_size and label order
    batch_size: 128       # images per step; changes memory and speed, never a pixel on the CPU
    format: [grid]        # any of grid, folder, parquet
    weights: ema          # ema or generator
    checkpoint: last      # last; of a run with callback/quality: best, or the number of an iteration whose weights it kept
    device: auto          # auto (cuda, mps, else cpu), cpu, cuda, mps
    extensions: []        # as for train: own packages that the run's config may name
"""

import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig

from sparring.config.build import build
from sparring.core.settings import device_named
from sparring.data.serving import provenance
from sparring.generation.batch_norm import choose_statistics
from sparring.generation.export import Writers, check_formats
from sparring.generation.manifest import Ledger, manifest
from sparring.generation.sampler import Sampler, Samples
from sparring.run.directory import RunDir, config_hash, write_atomic
from sparring.run.environment import environment
from sparring.run.status import recorded
from sparring.trained.networks import TrainedGenerator
from sparring.trained.runs import Runs


def generate(config: DictConfig, run_dir: Path) -> dict[str, Any]:
    """Draw the images that `config` asks for into the new run directory `run_dir`; returns what result.json holds.

    Files: images/grid.png, folder/, samples.parquet (as `format` says), manifest.csv, and last of all manifest.json.

    Raises:
        CheckpointError: `config.run` is no run directory, has no weights, or they do not fit its settings.
        ConfigError: a setting out of range. DivergedError: the generator returns NaN. DiskError.
    """
    with recorded(run_dir) as run:
        result = _generate(config, run)
        run.write_status("finished", f"{config.count} images", 0, {}, None)
    return result


def sampler_of(trained: TrainedGenerator, config: DictConfig) -> Sampler:
    """The images that a generate config asks for, as an iterable."""
    device = device_named(config.device)
    network = trained.network.to(device)
    sampling = build(config.sampling, section="sampling", extensions=list(config.extensions))
    sampler = Sampler(
        network,
        latent_dim=trained.latent_dim,
        num_classes=trained.num_classes,
        count=config.count,
        seed=config.seed,
        label=config.label,
        class_prior=trained.class_prior,
        truncation=config.truncation,
        batch_size=config.batch_size,
        device=device,
        sampling=sampling,
        discriminator=trained.discriminator.to(device) if trained.discriminator is not None else None,
    )
    choose_statistics(network, config.bn, sampler.players)
    return sampler


def _generate(config: DictConfig, run: RunDir) -> dict[str, Any]:
    started = time.perf_counter()
    runs = Runs.of(config)
    source = runs.open(config.run)
    trained = runs.generator(source, weights=config.weights, checkpoint=config.checkpoint)
    formats = list(config.format) if isinstance(config.format, ListConfig) else [config.format]
    check_formats(formats, trained.channels)
    sampler = sampler_of(trained, config)
    ledger = Ledger(config.seed)
    with Writers(formats, run.path, class_names=trained.class_names) as writers:
        for samples in _with_progress(sampler):
            writers.add(samples)
            ledger.add(samples)
    files = {name: str(writer.path.relative_to(run.path)) for name, writer in writers.by_format.items()}
    seconds = time.perf_counter() - started
    if (source.path / provenance.FILE).exists():  # the images then say by themselves what their generator saw
        write_atomic(run.path / provenance.FILE, (source.path / provenance.FILE).read_bytes())
    write_atomic(run.path / "manifest.csv", ledger.csv(writers).encode())
    content = manifest(config, trained.origin, list(trained.class_names), ledger, files)
    write_atomic(run.path / "manifest.json", (json.dumps(content, indent=2) + "\n").encode())
    result = {
        "verb": "generate",
        "name": config.name,
        "config_hash": config_hash(config),
        "data": {"fingerprints": trained.origin["fingerprints"]},
        "metrics": {},
        "files": files,
        "cost": {"seconds": round(seconds, 2), "images": config.count},
        "environment": environment(),
    }
    run.write_result(result)
    for file in (*files.values(), "manifest.json"):
        print(run.path / file, file=sys.stderr)
    return result


def _with_progress(sampler: Sampler) -> Iterable[Samples]:
    """The sampler, with a bar where stderr is a terminal."""
    from rich.console import Console
    from rich.progress import track

    quiet = not sys.stderr.isatty()
    return track(sampler, description="images", console=Console(stderr=True), transient=True, disable=quiet)
