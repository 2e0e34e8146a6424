"""Do the maps depend on what the labels say? They are compared with those of a network that learned permuted ones.

Adebayo et al. 2018, "Sanity checks for saliency maps", section 4: a map that shows why a network answers as it does cannot look
the same for a network that has learned by heart which arbitrary label goes with which training image.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from sparring.attack.evaluation.evaluate import subset
from sparring.attribution.base import Attribution
from sparring.core.errors import ConfigError
from sparring.core.modules import frozen_eval
from sparring.core.pixels import normalise
from sparring.core.progress import tracked
from sparring.core.task import check_same_task
from sparring.core.types import TrainedNetwork
from sparring.explanation.attributions import maps_of
from sparring.explanation.images import ExplainedImages
from sparring.explanation.sanity import alike
from sparring.explanation.settings import ExplainSettings
from sparring.explanation.subject import Subject, logits_of
from sparring.trained.data import data_of
from sparring.trained.runs import Runs

LEARNED = 1000  # training images at most on which it is seen how many labels it has learned


def permuted_subject(
    methods: Mapping[str, Attribution], subject: Subject, image: Tensor, settings: ExplainSettings, runs: Runs
) -> tuple[Subject, float] | None:
    """The network of `permuted=<run>`, and the share of its permuted labels that it gives back; None where no run was given.

    Args:
        methods: which must apply to it.
        image: (1, C, H, W).

    Raises:
        ConfigError: the run was trained on true labels, no classifier is explained, or a method does not apply.
        CheckpointError, DataError: it holds no classifier, or one of other images or classes.
    """
    if settings.permuted is None:
        return None
    if subject.kind != "classifier":
        raise ConfigError(
            f"permuted={settings.permuted} is compared with a classifier; leave it out, or give subject=classifier."
        )
    loaded = runs.classifier(settings.permuted)
    check_same_task(
        f"permuted={settings.permuted}", loaded.task, other=f"run={settings.run}", wanted=subject.loaded.task,
        needs="give a classifier",
    )  # fmt: skip
    other = replace(subject, loaded=loaded, network=loaded.network.to(settings.device))
    for method in methods.values():
        method.check(other.network, image)
    return other, learned(loaded, settings, runs)


def permuted_record(
    given: tuple[Subject, float] | None, methods: Mapping[str, Attribution], maps: Mapping[str, Tensor],
    images: ExplainedImages, target: Tensor, settings: ExplainSettings,
) -> dict[str, Any] | None:  # fmt: skip
    """Rank correlation of the maps with those of the network that learned permuted labels; None where there is none.

    Args:
        given: as `permuted_subject` returns it.
        maps: (N, H, W) by method, of the network that is explained.

    Returns:
        `learned`, and for each method the mean correlation with sign (`signed`) and without (`absolute`); None where all maps of
        the other network are constant.
    """
    if given is None:
        return None
    other, share = given
    few, found = images.first(settings.sanity), {}
    for name, method in tracked(methods.items(), "methods on permuted labels"):
        made = maps_of(method, other, few, target[: settings.sanity], settings)
        signed, absolute = alike(maps[name][: settings.sanity], made)
        found[name] = {"signed": signed, "absolute": absolute}
    return {"run": other.loaded.origin["run"], "images": len(few.label), "learned": share, "methods": found}


def learned(loaded: TrainedNetwork, settings: ExplainSettings, runs: Runs) -> float:
    """Share of its permuted labels that a network gives back, over at most LEARNED of its training images.

    Raises:
        ConfigError: its labels are not permuted.
    """
    data = data_of(loaded.origin, runs, cache_dir=settings.cache_dir)
    if not data.split_settings.permuted_labels:
        raise ConfigError(
            f"permuted={settings.permuted} was trained on true labels; train one with data.permuted_labels=true, or leave it out."
        )
    image, label = data.whole("train")
    index = subset(len(label), LEARNED)
    with torch.no_grad(), frozen_eval(loaded.network):
        logits = logits_of(loaded.network, normalise(image[index]).to(settings.device))
    return float((logits.argmax(1).cpu() == label[index]).double().mean())
