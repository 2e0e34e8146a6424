"""Pictures of a classifier's answers on test: who is taken for whom, whether its confidence can be believed, what it misses."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparring.report.pictures import tiles

SIDE, LEFT, BOTTOM = 300, 48, 34  # of the reliability plot
MISTAKE_BYTES = 12_000  # of a missed image
MOST_CLASSES = 20  # of a matrix that is shown; beyond, the list of classes says the same


def confusion(result: Mapping[str, Any]) -> dict[str, Any] | None:
    """Rows of (class, cells) with each cell's count and share of the class, 0..1; None without a classifier or if too wide."""
    test = (result.get("classification") or {}).get("test")
    if test is None or len(test["confusion"]) > MOST_CLASSES:
        return None
    names = [str(name) for name in result["classes"]]
    rows = []
    for k, counts in enumerate(test["confusion"]):
        total = sum(counts) or 1
        cells = [{"count": count, "share": round(count / total, 3), "right": j == k} for j, count in enumerate(counts)]
        rows.append((names[k], cells))
    return {"names": names, "rows": rows}


def reliability(result: Mapping[str, Any]) -> str | None:
    """SVG of accuracy against confidence on test, the area of a dot by its images; None where it was not measured."""
    bins = ((result.get("classification") or {}).get("test") or {}).get("reliability")
    if not bins:
        return None
    inner, largest = SIDE - LEFT - 24, max(count for _, _, count in bins)

    def x(share: float) -> str:
        return f"{LEFT + inner * share:.1f}"

    def y(share: float) -> str:
        return f"{8 + (SIDE - BOTTOM - 8) * (1 - share):.1f}"

    parts = [f'<svg viewBox="0 0 {SIDE} {SIDE}" role="img" aria-label="Accuracy against confidence" font-size="12">']
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        text = f'fill="currentColor">{100 * tick:.0f} %</text>'
        parts.append(
            f'<path d="M{x(0)} {y(tick)}H{x(1)}" stroke="currentColor" stroke-opacity="0.15"/>'
            f'<text x="{LEFT - 5}" y="{float(y(tick)) + 4:.1f}" text-anchor="end" {text}'
        )
        if tick in (0.0, 0.5, 1.0):
            parts.append(f'<text x="{x(tick)}" y="{SIDE - BOTTOM + 16}" text-anchor="middle" {text}')
    parts.append(
        f'<path d="M{x(0)} {y(0)}L{x(1)} {y(1)}" stroke="currentColor" stroke-opacity="0.5" stroke-dasharray="4 4"/>'
    )
    points = " ".join(f"{x(confidence)},{y(accuracy)}" for confidence, accuracy, _ in bins)
    parts.append(f'<polyline points="{points}" fill="none" stroke="var(--line-1)" stroke-width="1.6"/>')
    for confidence, accuracy, count in bins:
        size = 2.5 + 6 * (count / largest) ** 0.5
        parts.append(
            f'<circle cx="{x(confidence)}" cy="{y(accuracy)}" r="{size:.1f}" fill="var(--line-1)" fill-opacity="0.75">'
            f"<title>{count:,} images: confidence {confidence:.1%}, accuracy {accuracy:.1%}</title></circle>"
        )
    parts.append(f'<text x="{x(0.5)}" y="{SIDE - 3}" text-anchor="middle" fill="currentColor">confidence</text>')
    return "".join(parts) + "</svg>"


def mistakes(result: Mapping[str, Any], images: Path) -> list[dict[str, str]]:
    """The test images that are missed with most confidence: what each is, what it is taken for, how surely, and its picture.

    Args:
        images: folder of the run's pictures.
    """
    found = ((result.get("classification") or {}).get("test") or {}).get("mistakes") or []
    names = [str(name) for name in result.get("classes") or ()]
    pictures = tiles(images / "mistakes.png", len(found), most_bytes=MISTAKE_BYTES) if found else []
    return [
        {
            "is": names[each["label"]],
            "answer": names[each["answer"]],
            "confidence": f"{each['confidence']:.1%}",
            "uri": uri,
        }
        for each, uri in zip(found, pictures, strict=False)
    ]
