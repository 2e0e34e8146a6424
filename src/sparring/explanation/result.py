"""What an explanation leaves in result.json."""

from collections.abc import Mapping, Sequence
from typing import Any

from sparring.attribution.evaluation.comparison import LEVEL
from sparring.core.measurement import Direction, Measurement
from sparring.explanation.attributions import MethodMaps
from sparring.explanation.images import ExplainedImages
from sparring.explanation.settings import ExplainSettings
from sparring.explanation.subject import Subject

MEASURES: Mapping[str, Direction] = {
    "deletion": "lower",
    "insertion": "higher",
    "gain": "higher",
    "infidelity": "lower",
}
NAMES = {
    "deletion": "deletion_auc",
    "insertion": "insertion_auc",
    "gain": "insertion_minus_deletion",
    "infidelity": "infidelity",
}


def attribution_result(
    subject: Subject, images: ExplainedImages, settings: ExplainSettings, found: Mapping[str, MethodMaps],
    rows: Sequence[Mapping[str, Any]], sanity: Mapping[str, Any] | None, permuted: Mapping[str, Any] | None,
    flags: Sequence[str],
) -> dict[str, Any]:  # fmt: skip
    """Plain values: the sections of result.json that explain.py fills for a classifier or a discriminator."""
    protocol = _protocol(subject, images, settings)
    metrics = {
        f"{settings.split}/{NAMES[measure]}/{row['method']}": Measurement(
            value=row[measure]["value"],
            direction=direction,
            protocol=protocol | {"method": row["method"]},
            interval=None if row[measure]["low"] is None else (row[measure]["low"], row[measure]["high"]),
        )
        for row in rows
        for measure, direction in MEASURES.items()
    }
    share = [step / settings.curve_steps for step in range(settings.curve_steps + 1)]
    return {
        "metrics": {name: each.record() for name, each in metrics.items()},
        "data": {"fingerprints": images.fingerprints, "split": settings.split},
        "subject": subject.kind,
        "network": subject.loaded.origin,
        "classes": list(subject.loaded.class_names),
        "flags": list(flags),
        "attributions": {
            "table": [dict(row) for row in rows],
            "curves": {
                "share": share,
                "deletion": {name: each.deletion.mean(0).tolist() for name, each in found.items()},
                "insertion": {name: each.insertion.mean(0).tolist() for name, each in found.items()},
            },
            "sanity": sanity,
            "permuted": permuted,
        },
        "generator": None,
        "protocol": protocol,
    }


def _protocol(subject: Subject, images: ExplainedImages, settings: ExplainSettings) -> dict[str, Any]:
    return {
        "split": settings.split, "images": len(images.label), "explained": settings.explained,
        "probability": subject.answers, "baseline": settings.baseline, "curve_steps": settings.curve_steps,
        "insertion_from": "Gaussian blur, an eighth of the side", "squares": settings.squares, "seed": settings.seed,
        "interval": f"{100 * LEVEL:.0f} % t interval over the images", "weights": subject.loaded.origin["weights"],
        "checkpoint": settings.checkpoint,
    }  # fmt: skip
