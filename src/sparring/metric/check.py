"""Checks of the input of every metric: features must be a matrix of finite numbers with enough rows."""

from torch import Tensor

from sparring.core.errors import ConfigError, DataError


def check_features(features: Tensor, *, what: str, at_least: int = 1) -> None:
    """Refuse anything but (N, D) finite floats with N >= at_least.

    Args:
        features: to be checked.
        what: beginning of the error's sentence, such as "Features of the samples".
        at_least: rows that the metric needs.

    Raises:
        DataError: NaN or infinity, or too few rows. ConfigError: another shape or type.
    """
    if features.ndim != 2 or not features.is_floating_point():
        raise ConfigError(
            f"{what} are {features.dtype} of shape {tuple(features.shape)}, expected floats of shape (N, D)."
        )
    if len(features) < at_least:
        raise DataError(f"{what} are {len(features)} rows, this metric needs {at_least} or more: give more images.")
    broken = ~features.isfinite().all(dim=1)
    if bool(broken.any()):
        first = int(broken.nonzero()[0])
        raise DataError(
            f"{what} hold NaN or infinity in {int(broken.sum())} of {len(features)} rows (first: row {first}): the images"
            " or the feature network are broken; look at that image."
        )


def check_pair(fake: Tensor, real: Tensor, *, at_least: int = 1) -> None:
    """`check_features` of both sides, which must have the same D. Raises ConfigError where they have not."""
    check_features(fake, what="Features of the fakes", at_least=at_least)
    check_features(real, what="Features of the reference", at_least=at_least)
    if fake.shape[1] != real.shape[1]:
        raise ConfigError(
            f"The fakes have {fake.shape[1]} features and the reference {real.shape[1]}: use one extractor for both."
        )
