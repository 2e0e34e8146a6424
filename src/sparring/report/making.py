"""How the verbs came out that make something: images, files, a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sparring.report.figures import percent

Result = Mapping[str, Any]
WALKS = ("interpolation", "morph")  # of generate


@dataclass(frozen=True)
class Outcome:
    """words: a sentence without numbers of small print. figures: the numbers behind it, each with its interval."""

    words: str
    figures: str


def generate(result: Result) -> Outcome:
    files, count = result["files"], result["cost"]["images"]
    walked = [name for name in WALKS if name in files]
    formats = [name for name in files if name.removesuffix("_gif") not in walked]
    words = f"{count:,} images were drawn in {result['cost']['seconds']:.1f} s."
    figures = f"{count:,} images as {', '.join(formats)}; seeds and labels are in manifest.csv"
    figures += "".join(f"; {name} as {files[name]} and .gif" for name in walked)
    return Outcome(words, f"{figures}.")


def enhanced(result: Result) -> Outcome:
    rows = {row["version"]: row for row in result["comparison"] or ()}
    count = result["cost"]["images"]
    if not rows:
        return Outcome(f"{count:,} images were enhanced.", f"in {result['files']['folder']}/, listed in manifest.csv.")
    made, bicubic = rows["enhanced"], rows["bicubic"]
    better = "nearer to" if made["psnr"] > bicubic["psnr"] else "no nearer to"
    words = f"Enhanced images are {better} the originals than bicubic ones"
    low, high = made.get("psnr_interval") or (None, None)
    interval = "" if low is None else f" [{low:.2f}, {high:.2f}]"
    figures = f"PSNR {made['psnr']:.2f} dB{interval}, bicubic {bicubic['psnr']:.2f} dB, {count:,} images"
    if made["accuracy"] is not None:
        words += ", and the classifier gets " + ("more" if made["accuracy"] > bicubic["accuracy"] else "no more")
        words += " of them right"
        split = result["protocol"]["split"]
        shares = {
            name: percent(result["metrics"][f"{split}/accuracy/{name}"]) for name in ("enhanced", "bicubic", "original")
        }
        figures += f"; accuracy {shares['enhanced']}, bicubic {shares['bicubic']}, originals {shares['original']}"
    return Outcome(f"{words}.", f"{figures}.")


_OPENED = {"pt2": "PyTorch alone", "onnx": "ONNX runtimes", "hub": "sparring.from_pretrained"}


def exported(result: Result) -> Outcome:
    differences, files = result["differences"], result["files"]
    kinds = next(iter(differences.values()))
    words = f"{' and '.join(differences)} can be opened by {', '.join(_OPENED[kind] for kind in kinds)}; README.md says how."
    figures = ", ".join(
        f"{files[name][kind]} differs from the network by {worst:.1g} at most"
        for name, own in differences.items()
        for kind, worst in own.items()
    )
    pushed = f"; uploaded to {result['pushed']}" if "pushed" in result else ""
    return Outcome(words[0].upper() + words[1:], f"{figures}{pushed}.")


def reported(result: Result) -> Outcome:
    megabytes = result["bytes"] / 1e6
    size = f"{megabytes:.1f} MB" if megabytes >= 1 else f"{1000 * megabytes:.0f} kB"
    return Outcome(result["states"], f"{size}, written in {result['seconds']:.1f} s.")
