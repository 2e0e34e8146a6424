"""The explanation of a generator: directions in its latent space, and what the units of a layer are for."""

import time
from typing import Any

from sparring.core.errors import ConfigError
from sparring.core.measurement import Measurement
from sparring.explanation.ablation import ablation_record, check_layer
from sparring.explanation.directions import FoundDirections, found_directions
from sparring.explanation.latent_space import classifier_beside, space_of
from sparring.explanation.pictures import direction_picture
from sparring.explanation.settings import ExplainSettings
from sparring.run.directory import RunDir
from sparring.trained.runs import Runs


def explain_generator(settings: ExplainSettings, runs: Runs, run: RunDir) -> dict[str, Any]:
    """The sections of result.json for a generator; draws images/directions_<way>.png.

    Raises:
        CheckpointError: the run holds no generator.
        ConfigError: a space, class or layer that it does not have, or a way of finding directions that does not apply.
    """
    started = time.perf_counter()
    for setting, given in (("format", list(settings.formats)), ("permuted", settings.permuted)):
        if given:
            raise ConfigError(
                f"{setting}={given} is about a classifier, and what is explained is a generator: leave it out."
            )
    trained = runs.generator(settings.run, checkpoint=settings.checkpoint)
    classifier = classifier_beside(settings, trained, runs)
    space = space_of(settings, trained, classifier)
    check_layer(space, settings.layer, settings.units)
    listed = "_target_" not in settings.direction
    made = runs.build(settings.direction, section="direction")
    ways = made if listed else {type(made).__module__.rpartition(".")[2]: made}
    found, left_out = found_directions(
        ways,
        space,
        count=settings.directions,
        codes=settings.codes,
        extent=settings.extent,
        seed=settings.seed,
        listed=listed,
    )
    for name, each in found.items():
        direction_picture(run.images / f"directions_{name}.png", {strip.name: strip.image for strip in each.strips})
    units = ablation_record(space, layer=settings.layer, units=settings.units, codes=settings.codes, seed=settings.seed)
    if classifier is None:
        left_out.append(
            "Nothing says what the directions and units mean: give classifier=<run of a classifier on the same data>."
        )
    protocol = {
        "space": space.name, "label": settings.label, "codes": settings.codes, "extent": settings.extent,
        "seed": settings.seed, "weights": trained.origin["weights"], "checkpoint": settings.checkpoint,
        "classifier": None if classifier is None else classifier.origin["run"],
    }  # fmt: skip
    return {
        "metrics": _metrics(found, protocol),
        "data": {"fingerprints": trained.origin["fingerprints"]},
        "subject": "generator",
        "network": trained.origin,
        "classes": list(space.class_names),
        "flags": left_out,
        "attributions": None,
        "generator": {"directions": {name: each.records for name, each in found.items()}, "ablation": units},
        "counterfactuals": None,
        "protocol": protocol,
        "cost": {"seconds": round(time.perf_counter() - started, 2), "images": settings.codes},
    }


def _metrics(found: dict[str, FoundDirections], protocol: dict[str, Any]) -> dict[str, Any]:
    """The path length of each direction."""
    return {
        f"path_length/{record['name'].replace(' ', '_')}": Measurement(
            value=record["path_length"]["value"],
            direction="lower",
            protocol=protocol | {"way": name},
            interval=(record["path_length"]["low"], record["path_length"]["high"]),
        ).record()
        for name, each in found.items()
        for record in each.records
    }
