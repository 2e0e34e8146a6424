"""`python generate.py run=logs/train/<run>`: images from a trained generator, as a grid, class folders or parquet.

conf/generate.yaml lists the settings, with what each means.
"""

import json
import time
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from sparring.core.atomic import write_atomic
from sparring.core.progress import Progress
from sparring.core.task import class_words
from sparring.core.terminal import say
from sparring.data.serving import provenance
from sparring.generation.export import Writers, check_formats
from sparring.generation.from_run import sampler_of
from sparring.generation.manifest import Ledger, manifest
from sparring.generation.settings import GenerateSettings
from sparring.generation.walk import walks
from sparring.generation.walk_files import write_walk
from sparring.report.logged import logged
from sparring.run.directory import RunDir
from sparring.run.environment import environment
from sparring.run.status import recorded


def generate(config: DictConfig, run_dir: Path) -> dict[str, Any]:
    """Draw the images that `config` asks for into the new run directory `run_dir`.

    Files: images/grid.png, folder/, samples.parquet (as `format` says), images/interpolation and images/morph as .png and .gif
    (where asked for), manifest.csv, and last of all manifest.json.

    Args:
        config: resolved, as conf/generate.yaml composes it.
        run_dir: folder of the new run.

    Returns:
        The content of result.json.

    Raises:
        CheckpointError: `config.run` is no run directory, has no weights, or they do not fit its settings.
        ConfigError: a setting out of range.
        DivergedError: the generator returns NaN.
        DiskError: the images cannot be written.
    """
    with recorded(run_dir) as run, logged(config, run):
        settings = GenerateSettings.of(config)
        result = _generate(settings, run)
        run.write_status("finished", f"{settings.count} images", 0, {}, None)
    return result


def _generate(settings: GenerateSettings, run: RunDir) -> dict[str, Any]:
    started = time.perf_counter()
    runs = settings.runs
    source = runs.open(settings.run)
    trained = runs.generator(source, weights=settings.weights, checkpoint=settings.checkpoint)
    check_formats(settings.formats, trained.channels)
    sampler = sampler_of(trained, settings)
    if isinstance(sampler.label, int) and sampler.num_classes is not None:
        say(f"label={settings.label} is {class_words(sampler.label, trained.class_names)}")
    walked = walks(sampler, settings.walks, class_names=trained.class_names)
    ledger = Ledger(settings.seed)
    writing = Writers(settings.formats, run.path, class_names=trained.class_names)
    with writing as writers, Progress("images", settings.count) as progress:
        for samples in sampler:
            writers.add(samples)
            ledger.add(samples)
            progress.advance(len(samples))
    files = {name: str(writer.path.relative_to(run.path)) for name, writer in writers.by_format.items()}
    for walk in walked:
        files |= {name: f"images/{file}" for name, file in write_walk(run.images, walk).items()}
    seconds = time.perf_counter() - started
    if (source.path / provenance.FILE).exists():  # so that the images carry what their generator was trained on
        write_atomic(run.path / provenance.FILE, (source.path / provenance.FILE).read_bytes())
    write_atomic(run.path / "manifest.csv", ledger.csv(writers).encode())
    content = manifest(settings.recorded, trained.origin, trained.class_names, ledger, files)
    write_atomic(run.path / "manifest.json", (json.dumps(content, indent=2) + "\n").encode())
    result = {
        "verb": "generate",
        "name": settings.name,
        "config_hash": settings.config_hash,
        "data": {"fingerprints": trained.origin["fingerprints"]},
        "metrics": {},
        "files": files,
        "cost": {"seconds": round(seconds, 2), "images": settings.count},
        "environment": environment(),
    }
    run.write_result(result)
    return result
