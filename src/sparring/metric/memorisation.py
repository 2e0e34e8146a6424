"""Does the generator repeat its training images? AuthPct, distances to nearest neighbours, and the neighbours themselves.

No number here proves memorisation or its absence (Stein et al. 2023, section 6): look at the pictures too.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.core.errors import DataError
from sparring.metric.check import check_features, check_pair
from sparring.metric.distances import CHUNK, nearest, neighbour_radius


@dataclass(frozen=True)
class Memorisation:
    """How near generated images (fakes) are to the training images.

    authentic: percent of fakes farther from their nearest training image than that one is from its own nearest (AuthPct).
    copies: share of fakes whose features equal a training image's exactly.
    ratio: median distance fake -> train over fake -> held-out at equal set sizes; about 1, below it when memorising.
    control: median distance fake -> train over held-out -> train; about 1 or more where the fakes are as diverse as the data.
    """

    authentic: float
    copies: float
    ratio: float
    control: float


def memorisation(fake: Tensor, train: Tensor, held_out: Tensor, *, chunk: int = CHUNK) -> Memorisation:
    """All four numbers.

    Args:
        fake: (N, D) features of generated images.
        train: (T, D) of training images, T >= 2.
        held_out: (H, D) of real images that no generator was trained on.
        chunk: rows of a block of distances.

    Raises:
        DataError: too few rows, NaN, or held-out images that repeat each other. ConfigError: different D.
    """
    check_pair(held_out, train)
    distance, index = nearest_train(fake, train, chunk=chunk)
    control = nearest(held_out, train, chunk=chunk)[0].median()
    return Memorisation(
        authentic=_authentic(distance[:, 0], index[:, 0], neighbour_distance(train, chunk=chunk)),
        copies=float((distance[:, 0] == 0).double().mean()),
        ratio=distance_ratio(fake, train, held_out, chunk=chunk),
        control=_quotient(distance[:, 0].median(), control),
    )


def nearest_train(fake: Tensor, train: Tensor, *, k: int = 1, chunk: int = CHUNK) -> tuple[Tensor, Tensor]:
    """Distances (N, k) float64 and rows (N, k) int64 of the k training images nearest to each fake, nearest first."""
    check_pair(fake, train)
    check_features(train, what="Features of the training images", at_least=k)
    return nearest(fake, train, k=k, chunk=chunk)


def authentic_percent(
    fake: Tensor, train: Tensor, *, chunk: int = CHUNK, train_distance: Tensor | None = None
) -> float:
    """AuthPct (Alaa et al. 2022, section 2.3), 0 to 100: high is good.

    Args:
        fake: (N, D).
        train: (T, D), T >= 2.
        chunk: rows of a block of distances.
        train_distance: `neighbour_distance(train)`, where it is known.
    """
    return authentic_and_copies(fake, train, train_distance, chunk=chunk)[0]


def authentic_and_copies(
    fake: Tensor, train: Tensor, train_distance: Tensor | None = None, *, chunk: int = CHUNK
) -> tuple[float, float]:
    """AuthPct, and the share [0, 1] of fakes at distance 0 from a training image; arguments as of `authentic_percent`."""
    distance, index = nearest_train(fake, train, chunk=chunk)
    if train_distance is None:
        train_distance = neighbour_distance(train, chunk=chunk)
    copies = float((distance[:, 0] == 0).double().mean())
    return _authentic(distance[:, 0], index[:, 0], train_distance), copies


def neighbour_distance(train: Tensor, *, chunk: int = CHUNK) -> Tensor:
    """(T,) float64 distance of each training image to its nearest other one. Raises DataError for T < 2, or NaN."""
    check_features(train, what="Features of the training images", at_least=2)
    return neighbour_radius(train, k=1, chunk=chunk).sqrt()


def _authentic(distance: Tensor, index: Tensor, train_distance: Tensor) -> float:
    return 100 * float((distance > train_distance[index]).double().mean())


def distance_ratio(fake: Tensor, train: Tensor, held_out: Tensor, *, chunk: int = CHUNK) -> float:
    """Median nearest-neighbour distance of the fakes to training images over that to held-out images.

    A larger set has nearer neighbours by size alone, so the training images are cut into interleaved parts as large as the
    smaller set, and a fake's distance is its mean over the parts; likewise the held-out images where they are more.
    """
    check_pair(fake, train)
    check_pair(fake, held_out)
    size = min(len(train), len(held_out))
    return _quotient(_median_over_parts(fake, train, size, chunk), _median_over_parts(fake, held_out, size, chunk))


def _median_over_parts(fake: Tensor, others: Tensor, size: int, chunk: int) -> Tensor:
    parts = len(others) // size
    distances = [nearest(fake, others[part : parts * size : parts], chunk=chunk)[0][:, 0] for part in range(parts)]
    return torch.stack(distances).mean(dim=0).median()


def _quotient(distance: Tensor, reference: Tensor) -> float:
    if float(reference) == 0:
        raise DataError(
            "Half of the held-out distances are 0: the held-out images repeat each other or the fakes and are no control;"
            " give other held-out images."
        )
    return float(distance / reference)
