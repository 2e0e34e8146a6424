"""Results that deserve a second look, as phrases: pure functions of the content of a `result.json`.

They become its `remarks`, which the last lines of a command and the pages show.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sparring.report.figures import Metric, of_kind

Result = Mapping[str, Any]

CHANCE = (
    0.1  # share of the way from chance to real images (or to 1), below which a classifier or a generator is at chance
)
COPIES = 0.01  # share of samples that are copies of training images
NEAR = 0.5  # distance to training images over that to held-out ones, below which samples look like copies

# Of a classifier that was trained without attacks: strength from which it is expected to lose, on colour and on grey images, and
# the share of its accuracy that it keeps at most.
UNSEEN_COLOUR, UNSEEN_GREY, KEPT = 8 / 255, 0.2, 0.5


def doubts(result: Result) -> list[str]:
    """What is suspicious in a result of train, evaluate or attack; empty where nothing is.

    Args:
        result: its content, with `metrics`, and with `classes`, `classification`, `records` or `attacks` where the verb has them.
    """
    found = [*_of_classifier(result), *_of_distances(result), *_of_records(result.get("records") or ())]
    found += _of_attacks(result)
    return list(dict.fromkeys(found))


def _of_classifier(result: Result) -> Iterator[str]:
    classes = len(result.get("classes") or ())
    accuracies = [(name, each) for name, each in of_kind(result["metrics"], "accuracy") if each["value"] is not None]
    if not accuracies:
        return
    if classes == 1:
        yield "the data have one class, so an accuracy of 100 % means nothing: choose two or more with data.classes"
        return
    name, accuracy = accuracies[-1]
    split, chance = name.partition("/")[0], 1 / max(classes, 1)
    answers = _answers((result.get("classification") or {}).get(split))
    if answers == 1:
        yield f"the classifier gives one class to every {split} image"
    elif classes and accuracy["value"] < chance + CHANCE * (1 - chance):
        yield (
            f"a {split} accuracy of {accuracy['value']:.1%} is at chance ({chance:.1%} with {classes} classes): "
            "were the labels shuffled, or the training too short"
        )


def _answers(table: Mapping[str, Any] | None) -> int:
    """How many classes the classifier predicts, from its confusion matrix; 0 where there is none."""
    if not table:
        return 0
    return sum(any(column) for column in zip(*table["confusion"], strict=True))


def _of_attacks(result: Result) -> Iterator[str]:
    """A classifier that never saw an attack and stands one that follows its gradients, at a strength where such ones fall."""
    classifier = result.get("classifier") or {}
    if classifier.get("adversarial_training") != "none" or result.get("defence"):
        return
    least = UNSEEN_COLOUR if classifier["channels"] == 3 else UNSEEN_GREY
    clean, found = result["clean"]["accuracy"], dict[str, float]()
    for name, rows in result["attacks"].items():
        for row in rows:
            if row["epsilon"] >= least - 1e-9 and row["gradients_per_image"]:
                found[f"{name} at epsilon {row['shown']}"] = row["accuracy"]
    if found and min(found.values()) > KEPT * clean:
        under = min(found, key=found.__getitem__)
        yield (
            f"the classifier was trained without attacks and keeps {found[under]:.1%} of the images under {under}, where such "
            "classifiers keep next to nothing: the attack is too weak, or the data too easy; attack one trained with "
            "model/robust=pgd_at beside it, with more steps"
        )


def _of_distances(result: Result) -> Iterator[str]:
    """Frechet distances of 0, and those below what real images have in place of the samples."""
    for prefix in ("fd_", "fid"):
        for name, metric in of_kind(result["metrics"], prefix):
            value, real = metric["value"], metric.get("reference")
            if value is None:
                continue
            if value <= 0:
                yield f"{name} is 0: the samples are the images that they are compared with"
            elif _fair(metric) and real is not None and value + 2 * (metric["std"] or 0) < real:
                yield (
                    f"{name} is {value:.3g}, below the {real:.3g} of real images in place of the samples: "
                    "copies of the reference can be as near, a generator hardly"
                )


def _fair(metric: Metric) -> bool:
    """Whether the value of real images is of no fewer images than that of the samples; fewer have larger distances."""
    protocol = metric["protocol"]
    real, _, reference = str(protocol.get("real_data_reference", "")).partition(
        " real images in place of the samples, against "
    )
    if not (real.isdecimal() and reference.isdecimal()):
        return False
    return int(real) >= protocol["count"] and int(reference) >= protocol["reference"]["images"]


def _of_records(records: Any) -> Iterator[str]:
    """Samples of an evaluation that ignore the class asked for, or copy training images."""
    for record in records:
        value, real, more = record["value"], record["real_data_reference"], record.get("more") or {}
        if value is None:
            continue
        if record["metric"] == "agreement" and real is not None and len(more.get("per_class") or ()) > 1:
            chance = 1 / len(more["per_class"])
            if value < chance + CHANCE * (real - chance):
                yield (
                    f"samples show the class asked for in {value:.1%}, by chance in {chance:.1%}, real images in {real:.1%}: "
                    "the classes were not learned, or the labels are shuffled"
                )
        if record["metric"] == "authentic" and more.get("copies", 0) > COPIES:
            yield f"{more['copies']:.1%} of the samples equal a training image exactly: they are copies"
        if record["metric"] == "ratio" and value < NEAR:
            yield (
                f"samples are {value:.2g} times as far from training images as from held-out ones (1 without copying): "
                "look for copies in images/neighbours.png"
            )
