"""How a run shows itself in a notebook: its newest picture and its headline numbers."""

from collections.abc import Iterator, Mapping
from html import escape
from itertools import islice
from pathlib import Path
from typing import Any

from sparring.report.pictures import data_uri

PICTURE_BYTES = 200_000
NUMBERS = 8  # metrics that are shown


def html(run: Path, state: str, result: dict[str, Any]) -> str:
    """One `<div>` without scripts or links to other files. result: empty where the run did not finish."""
    rows = "".join(
        f"<tr><td style='text-align:left'>{escape(name)}</td><td style='text-align:right'>{escape(value)}</td></tr>"
        for name, value in numbers(result)
    )
    file, image = picture(run / "images"), ""
    if file is not None and (uri := data_uri(file, most_bytes=PICTURE_BYTES)):
        image = f"<img src='{uri}' style='max-width:400px;height:auto' alt='{escape(file.stem)}'>"
    head = f"<b>{escape(run.name)}</b><br><small>{escape(state)}</small>"
    return (
        f"<div>{head}<div style='display:flex;gap:1em;align-items:flex-start'>{image}<table>{rows}</table></div></div>"
    )


def numbers(result: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(name, text) of cost and metrics."""
    clock, cost = result.get("clock") or {}, result.get("cost") or {}
    if "iteration" in clock:
        yield "iterations", f"{clock['iteration']:,}"
    if "images_seen" in clock:
        yield "real images seen", f"{clock['images_seen']:,}"
    if cost.get("seconds") is not None:
        yield "seconds", f"{cost['seconds']:,.1f}"
    yield from islice(headline(result.get("metrics", {})), NUMBERS)


def headline(metrics: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """(name, text) of every metric that has a value: with its standard deviation or interval, where there is one."""
    for name, found in metrics.items():
        if found["value"] is None:
            continue
        text = f"{found['value']:.4g}"
        if found["std"] is not None:
            text += f" ± {found['std']:.2g}"
        elif found["interval"] is not None:
            low, high = ("?" if end is None else f"{end:.3g}" for end in found["interval"])
            text += f" [{low}, {high}]"
        yield name, text


def picture(folder: Path) -> Path | None:
    """The newest grid of samples, or what another verb drew."""
    samples = sorted(folder.glob("samples_*.png"))
    others = (folder / f"{name}.png" for name in ("grid", "neighbours", "adversarial"))
    return samples[-1] if samples else next((file for file in others if file.exists()), None)
