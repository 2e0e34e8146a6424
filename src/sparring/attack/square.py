"""Square Attack: random squares, logits only (Andriushchenko et al. 2020, algorithms 1 to 3)."""

import math

import torch
from torch import Tensor, nn

from sparring.attack.base import Attack, is_correct, logits_at
from sparring.attack.math.norm_ball import Ball, length
from sparring.attack.math.objective import margin
from sparring.core.errors import ConfigError
from sparring.core.randomness import rows
from sparring.core.settings import at_least_one

BLOCK = 200  # queries whose random numbers are drawn at once
HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)  # of 10000 queries: the squares' area is halved after these
TILES = 5  # of the first L2 perturbation, in each direction


class Square(Attack):
    """At most `queries` queries per image; a proposal is kept if it lowers the classifier's margin. Needs no gradient.

    Args:
        queries: images that the model classifies, per image, at most.
        area: share of the image that the first squares cover, (0, 1] (0.8 in AutoAttack).
    """

    needs_gradient = False

    def __init__(self, *, norm: str, epsilon: float | str, queries: int, area: float) -> None:
        super().__init__(norm=norm, epsilon=epsilon)
        at_least_one(queries=queries)
        if not 0 < area <= 1:
            raise ConfigError(f"area={area} is no share of the image; give a number above 0 and at most 1.")
        self.queries, self.area = queries, area

    def perturb(self, model: nn.Module, allowed: Ball, label: Tensor, index: Tensor, seed: int) -> Tensor:
        result = allowed.image.clone()
        first, propose = (stripes, squares) if self.norm == "linf" else (tiles, moved_mass)
        logits = logits_at(model, result)
        place = is_correct(logits, label).nonzero().squeeze(1)
        numbers = torch.empty(len(result), BLOCK, 4 + 2 * result.shape[1], device=result.device)
        x, worst = result[place], margin(logits, label)[place]
        allowed = allowed.take(place)
        for query in range(self.queries):
            if not len(place):
                break
            if query == 0:
                proposal = first(allowed, seed, index[place.cpu()])
            else:
                if (query - 1) % BLOCK == 0:
                    numbers[place] = _numbers(numbers, seed, query, index[place.cpu()])
                side = side_of_square(self.area, query, self.queries, x.shape[2:])
                proposal = propose(allowed, x, side, numbers[place, (query - 1) % BLOCK])
            logits = logits_at(model, proposal)
            loss, kept = margin(logits, label[place]), is_correct(logits, label[place])
            better = (loss > worst) | (query == 0)
            x = torch.where(better[:, None, None, None], proposal, x)
            worst = torch.where(better, loss, worst)
            if not bool(kept.all()):
                result[place[~kept]] = proposal[~kept]
                place, x, worst, allowed = place[kept], x[kept], worst[kept], allowed.take(kept)
        result[place] = x
        return result


def side_of_square(area: float, query: int, queries: int, size: torch.Size) -> int:
    """Pixels along each side of the squares at one of `queries` queries; size: (H, W) of the images.

    Their area halves after the paper's numbers of queries, scaled from 10,000 to `queries`.
    """
    halved = sum(query * 10000 / queries > step for step in HALVINGS)
    side = round(math.sqrt(area / 2**halved * size[0] * size[1]))
    return max(1, min(side, min(size) - 1))


def stripes(allowed: Ball, seed: int, index: Tensor) -> Tensor:
    """Vertical stripes one pixel wide, each channel at one of the two edges of the ball; (N, C, H, W)."""
    image = allowed.image
    chosen = rows(torch.rand, (image.shape[1], 1, image.shape[3]), "square", "stripes", seed, index=index)
    return allowed.project(image + allowed.radius * _sign(chosen.to(image.device)))


def squares(allowed: Ball, x: Tensor, side: int, number: Tensor) -> Tensor:
    """A square of each image x (N, C, H, W) moved to an edge of the ball, chosen per channel (algorithm 2).

    number: (N, 4 + 2 C), uniform on [0, 1).
    """
    edge = allowed.project(allowed.image + allowed.radius * _sign(number[:, 4 : 4 + x.shape[1], None, None]))
    inside, _, _ = window(number[:, 0], number[:, 1], side, x.shape[2:])
    return torch.where(inside[:, None], edge, x)


