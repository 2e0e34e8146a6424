"""Pieces of the page as HTML without scripts; every text that is not ours is escaped."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np
from torch import Tensor

from sparring.core.picture import encode_png
from sparring.core.plane import POINT
from sparring.play.neighbours import Nearest
from sparring.play.shown import enlarged, png, tiled
from sparring.play.watch import Watched
from sparring.report.curves import Panel
from sparring.report.pictures import data_uri

MOST_BYTES = 400_000  # of a picture of a run
BARS = 10  # classes that are shown, the most probable ones where there are more


def uri(pixels: np.ndarray) -> str:
    """(H, W, 1 to 4) uint8 as the `data:` address of a PNG."""
    return f"data:image/png;base64,{base64.b64encode(encode_png(pixels)).decode()}"


def figure(image: Tensor, caption: str, alt: str, *, kind: str = "large") -> str:
    """The first of some images (N, C, H, W) uint8, enlarged by the browser without smoothing; points as the density of all.

    Args:
        kind: "large", "middle" or "small".
    """
    pixels = enlarged(image, 1)
    return _figure(uri(pixels), caption, alt, "points" if tuple(image.shape[1:]) == POINT else "pixels", kind)


def sheet(image: Tensor, columns: int, caption: str, alt: str) -> str:
    """Images (N, C, H, W) uint8 beside and below each other."""
    return _figure(uri(tiled(image, columns)), caption, alt, "pixels", "sheet")


def picture(path: Path | None, caption: str) -> str:
    """A PNG file of a run; a line of text where there is none."""
    address = None if path is None else data_uri(path, most_bytes=MOST_BYTES)
    if address is None:
        return f"<p class='soft'>{escape(caption)}: none yet.</p>"
    return _figure(address, caption, caption, "pixels", "sheet")


def _figure(address: str, caption: str, alt: str, sort: str, kind: str) -> str:
    return (
        f"<figure class='{sort} {kind}'><img src='{address}' alt='{escape(alt, quote=True)}'>"
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def saving(image: Tensor, name: str, recipe: str) -> str:
    """A link that saves the first of some images (N, C, H, W) uint8 at its own size; its PNG's text is the recipe."""
    content = base64.b64encode(png(image[0], recipe)).decode()
    address = f"data:image/png;base64,{content}"
    return f"<p><a href='{address}' download='{escape(name, quote=True)}'>Save the image, with its command</a></p>"


def row(*figures: str) -> str:
    """Figures beside each other, as far as there is room."""
    return f"<div class='figures'>{''.join(figures)}</div>"


def bars(probability: Mapping[str, float], title: str, *, asked: str | None = None) -> str:
    """Probabilities by class as bars; the class that was asked for is named.

    Args:
        asked: class that the image was drawn as; None: nobody knows.
    """
    best = max(probability, key=lambda name: probability[name])
    most = sorted(probability, key=lambda name: -probability[name])[:BARS]
    marks = {name: " (asked for)" if name == asked else "" for name in most}
    rows = "".join(
        f"<tr class='{'best' if name == best else ''}'><th scope='row'>{escape(name)}{marks[name]}</th>"
        f"<td><span class='bar' style='width:{100 * share:.1f}%'></span></td><td class='number'>{share:.1%}</td></tr>"
        for name, share in probability.items()
        if name in most
    )
    more = f"<p class='soft'>and {len(probability) - BARS} less probable classes</p>" if len(probability) > BARS else ""
    return f"<table class='bars'><caption>{escape(title)}: <b>{escape(best)}</b></caption><tbody>{rows}</tbody></table>{more}"


def neighbours(found: Nearest, class_names: Sequence[str]) -> str:
    """The nearest training images, each with its class and distance."""
    figures = []
    for image, label, distance in zip(found.image, found.label.tolist(), found.distance.tolist(), strict=True):
        name = class_names[label] if 0 <= label < len(class_names) else "no label"
        figures.append(figure(image[None], f"{name}, {distance:.1%}", f"training image of class {name}", kind="small"))
    return row(*figures)


def message(text: str, *, kind: str = "error") -> str:
    """A sentence that is read out; nothing for an empty one."""
    return f"<p class='{kind}' role='{'alert' if kind == 'error' else 'status'}'>{escape(text)}</p>" if text else ""


def note(text: str) -> str:
    """A line in a quiet colour."""
    return f"<p class='soft'>{escape(text)}</p>"


def curves(panels: Sequence[Panel]) -> str:
    """Charts of a run, as its report has them."""
    parts = []
    for panel in panels:
        legend = "".join(
            f"<span class='legend' style='--colour:{line.colour}'>{escape(line.label)} <b>{escape(line.last)}</b></span>"
            for line in panel.lines
        )
        parts.append(f"<section><header><h3>{escape(panel.title)}</h3>{legend}</header>{panel.svg}</section>")
    return f"<div class='panels'>{''.join(parts)}</div>"


def training(seen: Watched) -> str:
    """A training run, under way or over."""
    pictures = row(picture(seen.samples, "Newest samples"), picture(seen.real, "Real images"))
    return f"<p role='status'><b>{escape(seen.words)}</b></p>{pictures}{curves(seen.panels)}"
