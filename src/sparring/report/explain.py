"""report.html of an explanation's run directory: one page that needs no network, no JavaScript and no other file."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sparring.core.atomic import write_atomic
from sparring.report.outcome import outcome
from sparring.report.page import duration, template
from sparring.report.pictures import data_uri
from sparring.report.plots import panel
from sparring.run.directory import RunDir

MOST_BYTES = 450_000  # of a picture


def explain_report(run_path: Path) -> Path:
    """Write `report.html` from the result.json and the pictures of the run in `run_path`; returns its path.

    Raises:
        CheckpointError: no result in it. DiskError: the page cannot be written.
    """
    run = RunDir(run_path)
    page = template("explain.html.j2").render(view(run))
    write_atomic(run.report, page.encode())
    return run.report


def view(run: RunDir) -> dict[str, Any]:
    """Variables of the template, as plain values; the template escapes them."""
    result = run.result()
    return {
        "folder": run.path.name,
        "subject": result["subject"],
        "network": Path(result["network"]["run"]).name,
        "outcome": outcome(result),
        "facts": list(_facts(result)),
        "flags": result["flags"],
        "attributions": _attributions(run, result) if result["attributions"] else None,
        "generator": _generator(run, result) if result["generator"] else None,
        "counterfactuals": _counterfactuals(run, result) if result["counterfactuals"] else None,
        "protocol": json.dumps(result["protocol"], indent=2),
        "config_hash": result["config_hash"],
    }


def _facts(result: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(label, value, small print) of the headline."""
    cost = result["cost"]
    if found := result["attributions"]:
        methods = [row for row in found["table"] if not row["control"]]
        believed = [row for row in methods if all(row["beats"].values())]
        yield "Methods", f"{len(believed)} of {len(methods)}", "beat both controls"
        best = max(methods, key=lambda row: row["gain"]["value"])
        yield "Best", f"{best['gain']['value']:+.3f}", f"{best['method']}, insertion minus deletion"
    if searched := result["counterfactuals"]:
        yield "Counterfactuals", f"{100 * searched['validity']:.0f} %", f"valid, of {searched['images']}"
    if made := result["generator"]:
        best = largest_logit_change(made["directions"], result["classes"])
        if best is not None:
            yield "Largest change of a logit", f"{best[2]:+.2f}", f"{best[1]} along {best[0]}"
        yield "Directions", f"{sum(map(len, made['directions'].values()))}", ", ".join(made["directions"])
    yield "Images", f"{cost['images']:,}", str(result["data"].get("split", "codes"))
    yield "Time", duration(cost["seconds"]), ""


def _attributions(run: RunDir, result: Mapping[str, Any]) -> dict[str, Any]:
    found = result["attributions"]
    order = [row["method"] for row in found["table"]]
    return {
        "picture": data_uri(run.images / "attributions.png", most_bytes=MOST_BYTES),
        "columns": ", ".join(["image", *order]),
        "titles": "true class > predicted class" if result["subject"] == "classifier" else "class",
        "rows": [_row(row) for row in found["table"]],
        "curves": [
            _curves(found["curves"], kind, result["protocol"]["probability"]) for kind in ("deletion", "insertion")
        ],
        "sanity": _sanity(found["sanity"]) if found["sanity"] else None,
        "permuted": _permuted(found.get("permuted")),
    }


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    beaten = row.get("beats")
    verdict = "control"
    if beaten is not None:
        lost = [control for control, won in beaten.items() if not won]
        verdict = f"does not beat {' and '.join(lost)}" if lost else "beats both controls"
    gap = row["completeness_gap"]
    return {
        "method": row["method"],
        "verdict": verdict,
        "state": "soft" if beaten is None else "finished" if all(beaten.values()) else "interrupted",
        "cells": [
            *(_interval(row[key]) for key in ("gain", "deletion", "insertion", "infidelity")),
            "–" if gap is None else f"{gap:.3g}",
            "–" if row["control"] else f"{row['seconds']:.1f} s",
        ],
    }


def _interval(mean: Mapping[str, float | None]) -> str:
    if mean["low"] is None or mean["high"] is None:
        return f"{mean['value']:.3f}"
    return f"{mean['value']:.3f} ± {(mean['high'] - mean['low']) / 2:.3f}"


