"""How far a map says what the network looks at: deletion, insertion, infidelity, completeness.

Shape legend: N images, K logits, P pixels of an image, T points of a curve.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sparring.attribution.base import ROWS, scores
from sparring.core.modules import frozen_eval
from sparring.core.randomness import uniform

Probability = Callable[[Tensor, Tensor], Tensor]  # logits (N, K), target (N,) -> (N,) in [0, 1]


def softmax_probability(logits: Tensor, target: Tensor) -> Tensor:
    """(N,) the target's softmax."""
    return logits.softmax(1).gather(1, target[:, None]).squeeze(1)


def sigmoid_probability(logits: Tensor, target: Tensor) -> Tensor:
    """(N,) the sigmoid of the target's logit: a discriminator's belief that an image is real."""
    return logits.gather(1, target[:, None]).squeeze(1).sigmoid()


def area(curve: Tensor) -> Tensor:
    """Area under curves (..., T) over equal steps from 0 to 1, by the trapezoid rule.

    A constant curve c has area c, a line from 1 to 0 has 1/2, one that falls from 1 to 0 in its first of n steps 1/(2n).
    """
    return (curve.sum(-1) - (curve[..., 0] + curve[..., -1]) / 2) / (curve.shape[-1] - 1)


def blurred(image: Tensor) -> Tensor:
    """Images (N, C, H, W) under a Gaussian of an eighth of their side: where insertion begins (Petsiuk et al. 2018)."""
    side = image.shape[-1]
    sigma, reach = side / 8, max(1, min(side - 1, 3 * side // 8))
    line = torch.exp(-torch.arange(-reach, reach + 1, device=image.device).square() / (2 * sigma**2)).to(image)
    line, channels = line / line.sum(), image.shape[1]
    padded = F.pad(image, (reach, reach, reach, reach), mode="reflect")
    across = F.conv2d(padded, line.view(1, 1, 1, -1).expand(channels, -1, -1, -1), groups=channels)
    return F.conv2d(across, line.view(1, 1, -1, 1).expand(channels, -1, -1, -1), groups=channels)


def replacement_curve(
    network: nn.Module,
    before: Tensor,
    after: Tensor,
    order: Tensor,
    target: Tensor,
    probability: Probability,
    *,
    steps: int,
) -> Tensor:
    """(N, steps + 1): the target's probability while `before` turns into `after`, pixel by pixel.

    Deletion goes from the image to a baseline, insertion from a blurred image to the image.

    Args:
        before, after: (N, C, H, W) in [-1, 1].
        order: (N, P) int64, the pixels by importance, most important first.
        steps: pieces; piece t ends when round(t P / steps) pixels are replaced.
    """
    n, pixels = order.shape
    place = torch.empty_like(order).scatter_(1, order, torch.arange(pixels, device=order.device).expand(n, -1))
    place = place.view(n, 1, *before.shape[2:])
    points = []
    with torch.no_grad(), frozen_eval(network):
        for step in range(steps + 1):
            mixed = torch.where(place < round(step * pixels / steps), after, before)
            parts = zip(mixed.split(ROWS), target.split(ROWS), strict=True)
            points.append(torch.cat([probability(network(x).float(), y) for x, y in parts]))
    return torch.stack(points, 1)


def importance_order(attribution: Tensor) -> Tensor:
    """(N, P) pixels of maps (N, H, W), most important first; ties in reading order."""
    return attribution.flatten(1).argsort(dim=1, descending=True, stable=True)


def infidelity(
    network: nn.Module, image: Tensor, attribution: Tensor, target: Tensor, *,
    baseline: Tensor, index: Tensor, seed: int, samples: int,
) -> Tensor:  # fmt: skip
    """(N,) in [0, 1]: share of the changes of the logit that a map does not account for; 0 is perfect.

    The expected squared error of Yeh et al. 2019 ("On the (In)fidelity and Sensitivity of Explanations", definition 2.1)
    between the map's sum over random squares and the fall of the logit when these show the baseline, with the best scale
    >= 0 of the map, over the mean square of the falls. A map that says nothing has 1.

    Args:
        attribution: (N, H, W).
        samples: squares per image, drawn from (seed, index), with sides of a quarter to a half of the image's.
    """
    height, width = image.shape[2:]
    whole = scores(network, image, target)
    sums, falls = [], []
    for draw in range(samples):
        hidden = _squares(image, height, width, index=index, seed=seed, draw=draw)  # (N, H, W) bool
        changed = torch.where(hidden[:, None], baseline.expand_as(image), image)
        with frozen_eval(network):
            falls.append(whole - scores(network, changed, target))
        sums.append((attribution * hidden).flatten(1).sum(1))
    said, fell = torch.stack(sums, 1).double(), torch.stack(falls, 1).double()
    scale = ((said * fell).sum(1) / said.square().sum(1).clamp(min=1e-30)).clamp(min=0)
    error = (scale[:, None] * said - fell).square().sum(1)
    return (error / fell.square().sum(1).clamp(min=1e-30)).clamp(max=1.0).float()


def _squares(image: Tensor, height: int, width: int, *, index: Tensor, seed: int, draw: int) -> Tensor:
    u = uniform(torch.empty(len(image), 3, dtype=torch.float32), "square", seed, draw, index=index).to(image.device)
    side = (0.25 + 0.25 * u[:, 0]) * min(height, width)
    top, left = u[:, 1] * (height - side), u[:, 2] * (width - side)
    y, x = torch.arange(height, device=image.device) + 0.5, torch.arange(width, device=image.device) + 0.5
    inside_y = (y >= top[:, None]) & (y < (top + side)[:, None])
    inside_x = (x >= left[:, None]) & (x < (left + side)[:, None])
    return inside_y[:, :, None] & inside_x[:, None, :]


def completeness(network: nn.Module, image: Tensor, attribution: Tensor, target: Tensor, *, baseline: Tensor) -> Tensor:
    """(N,) |sum of the map - (f(x) - f(baseline))|, in logits: 0 for exact integrated gradients."""
    with frozen_eval(network):
        change = scores(network, image, target) - scores(network, baseline.expand_as(image), target)
    return (attribution.flatten(1).sum(1) - change).abs()
