"""report.html of a training run: one file that needs no network, no JavaScript and no other file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sparring.core.atomic import write_atomic
from sparring.core.program import command
from sparring.report.accuracy import accuracies, per_class
from sparring.report.classifier import confusion, mistakes, reliability
from sparring.report.curves import Panel, panels, short
from sparring.report.outcome import outcome
from sparring.report.page import ReportPicture, duration, flat, machine, template
from sparring.report.pictures import data_uri
from sparring.report.record import Sample, TrainingRecord, read
from sparring.report.state import state_of
from sparring.run.commands import extension_words
from sparring.run.kind import networks_of
from sparring.run.saved import to_type_again
from sparring.run.settings import FOLDER, given_in

LARGE_BYTES = 450_000  # of the last grid and of the real images; the page stays below 3 MB
SMALL_BYTES = 110_000  # of each earlier grid
EARLIER = 6  # grids at most


def train_report(run_path: Path) -> Path:
    """Write `report.html` into the run directory `run_path`, from what is there; returns its path.

    Works for runs that finished, were stopped, failed, or logged nothing.

    Raises:
        CheckpointError: `run_path` is no run directory. DiskError: the page cannot be written.
    """
    record = read(Path(run_path))
    page = template("train.html.j2").render(view(record))
    target = record.path / "report.html"
    write_atomic(target, page.encode())
    return target


def view(record: TrainingRecord) -> dict[str, Any]:
    """Variables of the template, as plain values and small dataclasses; the template escapes them."""
    last, earlier = last_and_earlier(record.samples)
    curves: list[Panel] = panels(record.series)
    return {
        "name": record.config.get("name") or record.path.name,
        "folder": record.path.name,
        "state": state_of(record.status, alive=record.alive),
        "facts": list(_facts(record)),
        "last": _picture(last, LARGE_BYTES) if last else None,
        "real": _real(record),
        "earlier": [picture for sample in earlier if (picture := _picture(sample, SMALL_BYTES))],
        "panels": curves,
        "overrides": [item.partition("=")[::2] for item in record.overrides],
        "choices": list(_choices(record.config)),
        "config_yaml": record.config_yaml,
        "outcome": outcome(record.result) if record.result.get("verb") == "train" else None,
        "confusion": confusion(record.result),
        "reliability": reliability(record.result),
        "mistakes": mistakes(record.result, record.path / "images"),
        "classes": list(per_class(record.result)),
        "decisions": list(_decisions(record.result)),
        "metrics": list(_metrics(record)),
        "cost": list(_cost(record)),
        "machine": list(machine(record.result.get("environment") or {})),
        "environment": list(flat(record.result.get("environment") or {})),
        "fingerprints": list(flat((record.result.get("data") or {}).get("fingerprints") or {})),
        "commands": list(commands(record)),
        "config_hash": record.result.get("config_hash"),
    }


def last_and_earlier(samples: list[Sample]) -> tuple[Sample | None, list[Sample]]:
    """The newest grid, and up to EARLIER of those before it, evenly spaced, the first one included."""
    if not samples:
        return None, []
    *before, last = samples
    if len(before) <= EARLIER:
        return last, before
    spaced = {round(i * (len(before) - 1) / (EARLIER - 1)) for i in range(EARLIER)}
    return last, [before[i] for i in sorted(spaced)]


def training_seconds(record: TrainingRecord) -> float | None:
    """Time in the training loop: as the run measured it, else summed up from the logged speed."""
    seconds = (record.result.get("cost") or {}).get("seconds")
    if isinstance(seconds, int | float):
        return float(seconds)
    speed = next((each for each in record.series if each.name == "speed/images_per_second"), None)
    if speed is None or not speed.values or min(speed.values) <= 0:
        return None
    before = [0.0, *speed.images_seen[:-1]]
    return sum((x - x0) / v for x0, x, v in zip(before, speed.images_seen, speed.values, strict=True))


def commands(record: TrainingRecord) -> Iterator[tuple[str, str]]:
    """(purpose, command) of next steps, as typed in the folder of logs/; in Python for networks that were made there."""
    if given := given_in(record.config.get("model") or {}):
        networks = "".join(f", {name}=<the network>" for name in given)
        yield "Open it in Python", f"sparring.open({str(record.path)!r}{networks})"
        return
    run = shown_path(record)
    if (record.path / "weights.safetensors").exists():
        held, extensions = networks_of(record.config), extension_words(record.overrides)
        if held is None or "generator" in held:
            words = [f"run={run}", "count=100", "format=[grid,folder]", *extensions]
            yield "Draw images from this generator", command("generate", *words)
            yield "Measure this generator", command("evaluate", f"run={run}", *extensions)
        if held is not None and "classifier" in held:
            yield "Attack this classifier", command("attack", f"run={run}", *extensions)
    if (record.path / "checkpoints" / "last.ckpt").exists():
        words = [f"resume={run}", *record.config_dir, *to_type_again(record.overrides)]
        if record.status.get("state") == "finished":
            budget = f"trainer.max_steps={2 * record.clock['iteration']}"
            yield "Train it for longer", command("train", *words, budget)
        else:
            diverged = record.status.get("state") == "diverged"
            start = "from the last good checkpoint" if diverged else "where it stopped"
            yield f"Continue {start}", command("train", *words)
    if not (record.path / FOLDER / "overrides.yaml").exists():  # started in Python with a whole configuration
        return
    typed = [item for item in record.overrides if not item.startswith("resume=")]
    yield "Repeat it from the start", command("train", *typed, *record.config_dir)


def shown_path(record: TrainingRecord) -> str:
    """The run directory as seen from the folder of logs/ if it lies inside, else absolute."""
    root = (record.config.get("paths") or {}).get("root_dir")
    path = record.path
    return str(path.relative_to(root)) if root and path.is_relative_to(root) else str(path)


def _facts(record: TrainingRecord) -> Iterator[tuple[str, str, str]]:
    """(label, value, small print) of the headline."""
    clock = record.clock
    budget = (record.config.get("trainer") or {}).get("max_steps")
    if "iteration" in clock:
        iteration = int(clock["iteration"])
        unfinished = isinstance(budget, int) and budget > iteration
        yield "Iterations", f"{iteration:,}", f"of {budget:,} planned" if unfinished else ""
    if "images_seen" in clock:
        yield "Real images seen", f"{int(clock['images_seen']):,}", ""
    yield from accuracies(record.result)
    seconds = training_seconds(record)
    if seconds is not None:
        total = (record.result.get("cost") or {}).get("seconds_with_set_up")
        yield "Training time", duration(seconds), f"{duration(total)} with set-up" if total else ""
    if seconds and clock.get("images_seen"):
        yield "Speed", f"{clock['images_seen'] / seconds:,.0f}", "images per second"


def _decisions(result: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What callbacks did about trouble: (when, what and why)."""
    for each in result.get("decisions") or []:
        back = "" if each["back_to"] is None else f" to {each['back_to']:,}"
        rates = ", ".join(f"{player} {rate:.3g}" for player, rate in each["rates"].items())
        done = f"{each['by']}: {each['action']}{back}. {each['kind'].capitalize()}: {each['why']}."
        yield f"iteration {each['iteration']:,}", f"{done} Learning rates from then on: {rates}."