def _curves(curves: Mapping[str, Any], kind: str, probability: str) -> Any:
    done = "replaced by the baseline" if kind == "deletion" else "shown sharply"
    better = "lower is better" if kind == "deletion" else "higher is better"
    lines = [
        {"label": name, "y": values, "low": None, "high": None} for name, values in curves[kind].items()
    ]  # fmt: skip
    return panel(
        {
            "title": f"{kind.capitalize()}, {better}", "x_label": f"% of the pixels {done}, most important first",
            "y_label": probability, "x": [100 * share for share in curves["share"]], "lines": lines, "log_x": False,
            "note": "",
        }
    )  # fmt: skip


def _permuted(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if found is None:
        return None
    rows = [
        (name, _correlation(each["signed"]), _correlation(each["absolute"])) for name, each in found["methods"].items()
    ]
    return {"rows": rows, "images": found["images"], "learned": f"{found['learned']:.1%}"}


def _correlation(value: float | None) -> str:
    return "constant" if value is None else f"{value:.2f}"


def _sanity(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "images": found["images"],
        "layers": found["layers"],
        "tables": [
            (title, [(name, [_correlation(value) for value in each[key]]) for name, each in found["methods"].items()])
            for title, key in (
                ("Shuffled from the last layer down to this one", "cascading_absolute"),
                ("Shuffled in this layer alone", "independent_absolute"),
            )
        ],
    }


def largest_logit_change(
    directions: Mapping[str, list[Mapping[str, Any]]], classes: list[str]
) -> tuple[str, str, float] | None:
    """(direction, class, change) of the largest change along a direction that is no control; None without a classifier."""
    changes = [
        (record["name"], name, change["value"])
        for records in directions.values()
        for record in records
        if record["logit_change"] and not record["control"]
        for name, change in zip(classes, record["logit_change"], strict=True)
    ]
    return max(changes, key=lambda each: abs(each[2]), default=None)


def _generator(run: RunDir, result: Mapping[str, Any]) -> dict[str, Any]:
    made, classes = result["generator"], result["classes"]
    ablation = made["ablation"]
    return {
        "ways": [
            {
                "name": name,
                "value": records[0]["value_means"],
                "picture": data_uri(run.images / f"directions_{name}.png", most_bytes=MOST_BYTES),
                "rows": [_direction(record) for record in records],
            }
            for name, records in made["directions"].items()
        ],
        "classes": classes,
        "extent": result["protocol"]["extent"],
        "space": result["protocol"]["space"],
        "ablation": ablation
        and {
            "layer": ablation["layer"],
            "units": ablation["units"],
            "rows": [(row["unit"], [signed(each) for each in row["logit_change"]]) for row in ablation["rows"]],
        },
    }


def _direction(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": record["name"],
        "value": "–" if record["control"] else f"{record['value']:.3f}",
        "cells": [_interval(record["pixel_change"]), _interval(record["path_length"])],
        "changes": [signed(each) for each in record["logit_change"] or ()],
    }


def signed(mean: Mapping[str, float | None]) -> tuple[str, bool]:
    """A change as text, and whether its interval leaves out 0."""
    low, high = mean["low"], mean["high"]
    return f"{mean['value']:+.2f}", low is not None and high is not None and (low > 0 or high < 0)


def _counterfactuals(run: RunDir, result: Mapping[str, Any]) -> dict[str, Any]:
    found = result["counterfactuals"]
    distances = found["frechet"]
    rows = [
        ("valid: the classifier's answer is the class asked for", f"{100 * found['validity']:.0f} %"),
        ("the same, of adversarial images with the same L2 norm", f"{100 * found['adversary_validity']:.0f} %"),
        ("reconstructions with the class of their image", f"{100 * found['reconstruction_kept']:.0f} %"),
        ("error of the reconstruction (RMS, fraction of the pixel range)", _interval(found["reconstruction_error"])),
        ("change from reconstruction to counterfactual (the same unit)", _interval(found["pixel_move"])),
        ("length of the move in the latent space", _interval(found["latent_move"])),
        ("of these with the label of the generator switched", f"{100 * found['label_switched']:.0f} %"),
        (f"agreement of {found['restarts']} starts (cosine of the changes)", _number(found["agreement"])),
    ]
    rows += [
        (f"Frechet distance to real images, 8 x 8 pixels: {name}", _number(value))
        for name, value in (distances or {}).items()
    ]
    return {"picture": data_uri(run.images / "counterfactuals.png", most_bytes=MOST_BYTES), "rows": rows}


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
