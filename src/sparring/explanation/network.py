"""The explanation of a classifier or a discriminator: attribution maps with their controls and checks."""

import time
from pathlib import Path
from typing import Any

from sparring.explanation.attributions import applicable, attributed, table
from sparring.explanation.counterfactual_set import check_set, write_counterfactuals
from sparring.explanation.counterfactuals import (
    Counterfactuals,
    check_generator,
    counterfactuals_of,
    flags_of_counterfactuals,
)
from sparring.explanation.images import images_of
from sparring.explanation.permuted import permuted_record, permuted_subject
from sparring.explanation.pictures import attribution_picture, counterfactual_picture
from sparring.explanation.result import attribution_result
from sparring.explanation.sanity import flags_of, sanity_record
from sparring.explanation.settings import ExplainSettings
from sparring.explanation.subject import logits_of, subject_of, targets
from sparring.run.directory import RunDir
from sparring.trained.runs import Runs


def explain_network(settings: ExplainSettings, runs: Runs, run: RunDir) -> dict[str, Any]:
    """The sections of result.json for a classifier or a discriminator; draws images/attributions.png.

    Raises:
        CheckpointError: the run does not hold what was asked for.
        DataError: its data is not what it was trained on.
        ConfigError: a class or layer that does not exist, or a method that does not apply.
        DivergedError: the network's logits are not finite.
    """
    started = time.perf_counter()
    listed = "_target_" not in settings.attribution
    made = runs.build(settings.attribution, section="attribution")
    chosen = made if listed else {type(made).__module__.rpartition(".")[2]: made}
    subject = subject_of(settings, runs)
    check_set(settings.formats, settings.generator, subject.loaded.task, kind=subject.kind)
    images = images_of(settings, subject.loaded, runs)
    check_generator(settings, subject, runs)
    methods, left_out = applicable(chosen, subject, images.image[:1], listed=listed)
    other = permuted_subject(methods, subject, images.image[:1], settings, runs)
    logits = logits_of(subject.network, images.image)
    target = targets(subject, settings.explained, logits, images.label)
    found = attributed(methods, subject, images, target, settings)
    rows = table(found)
    maps = {name: found[name].maps for name in methods}
    sanity = sanity_record(methods, maps, subject, images, target, settings)
    permuted = permuted_record(other, methods, maps, images, target, settings)
    few, names = slice(0, settings.pictured), subject.loaded.class_names
    answers = logits.argmax(1) if subject.kind == "classifier" else target
    titles = [
        f"{names[a]} > {names[b]}" for a, b in zip(images.label[few].tolist(), answers[few].tolist(), strict=True)
    ]
    shown = {name: each.maps[few] for name, each in found.items()}
    attribution_picture(run.images / "attributions.png", images.image[few], shown, titles)
    searched = counterfactuals_of(settings, subject, images, runs)
    if searched is not None:
        draw_counterfactuals(run.images / "counterfactuals.png", searched, names, settings.pictured)
    record = None if searched is None else searched.record
    if searched is not None and record is not None and settings.formats:
        record["files"] = write_counterfactuals(settings, subject, searched, runs, run)
    flags = [*left_out, *flags_of(rows, sanity, permuted), *flags_of_counterfactuals(record)]
    return {
        **attribution_result(subject, images, settings, found, rows, sanity, permuted, flags),
        "counterfactuals": record,
        "cost": {"seconds": round(time.perf_counter() - started, 2), "images": len(images.label)},
    }


def draw_counterfactuals(path: Path, found: Counterfactuals, names: tuple[str, ...], count: int) -> None:
    """The first `count` of them as a PNG. Raises DiskError."""
    titles = [
        f"{names[a]} > {names[b]}{'' if valid else ' (not reached)'}"
        for a, b, valid in zip(found.answer.tolist(), found.target.tolist(), found.valid.tolist(), strict=True)
    ]
    columns = (found.image, found.reconstruction, found.counterfactual, found.adversary)
    counterfactual_picture(path, *(each[:count] for each in columns), names=titles[:count])