def _cost(record: TrainingRecord) -> Iterator[tuple[str, str]]:
    cost = record.result.get("cost") or {}
    for key, label in (("seconds", "Training"), ("seconds_with_set_up", "With set-up")):
        if isinstance(cost.get(key), int | float):
            yield label, duration(cost[key])
    for device, mebibytes in (cost.get("peak_memory_mb") or {}).items():
        yield f"Peak memory, {device}", f"{mebibytes:,.0f} MiB"
    for player, count in (record.result.get("parameters") or {}).items():
        yield f"Parameters, {player}", f"{count:,}"


def _metrics(record: TrainingRecord) -> Iterator[tuple[str, str]]:
    for name, metric in (record.result.get("metrics") or {}).items():
        yield name, short([] if metric["value"] is None else [metric["value"]])


def _choices(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The most important settings, where this run has them."""
    data, model, trainer = (config.get(key) or {} for key in ("data", "model", "trainer"))
    if {"name", "image_size", "channels", "num_classes"} <= set(data):
        size, channels = data["image_size"], "1 channel" if data["channels"] == 1 else f"{data['channels']} channels"
        yield "Data", f"{data['name']}: {size} × {size}, {channels}, {data['num_classes']} classes"
    for key in ("generator", "discriminator", "conditioning", "head", "loss", "backbone"):
        target = (model.get(key) or {}).get("_target_")
        if target:
            yield key.capitalize(), str(target).rpartition(".")[2]
    if isinstance(model.get("regularizer"), dict):
        yield "Regularizers", ", ".join(model["regularizer"]) or "none"
    if isinstance(model.get("transform"), dict):
        yield "Transforms", ", ".join(model["transform"]) or "none"
    single = (("Batch", data, "batch_size"), ("Precision", trainer, "precision"), ("Devices", trainer, "devices"))
    for label, section, key in single:
        if section.get(key) is not None:
            yield label, str(section[key])
    if config.get("seed") is not None:
        yield "Seed", str(config["seed"])


def _picture(sample: Sample, most_bytes: int) -> ReportPicture | None:
    uri = data_uri(sample.path, most_bytes=most_bytes)
    return None if uri is None else ReportPicture(f"iteration {sample.iteration:,}", uri)


def _real(record: TrainingRecord) -> ReportPicture | None:
    uri = data_uri(record.real, most_bytes=LARGE_BYTES) if record.real else None
    return None if uri is None else ReportPicture("real images", uri)
