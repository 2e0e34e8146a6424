"""report.html of an attack's run directory: one page that needs no network, no JavaScript and no other file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sparring.core.atomic import write_atomic
from sparring.report.outcome import outcome, remarks
from sparring.report.page import duration, template
from sparring.report.pictures import data_uri
from sparring.run.directory import RunDir

WIDTH, HEIGHT, LEFT, BOTTOM = 460, 210, 44, 34  # of the curve


def attack_report(run_path: Path) -> Path:
    """Write `report.html` from the result.json and the picture of the attack run in `run_path`; returns its path.

    Raises:
        CheckpointError: no result in it. DiskError: the page cannot be written.
    """
    run = RunDir(run_path)
    page = template("attack.html.j2").render(view(run))
    write_atomic(run.report, page.encode())
    return run.report


def view(run: RunDir) -> dict[str, Any]:
    """Variables of the template, as plain values; the template escapes them."""
    result = run.result()
    attacks: dict[str, list[dict[str, Any]]] = result["attacks"]
    strengths = [row["shown"] for row in next(iter(attacks.values()))]
    return {
        "folder": run.path.name,
        "classifier": Path(result["classifier"]["run"]).name,
        "outcome": outcome(result),
        "facts": list(_facts(result)),
        "flags": [*result["flags"], *remarks(result)],
        "strengths": strengths,
        "table": [(name, [percent(row["accuracy"]) for row in rows]) for name, rows in attacks.items()],
        "worst": [percent(row["accuracy"]) for row in result["worst"]] if len(attacks) > 1 else [],
        "curve": curve(attacks, result["clean"]["accuracy"]),
        "legend": [(name, f"var(--line-{i % 6 + 1})") for i, name in enumerate(attacks)],
        "costs": list(_costs(attacks)),
        "classes": result["classes"],
        "by_class": [
            ("no attack", [percent(each) for each in result["clean"]["per_class"]]),
            *(
                (f"{name}, {rows[-1]['shown']}", [percent(v) for v in rows[-1]["per_class"]])
                for name, rows in attacks.items()
            ),
        ],
        "corruptions": [
            (name, [percent(row["accuracy"]) for row in rows])
            for name, rows in ((result["corruptions"] or {}).get("table") or {}).items()
        ],
        "corruption_source": (result["corruptions"] or {}).get("source"),
        "picture": data_uri(run.images / "adversarial.png", most_bytes=450_000),
        "protocol": json.dumps(result["protocol"], indent=2),
        "config_hash": result["config_hash"],
    }


def percent(share: float | None) -> str:
    """A share in [0, 1] as a percentage; a dash for None."""
    return "–" if share is None else f"{100 * share:.1f} %"


def curve(attacks: dict[str, list[dict[str, Any]]], clean: float) -> str:
    """SVG of accuracy against epsilon, from the clean accuracy at 0 on, in the page's colours.

    Args:
        attacks: attack -> records at increasing epsilon.
        clean: accuracy without an attack, in [0, 1].
    """
    largest = max(row["epsilon"] for rows in attacks.values() for row in rows)

    def point(epsilon: float, accuracy: float) -> str:
        x = LEFT + (WIDTH - LEFT - 10) * epsilon / largest
        return f"{x:.1f},{8 + (HEIGHT - BOTTOM - 8) * (1 - accuracy):.1f}"

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Accuracy against epsilon" font-size="11">']
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = float(point(0, tick).split(",")[1])
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}" stroke="currentColor" stroke-opacity="0.15"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="currentColor">{100 * tick:.0f} %</text>'
        )
    for share in (0.0, 0.5, 1.0):
        x = float(point(share * largest, 0).split(",")[0])
        parts.append(
            f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle" fill="currentColor">{share * largest:.3g}</text>'
        )
    middle = (LEFT + WIDTH) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 3}" text-anchor="middle" fill="currentColor">epsilon</text>')
    for i, rows in enumerate(attacks.values()):
        points = [point(0, clean), *(point(row["epsilon"], row["accuracy"]) for row in rows)]
        colour = f"var(--line-{i % 6 + 1})"
        parts.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        parts += [f'<circle cx="{p.split(",")[0]}" cy="{p.split(",")[1]}" r="2.6" fill="{colour}"/>' for p in points]
    return "".join(parts) + "</svg>"


def _facts(result: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(label, value, small print) of the headline."""
    images, split = result["cost"]["images"], result["data"]["split"]
    yield "Without attack", percent(result["clean"]["accuracy"]), f"{images:,} {split} images"
    yield "Calibration error", percent(result["clean"]["ece"]), "ECE, 15 bins, without attack"
    if defence := result.get("defence"):
        rms = f"G(z*) is {defence['reconstruction_rms']:.3f} of the pixel range (RMS) from the image"
        yield "Without defence", percent(defence["undefended_accuracy"]), rms
    corruptions = result["corruptions"] or {}
    if corruptions:
        mce = f"mCE {corruptions['mce']:.3f} against the baseline" if "mce" in corruptions else "mean over all"
        yield "Under corruptions", percent(corruptions["mean_accuracy"]), mce
    for row in result["worst"][-1:]:
        yield "Worst case", percent(row["accuracy"]), f"at epsilon {row['shown']}"
    yield "Time", duration(result["cost"]["seconds"]), f"{result['cost']['queries']:,} images evaluated"


def _costs(attacks: dict[str, list[dict[str, Any]]]) -> Iterator[tuple[str, ...]]:
    for name, rows in attacks.items():
        for row in rows:
            norms = (row["mean_linf"], row["mean_l2"])
            yield (
                name, row["shown"], percent(row["success_rate"]),
                *("–" if value is None else f"{value:.4f}" for value in norms),
                f"{row['queries_per_image']:,.1f}", f"{row['gradients_per_image']:,.1f}", f"{row['cpu_seconds']:.1f} s",
            )  # fmt: skip
