"""All metrics of one set of samples against one reference, from features that were computed once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from sparring.core.errors import ConfigError, DataError
from sparring.core.wording import listing, near
from sparring.metric.balance import class_balance
from sparring.metric.check import check_features
from sparring.metric.frechet import frechet, intra_class, moments_per_class
from sparring.metric.inception_score import inception_score
from sparring.metric.kernel import kid, mean_of_pairs
from sparring.metric.memorisation import authentic_percent, distance_ratio, own_distance
from sparring.metric.moments import Moments
from sparring.metric.prdc import prdc, radius_of_balls

# Every metric in the order of tables, what it says, and whether more is better (None: a gauge, best near its floor).
METRICS: Mapping[str, tuple[str, bool | None]] = {
    "fd": ("Frechet distance", False),
    "kid": ("kernel distance (unbiased MMD^2)", False),
    "is": ("inception score", True),
    "precision": ("share of samples that look real", True),
    "recall": ("share of real images that the samples cover", True),
    "density": ("density of real images around samples", True),
    "coverage": ("share of real images with a sample near by", True),
    "ifd": ("Frechet distance within classes, mean", False),
    "authentic": ("AuthPct: % of samples that copy no training image", None),
    "ratio": ("nearest-neighbour distance to train over held-out", None),
    "balance": ("total variation of the predicted classes", False),
    "modes": ("predicted classes present", True),
    "agreement": ("share of samples predicted as the class asked for", True),
}
MEMORISATION = ("authentic", "ratio")  # the only ones that ask for features of the training images
_PRDC = ("precision", "recall", "density", "coverage")


@dataclass(frozen=True)
class Side:
    """Features of some images. logits: (N, K) where the extractor classifies into the data's classes, else None.

    label: (N,) int64, -1 where unknown. known: what `once` has computed from these images alone.
    """

    features: Tensor
    logits: Tensor | None
    label: Tensor
    known: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.features)

    def once(self, name: str, compute: Callable[[], Any]) -> Any:
        """`compute()`, which depends on these images alone, the first time: a reference is measured against many times."""
        if name not in self.known:
            self.known[name] = compute()
        return self.known[name]

    def __getitem__(self, rows: Tensor | slice) -> "Side":
        return Side(self.features[rows], None if self.logits is None else self.logits[rows], self.label[rows])


@dataclass(frozen=True)
class Reference:
    """real: the images that samples are held against. train, held_out: for memorisation; held_out has no training image."""

    real: Side
    train: Side
    held_out: Side
    num_classes: int


@dataclass(frozen=True)
class MetricValue:
    """value: None where the metric has none here, and then `reason` says why. more: parts of it, plain values."""

    value: float | None
    reason: str = ""
    more: dict[str, Any] = field(default_factory=dict)


def check_names(names: Sequence[str]) -> list[str]:
    """Raises ConfigError for a metric that there is not."""
    for name in names:
        if name not in METRICS:
            raise ConfigError(f"metric.names has no '{name}'{near(name, METRICS)} (there are {listing(METRICS)}).")
    if not names:
        raise ConfigError(f"metric.names is empty; choose some of {listing(METRICS)}.")
    return [name for name in METRICS if name in names]


def measure(fake: Side, reference: Reference, *, names: Sequence[str], k: int) -> dict[str, MetricValue]:
    """Each metric of `names` for the samples `fake`.

    A metric that cannot be computed from these images (a class is missing, too few of them) says so in place of a value.

    Raises:
        DataError: the features hold NaN, or there are fewer than two samples: no metric would mean anything.
    """
    check_features(fake.features, what="Features of the samples", at_least=2)
    groups = _PRDC if any(name in _PRDC for name in names) else ()
    neighbours = _attempt(lambda: _prdc(fake, reference.real, k)) if groups else {}
    found = {}
    for name in names:
        found[name] = neighbours[name] if name in _PRDC else _attempt_one(_COMPUTE[name], fake, reference)
    return found


def _attempt_one(compute: "Callable[[Side, Reference], MetricValue]", fake: Side, reference: Reference) -> MetricValue:
    try:
        return compute(fake, reference)
    except DataError as error:
        return MetricValue(None, str(error))


def _attempt(compute: Callable[[], dict[str, MetricValue]]) -> dict[str, MetricValue]:
    try:
        return compute()
    except DataError as error:
        return {name: MetricValue(None, str(error)) for name in _PRDC}


def _prdc(fake: Side, real: Side, k: int) -> dict[str, MetricValue]:
    radius = real.once(f"radius_{k}", lambda: radius_of_balls(real.features, k=k))
    result = prdc(fake.features, real.features, k=k, real_radius=radius)
    return {name: MetricValue(getattr(result, name), more={"k": k}) for name in _PRDC}


def _frechet(fake: Side, reference: Reference) -> MetricValue:
    real = reference.real
    result = frechet(Moments.of(fake.features), real.once("moments", lambda: Moments.of(real.features)))
    return MetricValue(result.value, more={"mean_term": result.mean_term, "singular": result.singular})


def _kid(fake: Side, reference: Reference) -> MetricValue:
    real = reference.real
    within = real.once("within", lambda: mean_of_pairs(real.features))
    return MetricValue(kid(fake.features, real.features, within_real=within))


def _inception_score(fake: Side, reference: Reference) -> MetricValue:
    if fake.logits is None:
        return MetricValue(None, "these features come with no class probabilities")
    return MetricValue(inception_score(fake.logits.double().softmax(1)).mean, more={"splits": 1})


def _intra(fake: Side, reference: Reference) -> MetricValue:
    if bool((fake.label < 0).all()):
        return MetricValue(None, "the samples carry no labels")
    real = reference.real.once("classes", lambda: moments_per_class(*_labelled(reference.real)))
    result = intra_class(moments_per_class(fake.features, fake.label), real)
    return MetricValue(result.value, more={"per_class": {str(c): each.value for c, each in result.per_class.items()}})


def _labelled(side: Side) -> tuple[Tensor, Tensor]:
    return side.features, side.label


def _authentic(fake: Side, reference: Reference) -> MetricValue:
    train = reference.train
    own = train.once("own", lambda: own_distance(train.features))
    return MetricValue(authentic_percent(fake.features, train.features, own=own))


def _ratio(fake: Side, reference: Reference) -> MetricValue:
    return MetricValue(distance_ratio(fake.features, reference.train.features, reference.held_out.features))


def _balance(fake: Side, reference: Reference) -> MetricValue:
    if (predicted := _predicted(fake, reference)) is None:
        return MetricValue(None, "these features come with no prediction of the data's classes")
    result = class_balance(predicted, _prior(reference))
    return MetricValue(result.total_variation, more={"counts": list(result.counts), "entropy": result.entropy})


def _modes(fake: Side, reference: Reference) -> MetricValue:
    if (predicted := _predicted(fake, reference)) is None:
        return MetricValue(None, "these features come with no prediction of the data's classes")
    return MetricValue(
        float(class_balance(predicted, _prior(reference)).modes), more={"classes": reference.num_classes}
    )


def _agreement(fake: Side, reference: Reference) -> MetricValue:
    predicted = _predicted(fake, reference)
    if predicted is None or bool((fake.label < 0).all()):
        return MetricValue(None, "needs labelled samples and features that predict the data's classes")
    known = fake.label >= 0
    right = (predicted == fake.label)[known].double()
    classes = fake.label[known]
    per_class = {str(k): float(right[classes == k].mean()) for k in classes.unique().tolist()}
    return MetricValue(float(right.mean()), more={"per_class": per_class})


def _predicted(fake: Side, reference: Reference) -> Tensor | None:
    if fake.logits is None or fake.logits.shape[1] != reference.num_classes:
        return None
    return fake.logits.argmax(1)


def _prior(reference: Reference) -> Tensor:
    label = reference.train.label
    return torch.bincount(label[label >= 0], minlength=reference.num_classes).double() / int((label >= 0).sum())


_COMPUTE: Mapping[str, Callable[[Side, Reference], MetricValue]] = {
    "fd": _frechet, "kid": _kid, "is": _inception_score, "ifd": _intra, "authentic": _authentic, "ratio": _ratio,
    "balance": _balance, "modes": _modes, "agreement": _agreement,
}  # fmt: skip
