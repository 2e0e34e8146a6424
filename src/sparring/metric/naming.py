"""The name of a metric says what it was computed from; two values with different names are not comparable."""

from typing import TYPE_CHECKING

from sparring.core.errors import ConfigError

if TYPE_CHECKING:
    from sparring.metric.features.base import Features

STANDARD_COUNT = 50_000


def metric_name(metric: str, features: "Features", count: int, *, whole_train: bool = False) -> str:
    """`fd_classifier_10k`, `kid_lite0_2500`, ...; `fid50k` for the published protocol alone.

    Args:
        metric: key of `suite.METRICS`.
        features: the extractor.
        count: generated images.
        whole_train: whether the reference is the whole training split as published, nothing held out. With 50,000
            generated images and the published Inception weights and resize, "fd" is then called fid50k; a Frechet
            distance on anything else never is.

    Raises:
        ConfigError: a count below 1.
    """
    if count < 1:
        raise ConfigError(f"A metric of {count} images has no name: give 1 or more.")
    if metric == "fd" and features.standard and count == STANDARD_COUNT and whole_train:
        return "fid50k"
    return f"{metric}_{features.name}_{short(count)}"


def short(count: int) -> str:
    """10000 -> 10k, 2500 -> 2500."""
    return f"{count // 1000}k" if count >= 1000 and count % 1000 == 0 else str(count)