def tiles(allowed: Ball, seed: int, index: Tensor) -> Tensor:
    """A grid of bumps with random signs, of the radius's length (the start in section 4.2 of the paper); (N, C, H, W)."""
    image = allowed.image
    _, channels, height, width = image.shape
    side = max(1, min(height, width) // TILES)
    shape = (channels, -(-height // side), -(-width // side), 2)
    chosen = rows(torch.rand, shape, "square", "tiles", seed, index=index).to(image.device)
    upright = two_bumps(side, image.device)
    turned = (chosen[..., 1, None, None] < 0.5).float()
    pattern = (turned * upright + (1 - turned) * upright.T) * _sign(chosen[..., 0, None, None])
    # (N, C, rows, columns, side, side) -> one picture, cut to the image's size
    whole = pattern.permute(0, 1, 2, 4, 3, 5).flatten(4, 5).flatten(2, 3)[:, :, :height, :width]
    return allowed.project(image + allowed.radius * whole / length(whole))


def moved_mass(allowed: Ball, x: Tensor, side: int, number: Tensor) -> Tensor:
    """The norm of the change in one square, and what the ball has left, moved to another, with a bump (algorithm 3).

    x: (N, C, H, W). number: (N, 4 + 2 C), uniform on [0, 1).
    """
    side = max(side + 1 - side % 2, 3) if min(x.shape[2:]) > 3 else side  # odd: the bump has a centre
    change = x - allowed.image
    into, top, left = window(number[:, 0], number[:, 1], side, x.shape[2:])
    out, _, _ = window(number[:, 2], number[:, 3], side, x.shape[2:])
    into, out = into[:, None], out[:, None]
    unused = (allowed.radius**2 - change.square().sum((1, 2, 3), keepdim=True)).clamp_(min=0)
    bump = two_bumps(side, x.device)
    placed = bump[top[:, :, None], left[:, None, :]]
    turned = bump.T[top[:, :, None], left[:, None, :]]
    channels = x.shape[1]
    bump = torch.where(number[:, 4 + channels :, None, None] < 0.5, placed[:, None], turned[:, None]) * into
    inside = change * into
    fresh = bump / _norm(bump) * _sign(number[:, 4 : 4 + channels, None, None]) + inside / _norm(inside)
    available = ((change * (into | out)).square().sum((2, 3), keepdim=True) + unused / channels).sqrt()
    change = torch.where(into, fresh / _norm(fresh) * available, torch.where(out, 0.0, change))
    return allowed.project(allowed.image + change)


def window(row: Tensor, column: Tensor, side: int, size: torch.Size) -> tuple[Tensor, Tensor, Tensor]:
    """A square per image at a place given by two numbers (N,) in [0, 1).

    Returns:
        (N, H, W) bool, whether a pixel is inside; (N, H) and (N, W), its row and column in the square, clamped to 0..side-1.
    """
    places, inside = [], []
    for number, pixels in ((row, size[0]), (column, size[1])):
        start = (number * (pixels - side + 1)).long().clamp_(max=pixels - side)
        offset = torch.arange(pixels, device=number.device) - start[:, None]
        inside.append((offset >= 0) & (offset < side))
        places.append(offset.clamp(0, side - 1))
    return inside[0][:, :, None] & inside[1][:, None, :], places[0], places[1]


def two_bumps(side: int, device: torch.device) -> Tensor:
    """(side, side): a bump of one sign in the upper half, one of the other below (equation 2 of the paper)."""
    upper = side // 2
    parts = [bump(upper, side, device), -bump(side - upper, side, device)]
    whole = torch.cat([part for part in parts if len(part)])
    return whole / whole.norm()


def bump(height: int, width: int, device: torch.device) -> Tensor:
    """(height, width): rings that fall off from the middle; ring k from the edge has sum over j <= k of 1 / (n + 1 - j)^2."""
    row = (torch.arange(height, device=device) - height // 2).abs()
    column = (torch.arange(width, device=device) - width // 2).abs()
    last = width // 2
    ring = torch.maximum(row[:, None] * max(1, width // max(1, height)), column[None, :]).clamp(max=last)
    terms = 1 / (last + 1 - torch.arange(last + 1, device=device)).float() ** 2
    return terms.cumsum(0)[last - ring]


def _numbers(like: Tensor, seed: int, query: int, index: Tensor) -> Tensor:
    """(N, BLOCK, 4 + 2 C) uniform: two corners of two squares, a sign and a turn per channel."""
    return rows(torch.rand, like.shape[1:], "square", seed, query, index=index).to(like.device)


def _sign(number: Tensor) -> Tensor:
    return torch.where(number < 0.5, -1.0, 1.0)


def _norm(x: Tensor) -> Tensor:
    """L2 norm of each channel; 1 in place of 0, so that nothing divided by it stays nothing."""
    size = x.square().sum((2, 3), keepdim=True).sqrt_()
    return torch.where(size > 0, size, 1.0)
