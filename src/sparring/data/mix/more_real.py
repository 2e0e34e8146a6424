"""The ceiling: training images beyond the label subset, with their true labels."""

from sparring.core.errors import ConfigError
from sparring.data.mix.base import Context, Mix, Pool, per_class


class MoreReal(Mix):
    """All images of the train split that data.labels_per_class, data.label_fraction or data.imbalance leave out."""

    def pool(self, context: Context) -> Pool:
        check_unused(context)
        origin = {"per_class": per_class(context.unused.label, context.shape.num_classes)}
        return Pool(context.unused, foreign=False, labelled=True, provenance=(), origin=origin)


def check_unused(context: Context) -> None:
    """Raise ConfigError where the run uses all training images already."""
    if not len(context.unused):
        raise ConfigError(
            "data.mix takes training images beyond those in use, and all are in use: set data.labels_per_class,"
            " data.label_fraction or data.imbalance."
        )
