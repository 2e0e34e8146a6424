"""Pseudo-labelled real images: those beyond the label subset, labelled by a classifier (Lee 2013)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from sparring.data.mix.base import Context, Mix, Pool, per_class
from sparring.data.mix.more_real import check_unused
from sparring.data.mix.pool import filter as filtering


class Pseudo(Mix):
    """Training images that the subset of labels leaves out, with the labels that a classifier predicts.

    Args:
        fraction: share of each batch that comes from the pool, 0 to 1.
        labeller: run of a classifier, trained on the labels of this run.
        filter: as `mix.pool.filter.check` takes it, by predicted labels.
        extra_labels: allow networks that used labels of training images which this run does not have.

    Raises:
        ConfigError: a rule of the filter that does not hold together.
    """

    def __init__(self, *, fraction: float, labeller: str, filter: Mapping[str, Any], extra_labels: bool) -> None:
        super().__init__(fraction=fraction)
        filtering.check(filter)
        self.labeller, self.filter, self.extra_labels = labeller, dict(filter), extra_labels

    def pool(self, context: Context) -> Pool:
        check_unused(context)
        network = context.runs.classifier(self.labeller, context, "data.mix.labeller")
        image, true = context.unused.take(torch.arange(len(context.unused)))
        predicted = network.score(image, true).argmax(1)
        kept, of_filter, record = filtering.chosen(image, predicted, self.filter, context)
        images = replace(context.unused.subset(kept), label=predicted[kept])
        origin: dict[str, Any] = {
            "labeller": network.origin,
            "filter": record,
            "correct_fraction": float((predicted[kept] == true[kept]).double().mean()),  # for the record alone
            "per_class": per_class(images.label, context.shape.num_classes),
        }
        return Pool(
            images, foreign=False, labelled=False, provenance=(*network.provenance, *of_filter), origin=origin,
            extra_labels=self.extra_labels,
        )  # fmt: skip
