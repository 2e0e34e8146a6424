"""Every metric of one set of samples against one reference, from features that are extracted once.

Shape legend: N samples or images, D features, K classes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from sparring.core.errors import ConfigError, DataError
from sparring.core.wording import listing, near
from sparring.metric.balance import class_balance
from sparring.metric.check import check_features
from sparring.metric.diversity import intra_class_diversity, within_class_variance
from sparring.metric.frechet import frechet, intra_class, moments_per_class
from sparring.metric.inception_score import inception_score
from sparring.metric.kernel import kid, mean_of_pairs
from sparring.metric.memorisation import authentic_and_copies, distance_ratio, neighbour_distance
from sparring.metric.moments import Moments
from sparring.metric.prdc import prdc, radius_of_balls


class MetricInfo(NamedTuple):
    """description: one line for tables. higher_is_better: None for a diagnostic, best near its real-data reference."""

    description: str
    higher_is_better: bool | None


# In the order of tables.
METRICS: Mapping[str, MetricInfo] = {
    "fd": MetricInfo("Frechet distance", False),
    "kid": MetricInfo("kernel distance (unbiased MMD^2)", False),
    "is": MetricInfo("inception score", True),
    "precision": MetricInfo("share of samples that look real", True),
    "recall": MetricInfo("share of real images that the samples cover", True),
    "density": MetricInfo("density of real images around samples", True),
    "coverage": MetricInfo("share of real images with a sample near by", True),
    "ifd": MetricInfo("Frechet distance within classes, mean", False),
    "authentic": MetricInfo("AuthPct: % of samples that copy no training image", None),
    "ratio": MetricInfo("nearest-neighbour distance to train over held-out", None),
    "balance": MetricInfo("total variation of the predicted classes", False),
    "modes": MetricInfo("predicted classes present", True),
    "agreement": MetricInfo("share of samples predicted as the class asked for", True),
    "diversity": MetricInfo("variance within classes over that of real images; near 0: collapsed", None),
}
MEMORISATION = ("authentic", "ratio")  # the only ones that need features of the training images
_PRDC = ("precision", "recall", "density", "coverage")
_NO_PREDICTION = "these features come with no prediction of the data's classes"


@dataclass(frozen=True)
class ImageFeatures:
    """What an extractor and the data say about N images.

    features: (N, D) float32.
    logits: (N, K) float32 where the extractor is a classifier, else None.
    label: (N,) int64, -1 where unknown.
    cache: results of `cached`.
    """

    features: Tensor
    logits: Tensor | None
    label: Tensor
    cache: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.features)

    def cached(self, key: str, compute: Callable[[], Any]) -> Any:
        """The result of `compute`, a function of these images alone, once per `key`: one reference serves many samples."""
        if key not in self.cache:
            self.cache[key] = compute()
        return self.cache[key]

    def __getitem__(self, rows: Tensor | slice) -> "ImageFeatures":
        return ImageFeatures(self.features[rows], None if self.logits is None else self.logits[rows], self.label[rows])


@dataclass(frozen=True)
class Reference:
    """Real images that samples are compared with.

    real: the split that is measured against.
    train, held_out: for the memorisation metrics and the class shares; no image of held_out is in train.
    num_classes: K of the data set.
    """

    real: ImageFeatures
    train: ImageFeatures
    held_out: ImageFeatures
    num_classes: int


@dataclass(frozen=True)
class MetricValue:
    """value: None where the metric has none for these images; `reason` then says why. more: its parts, plain values."""

    value: float | None
    reason: str = ""
    more: dict[str, Any] = field(default_factory=dict)


def check_names(names: Sequence[str]) -> list[str]:
    """The given metrics in the order of METRICS.

    Raises:
        ConfigError: an unknown name, or none at all.
    """
    for name in names:
        if name not in METRICS:
            raise ConfigError(f"metric.names has no '{name}'{near(name, METRICS)} (there are {listing(METRICS)}).")
    if not names:
        raise ConfigError(f"metric.names is empty; choose some of {listing(METRICS)}.")
    return [name for name in METRICS if name in names]


def measure(samples: ImageFeatures, reference: Reference, *, names: Sequence[str], k: int) -> dict[str, MetricValue]:
    """Compute each metric of `names` for the samples.

    A metric that these images do not allow (a class is missing, too few images) gives its reason in place of a value.

    Args:
        samples: N >= 2 generated images.
        reference: real images in the same features.
        names: keys of METRICS.
        k: neighbours of precision, recall, density and coverage.

    Raises:
        DataError: the features hold NaN, or there are fewer than two samples, so that no metric would mean anything.
    """
    check_features(samples.features, what="Features of the samples", at_least=2)
    neighbours = _prdc_or_reason(samples, reference.real, k) if set(names) & set(_PRDC) else {}
    return {
        name: neighbours[name] if name in _PRDC else _value_or_reason(_COMPUTE[name], samples, reference)
        for name in names
    }


def _value_or_reason(
    compute: "Callable[[ImageFeatures, Reference], MetricValue]", samples: ImageFeatures, reference: Reference
) -> MetricValue:
    try:
        return compute(samples, reference)
    except DataError as error:
        return MetricValue(None, str(error))


def _prdc_or_reason(samples: ImageFeatures, real: ImageFeatures, k: int) -> dict[str, MetricValue]:
    try:
        radius = real.cached(f"radius_{k}", lambda: radius_of_balls(real.features, k=k))
        result = prdc(samples.features, real.features, k=k, real_radius=radius)
    except DataError as error:
        return {name: MetricValue(None, str(error)) for name in _PRDC}
    return {name: MetricValue(getattr(result, name), more={"k": k}) for name in _PRDC}


def _frechet(samples: ImageFeatures, reference: Reference) -> MetricValue:
    real = reference.real
    result = frechet(Moments.of(samples.features), real.cached("moments", lambda: Moments.of(real.features)))
    return MetricValue(result.value, more={"mean_term": result.mean_term, "singular": result.singular})


def _kid(samples: ImageFeatures, reference: Reference) -> MetricValue:
    real = reference.real
    within = real.cached("within", lambda: mean_of_pairs(real.features))
    return MetricValue(kid(samples.features, real.features, within_real=within))


def _inception_score(samples: ImageFeatures, reference: Reference) -> MetricValue:
    if samples.logits is None:
        return MetricValue(None, "these features come with no class probabilities")
    return MetricValue(inception_score(samples.logits.double().softmax(1)).mean, more={"splits": 1})


def _intra_class(samples: ImageFeatures, reference: Reference) -> MetricValue:
    if bool((samples.label < 0).all()):
        return MetricValue(None, "the samples carry no labels")
    real = reference.real.cached("classes", lambda: moments_per_class(reference.real.features, reference.real.label))
    result = intra_class(moments_per_class(samples.features, samples.label), real)
    return MetricValue(result.value, more={"per_class": {str(c): each.value for c, each in result.per_class.items()}})


def _authentic(samples: ImageFeatures, reference: Reference) -> MetricValue:
    train = reference.train
    distance = train.cached("neighbour", lambda: neighbour_distance(train.features))
    value, copies = authentic_and_copies(samples.features, train.features, distance)
    return MetricValue(value, more={"copies": copies})


def _ratio(samples: ImageFeatures, reference: Reference) -> MetricValue:
    return MetricValue(distance_ratio(samples.features, reference.train.features, reference.held_out.features))


def _balance(samples: ImageFeatures, reference: Reference) -> MetricValue:
    if (predicted := _predicted(samples, reference)) is None:
        return MetricValue(None, _NO_PREDICTION)
    result = class_balance(predicted, _prior(reference))
    return MetricValue(result.total_variation, more={"counts": list(result.counts), "entropy": result.entropy})


def _modes(samples: ImageFeatures, reference: Reference) -> MetricValue:
    if (predicted := _predicted(samples, reference)) is None:
        return MetricValue(None, _NO_PREDICTION)
    return MetricValue(
        float(class_balance(predicted, _prior(reference)).modes), more={"classes": reference.num_classes}
    )


def _agreement(samples: ImageFeatures, reference: Reference) -> MetricValue:
    predicted = _predicted(samples, reference)
    if predicted is None or bool((samples.label < 0).all()):
        return MetricValue(None, "needs labelled samples and features that predict the data's classes")
    labelled = samples.label >= 0
    correct, classes = (predicted == samples.label)[labelled].double(), samples.label[labelled]
    per_class = {str(k): float(correct[classes == k].mean()) for k in classes.unique().tolist()}
    return MetricValue(float(correct.mean()), more={"per_class": per_class})


def _diversity(samples: ImageFeatures, reference: Reference) -> MetricValue:
    def variance(images: ImageFeatures) -> Tensor:
        labelled = images[images.label >= 0]
        return within_class_variance(labelled.features, labelled.label, reference.num_classes)

    if bool((samples.label < 0).all()):
        return MetricValue(None, "the samples carry no labels")
    real = reference.real.cached("within_class", lambda: variance(reference.real))
    return MetricValue(intra_class_diversity(variance(samples), real))


def _predicted(samples: ImageFeatures, reference: Reference) -> Tensor | None:
    """(N,) int64 predicted classes, None unless the extractor predicts the data's own classes."""
    if samples.logits is None or samples.logits.shape[1] != reference.num_classes:
        return None
    return samples.logits.argmax(1)


def _prior(reference: Reference) -> Tensor:
    """(K,) float64 share of each class among the labelled training images."""
    label = reference.train.label[reference.train.label >= 0]
    return torch.bincount(label, minlength=reference.num_classes).double() / len(label)


_COMPUTE: Mapping[str, Callable[[ImageFeatures, Reference], MetricValue]] = {
    "fd": _frechet, "kid": _kid, "is": _inception_score, "ifd": _intra_class, "authentic": _authentic, "ratio": _ratio,
    "balance": _balance, "modes": _modes, "agreement": _agreement, "diversity": _diversity,
}  # fmt: skip
