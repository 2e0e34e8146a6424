"""`python generate.py run=logs/train/<run>`: images from a trained generator, as a grid, class folders or parquet.

Keys of conf/generate.yaml (defaults live there):

    run: ???              # run directory of a trained GAN, also as seen from the repository or logs/train
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
    extensions: []        # as for train.py: own packages that the run's config may name
"""

import json
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, ListConfig
from torch import nn

from sparring import weights as weights_file
from sparring.build import build, build_model
from sparring.cli.resume import find_run
from sparring.data import seen
from sparring.environment import environment
from sparring.errors import CheckpointError, ConfigError
from sparring.run_dir import RunDir, config_hash, write_atomic
from sparring.sampling.batch_norm import choose_statistics
from sparring.stage.export import Writers, check_formats
from sparring.stage.manifest import Ledger, manifest
from sparring.stage.record import recorded
from sparring.stage.sample import Sampler, Samples

WEIGHTS = ("ema", "generator")


@dataclass(frozen=True)
class Trained:
    """A generator out of a run directory and what is known about it.

    discriminator: D of the same run, or None. class_names is empty for an unconditional generator.
    class_prior: the training data's class frequencies, if saved.
    origin: what a manifest says about where the images come from; plain values.
    """

    network: nn.Module
    discriminator: nn.Module | None
    latent_dim: int
    channels: int
    class_names: tuple[str, ...]
    class_prior: torch.Tensor | None
    origin: dict[str, Any]

    @property
    def num_classes(self) -> int | None:
        return len(self.class_names) or None


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


def load_generator(source: RunDir, weights: str, *, extensions: list[str], checkpoint: str | int = "last") -> Trained:
    """The generator of a run, on the CPU in eval mode.

    weights: "ema" (the averaged one) or "generator". checkpoint: "last"; "best" as the quality callback found it, or an
    iteration at which it kept the weights.
    """
    if weights not in WEIGHTS:
        raise ConfigError(f"weights={weights} is unknown; give one of {', '.join(WEIGHTS)}.")
    file = source.weights_file(checkpoint)
    config, tensors = source.config, weights_file.load(file)
    model: Any = build_model(config, extensions=extensions)
    if not isinstance(getattr(model, weights, None), nn.Module):
        raise CheckpointError(f"{source.path} holds no generator; give the directory of a run of train.py with a GAN.")
    network: nn.Module = getattr(model, weights)
    own = {name.removeprefix(f"{weights}."): value for name, value in tensors.items() if name.startswith(f"{weights}.")}
    try:
        network.load_state_dict(own)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise CheckpointError(
            f"The weights of {source.path} do not fit its settings ({reason}); restore the run from a copy."
        ) from error
    metadata = weights_file.stored_metadata(file)
    names, fingerprints = _recorded(source, metadata)
    classes = tuple(names or map(str, range(model.num_classes))) if model.conditional else ()
    origin = {
        "run": str(source.path),
        "config_hash": config_hash(config),
        "weights": weights,
        "checkpoint": checkpoint,
        "generator_sha256": weights_file.content_hash(own),
        "iteration": int(metadata["iteration"]),
        "images_seen": int(metadata["images_seen"]),
        "fingerprints": fingerprints,
    }
    judge = _discriminator(model, tensors)
    prior = tensors.get("class_prior")
    return Trained(network.eval(), judge, model.latent_dim, config.data.channels, classes, prior, origin)


def _discriminator(model: Any, tensors: dict[str, torch.Tensor]) -> nn.Module | None:
    own = {
        name.removeprefix("discriminator."): value
        for name, value in tensors.items()
        if name.startswith("discriminator.")
    }
    if not own or not isinstance(getattr(model, "discriminator", None), nn.Module):
        return None
    model.discriminator.load_state_dict(own)
    return model.discriminator.eval()


def sampler_of(trained: Trained, config: DictConfig) -> Sampler:
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


def device_named(name: str) -> torch.device:
    """`auto` is the accelerator if there is one. Raises ConfigError for a device that this machine does not have."""
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if present[kind]))
    if not present.get(str(name).partition(":")[0], False):
        here = ", ".join(kind for kind, there in present.items() if there)
        raise ConfigError(f"device={name} is not on this machine, which has {here}; give one of these, or auto.")
    return torch.device(name)


def _generate(config: DictConfig, run: RunDir) -> dict[str, Any]:
    started = time.perf_counter()
    source = RunDir.open(find_run(str(config.run), Path(config.paths.log_dir)))
    trained = load_generator(source, config.weights, extensions=list(config.extensions), checkpoint=config.checkpoint)
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
    if (source.path / seen.FILE).exists():  # the images then say by themselves what their generator saw
        write_atomic(run.path / seen.FILE, (source.path / seen.FILE).read_bytes())
    write_atomic(run.path / "manifest.csv", ledger.csv(writers).encode())
    content = manifest(config, trained.origin, list(trained.class_names), ledger, files)
    write_atomic(run.path / "manifest.json", (json.dumps(content, indent=2) + "\n").encode())
    result = {
        "verb": "generate",
        "config_hash": config_hash(config),
        "data": {"fingerprints": trained.origin["fingerprints"]},
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


def _recorded(source: RunDir, metadata: dict[str, str]) -> tuple[list[str] | None, dict[str, str] | None]:
    """(class names, data fingerprints) as stored with the weights, else as in result.json, else `None`."""
    if "classes" in metadata and "fingerprints" in metadata:
        return json.loads(metadata["classes"]), json.loads(metadata["fingerprints"])
    if not (source.path / "result.json").exists():
        return None, None
    result = source.result()
    return result["classes"], result["data"]["fingerprints"]
