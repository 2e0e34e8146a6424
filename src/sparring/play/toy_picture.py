"""The game on points as one SVG: what D believes as ground, real and generated points, and where G's next step pulls."""

import math

import numpy as np
from torch import Tensor

from sparring.play.html import uri
from sparring.play.toy import ToyView

SIDE = 460  # of the square, in units of the drawing
ARROW = 34  # length of the longest arrow, in these units
SHORTEST = 1.5  # arrows below are left out
FAKE_GROUND, REAL_GROUND = (
    np.array([108, 52, 131]),
    np.array([17, 122, 101]),
)  # D takes points here for generated, for real


def svg(view: ToyView) -> str:
    """An inline SVG on a dark ground, the same in light and dark; its title says what it shows."""
    steps, losses = view.steps, ["-" if loss is None else f"{loss:.3f}" for loss in view.losses]
    title = f"After {steps[0]} D steps and {steps[1]} G steps: loss of D {losses[0]}, of G {losses[1]}"
    longest = max(float(view.pull.norm(dim=1).max()), 1e-12)
    parts = [_ground(view.belief)]
    parts += [f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3' class='real'/>" for x, y in _places(view.real)]
    for (x, y), (dx, dy) in zip(_places(view.fake), view.pull.tolist(), strict=True):
        parts.append(f"<rect x='{x - 2.6:.1f}' y='{y - 2.6:.1f}' width='5.2' height='5.2' class='fake'/>")
        parts.append(_arrow(x, y, ARROW * dx / longest, -ARROW * dy / longest))
    return (
        f"<figure class='toy'><svg viewBox='0 0 {SIDE} {SIDE}' role='img' aria-label='{title}'>{''.join(parts)}</svg>"
        "<figcaption><span class='key real'></span>real <span class='key fake'></span>generated, with an arrow to where a "
        "step of G pulls it. Ground: green where D takes points for real, violet for generated.</figcaption></figure>"
        f"<p role='status'>{title}.</p>"
    )


def _places(points: Tensor) -> list[tuple[float, float]]:
    return [((x + 1) / 2 * SIDE, (1 - y) / 2 * SIDE) for x, y in points.tolist()]


def _ground(belief: Tensor) -> str:
    share = belief.numpy()[::-1, :, None]
    pixels = np.round(0.62 * (FAKE_GROUND * (1 - share) + REAL_GROUND * share)).astype(np.uint8)
    return f"<image href='{uri(pixels)}' width='{SIDE}' height='{SIDE}' preserveAspectRatio='none'/>"


def _arrow(x: float, y: float, dx: float, dy: float) -> str:
    length = math.hypot(dx, dy)
    if length < SHORTEST:
        return ""
    head = min(5.0, length / 2)
    back, side = (dx / length * head, dy / length * head), (-dy / length * head / 2, dx / length * head / 2)
    tip = x + dx, y + dy
    left, right = ((tip[0] - back[0] + sign * side[0], tip[1] - back[1] + sign * side[1]) for sign in (1, -1))
    drawn = [("M", (x, y)), ("L", tip), ("M", left), ("L", tip), ("L", right)]
    return f"<path class='pull' d='{''.join(f'{move}{px:.1f} {py:.1f}' for move, (px, py) in drawn)}'/>"
