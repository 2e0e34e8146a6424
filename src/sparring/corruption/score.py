"""Error under corruptions against a baseline."""

from collections.abc import Mapping, Sequence

from sparring.core.errors import ConfigError

Errors = Mapping[str, Sequence[float]]  # corruption -> error rate at severities 1 to 5


def mean_corruption_error(errors: Errors, baseline: Errors) -> float:
    """mCE (Hendrycks and Dietterich 2019, section 4.1): mean over corruptions of summed error / that of the baseline.

    1.0 is the baseline itself, less is better. A baseline without an error has no mCE.

    Raises:
        ConfigError: other corruptions than the baseline's, or a baseline that makes no error under one.
    """
    if errors.keys() != baseline.keys() or not errors:
        raise ConfigError(
            f"mCE compares the same corruptions, but one has {sorted(errors)} and the baseline {sorted(baseline)}."
        )
    perfect = [name for name, values in baseline.items() if not sum(values) > 0]
    if perfect:
        raise ConfigError(
            f"the baseline makes no error under {', '.join(perfect)}, so mCE is not defined; leave it out."
        )
    return sum(sum(errors[name]) / sum(baseline[name]) for name in errors) / len(errors)
