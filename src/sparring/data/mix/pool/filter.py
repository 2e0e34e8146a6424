"""Which images of a pool are kept, by the scores of a classifier or of a discriminator.

Every rule is a pure function from scores to a mask; `chosen` applies those that are set, in the order of `RULES`.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sparring.core.errors import ConfigError, DataError
from sparring.core.randomness import generator
from sparring.data.mix.base import Context
from sparring.data.serving.provenance import Provenance

EPSILON = 1e-8  # keeps log(1 - exp(d - max)) finite at the maximum; the paper's 1e-14 is below float32's resolution
RULES = ("confidence", "agree", "rejection", "top")
KEYS = ("classifier", "discriminator", *RULES)


def check(settings: Mapping[str, Any], key: str = "data.mix.filter") -> None:
    """Check the rules of a filter.

    Args:
        settings: "classifier" and "discriminator" name runs, or are None; "confidence" (least probability of the label),
            "agree" (the classifier predicts the label), "rejection" (percentile of discriminator rejection sampling) and
            "top" (share kept per class) are the rules, None or False where they do not apply.
        key: of the section, for messages.

    Raises:
        ConfigError: an unknown key, a rule without its network, a network without a rule, or a number out of range.
    """
    if unknown := sorted(set(settings) - set(KEYS)):
        raise ConfigError(f"{key}.{unknown[0]} is unknown; give some of {', '.join(KEYS)}.")
    on = {rule for rule in RULES if settings.get(rule) not in (None, False)}
    c, d = settings.get("classifier"), settings.get("discriminator")
    if on & {"confidence", "agree"} and not c:
        raise ConfigError(
            f"{key}.{min(on & {'confidence', 'agree'})} needs {key}.classifier=<run of model=classifier>."
        )
    if "rejection" in on and not d:
        raise ConfigError(f"{key}.rejection needs {key}.discriminator=<run of a GAN>.")
    if "top" in on and bool(c) == bool(d):
        raise ConfigError(f"{key}.top ranks by one network: give {key}.classifier or {key}.discriminator.")
    if c and not on & {"confidence", "agree", "top"}:
        raise ConfigError(f"{key}.classifier={c} filters nothing alone: add confidence, agree or top.")
    if d and not on & {"rejection", "top"}:
        raise ConfigError(f"{key}.discriminator={d} filters nothing alone: add rejection or top.")
    for rule, low, high in (("confidence", 0, 1), ("top", 0, 1), ("rejection", 0, 100)):
        if rule in on and not low < settings[rule] <= high:
            raise ConfigError(f"{key}.{rule}={settings[rule]} must be above {low} and at most {high}.")


def chosen(
    image: Tensor, label: Tensor, settings: Mapping[str, Any], context: Context
) -> tuple[Tensor, list[Provenance], dict[str, Any]]:
    """Apply the rules that are set.

    Args:
        image: (N, C, H, W) uint8.
        label: (N,) int64.
        settings: as `check` takes them.
        context: gives the networks.

    Returns:
        Rows that are kept, ascending; provenance of the networks; plain values for the record.

    Raises:
        DataError: no image is kept.
    """
    keep = torch.ones(len(label), dtype=torch.bool)
    records: list[Provenance] = []
    origin: dict[str, Any] = {"before": len(label)}
    rank = torch.zeros(len(label))
    if run := settings.get("classifier"):
        network = context.runs.classifier(run, context, "data.mix.filter.classifier")
        probability = network.score(image, label).softmax(1)
        rank = probability.gather(1, label[:, None])[:, 0]
        records, origin["classifier"] = [*records, *network.provenance], network.origin
        if settings.get("confidence") is not None:
            keep &= rank >= settings["confidence"]
            origin["after_confidence"] = int(keep.sum())
        if settings.get("agree"):
            keep &= probability.argmax(1) == label
            origin["after_agree"] = int(keep.sum())
    if run := settings.get("discriminator"):
        network = context.runs.discriminator(run, context, "data.mix.filter.discriminator")
        rank = network.score(image, label)
        records, origin["discriminator"] = [*records, *network.provenance], network.origin
        if settings.get("rejection") is not None:
            uniform = torch.rand(len(label), generator=generator("rejection", context.seed))
            keep &= uniform < acceptance(rank, settings["rejection"])
            origin["after_rejection"] = int(keep.sum())
    if settings.get("top") is not None:
        keep &= top_share(rank, label, keep, settings["top"])
        origin["after_top"] = int(keep.sum())
    kept = keep.nonzero().flatten()
    if not len(kept):
        raise DataError(f"data.mix.filter keeps none of {len(label)} images: loosen it, or give more images.")
    return kept, records, origin | {"kept": len(kept), "kept_fraction": len(kept) / len(label)}


def acceptance(logit: Tensor, percentile: float) -> Tensor:
    """Discriminator rejection sampling (Azadi et al. 2019, equation 8): the probability (N,) to keep each sample.

    It is sigmoid(F), F = d - M - log(1 - exp(d - M - epsilon)) - gamma, with M the largest logit.

    Args:
        logit: (N,) of D before the sigmoid, which estimates log p_data / p_g where D was trained with a cross-entropy loss;
            for other losses it is a score without that meaning.
        percentile: gamma is this percentile, 0 to 100, of the rest of F.
    """
    difference = (logit - logit.max()).double()
    raw = difference - torch.log1p(-(difference - EPSILON).exp())
    return torch.sigmoid(raw - torch.quantile(raw, percentile / 100)).float()


def top_share(score: Tensor, label: Tensor, among: Tensor, share: float) -> Tensor:
    """(N,) bool: per class the round(share * n) best of the n in `among`, at least one; of equal scores the first.

    Args:
        score: (N,), higher is better.
        label: (N,) int64.
        among: (N,) bool, the images to choose from.
        share: 0 to 1.
    """
    mask = torch.zeros_like(among)
    for k in label.unique().tolist():
        index = (among & (label == k)).nonzero().flatten()
        if len(index):
            order = score[index].argsort(descending=True, stable=True)
            mask[index[order[: max(1, round(share * len(index)))]]] = True
    return mask
