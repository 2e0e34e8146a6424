"""report.html of an enhancement's run directory: one page that needs no network, no JavaScript and no other file."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sparring.core.atomic import write_atomic
from sparring.report.outcome import outcome
from sparring.report.page import duration, template
from sparring.report.pictures import data_uri
from sparring.run.directory import RunDir

MOST_BYTES = 600_000  # of the picture


def enhance_report(run_path: Path) -> Path:
    """Write `report.html` from the result.json and the picture of the run in `run_path`; returns its path.

    Raises:
        CheckpointError: no result in it. DiskError: the page cannot be written.
    """
    run = RunDir(run_path)
    page = template("enhance.html.j2").render(view(run))
    write_atomic(run.report, page.encode())
    return run.report


def view(run: RunDir) -> dict[str, Any]:
    """Variables of the template, as plain values; the template escapes them."""
    result = run.result()
    rows = result["comparison"]
    versions = [row["version"] for row in rows] if rows else []
    return {
        "folder": run.path.name,
        "network": Path(result["network"]["run"]).name,
        "outcome": outcome(result),
        "facts": list(_facts(result)),
        "columns": ", ".join(["degraded", *versions]) if rows else "image, enhanced",
        "picture": data_uri(run.images / "comparison.png", most_bytes=MOST_BYTES),
        "rows": [_row(row) for row in rows or ()],
        "files": result["files"],
        "protocol": json.dumps(result["protocol"], indent=2),
        "config_hash": result["config_hash"],
    }


def _facts(result: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(label, value, small print) of the headline."""
    by_name = {row["version"]: row for row in result["comparison"] or ()}
    if by_name:
        before, after = by_name["bicubic"], by_name["enhanced"]
        yield "PSNR", f"{after['psnr']:.2f} dB", f"bicubic {before['psnr']:.2f} dB"
        if after["accuracy"] is not None:
            small = f"bicubic {before['accuracy']:.1%}, originals {by_name['original']['accuracy']:.1%}"
            yield "Accuracy", f"{after['accuracy']:.1%}", small
    yield "Images", f"{result['cost']['images']:,}", str(result["data"].get("split", "files"))
    yield "Time", duration(result["cost"]["seconds"]), ""


def _row(row: Mapping[str, Any]) -> tuple[str, list[str]]:
    def text(key: str, form: str) -> str:
        return "–" if row[key] is None else format(row[key], form)

    return row["version"], [
        text("psnr", ".2f"), text("ssim", ".4f"), text("fd_pixels_8x8", ".4f"), text("accuracy", ".1%")
    ]  # fmt: skip
