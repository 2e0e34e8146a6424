"""How a run came out, in a sentence and in numbers: the last lines of a command, the top of a page, a row of a list of runs.

Everything is read from the content of `result.json`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sparring.core.measurement import LEVELS

Result = Mapping[str, Any]
Metric = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """words: a sentence without numbers of small print. figures: the numbers behind it, each with its interval."""

    words: str
    figures: str


def outcome(result: Result) -> Outcome:
    """What a finished run of any verb found.

    Args:
        result: content of its `result.json`.
    """
    return _BY_VERB.get(result["verb"], _measured)(result)


def percent(metric: Metric) -> str:
    """96.3 % [94.2, 97.7] of a share and its interval."""
    text = f"{100 * metric['value']:.1f} %"
    if metric.get("interval"):
        low, high = metric["interval"]
        text += f" [{100 * low:.1f}, {100 * high:.1f}]"
    return text


def number(metric: Metric) -> str:
    """A value with its standard deviation: 1.58 ± 0.04."""
    value, std = metric["value"], metric["std"]
    return f"{value:.3g}" if std is None else f"{value:.3g} ± {std:.2g}"


def _train(result: Result) -> Outcome:
    metrics = result["metrics"]
    clock = f"{result['clock']['iteration']:,} iterations, {result['clock']['images_seen']:,} real images seen"
    remarks = [f"{text[:1].upper()}{text[1:]}." for text in result.get("remarks", ())]
    if "perturber" in result:
        return _perturber(result, clock)
    sentences: list[str] = []
    figures: list[str] = []
    split = next((split for split in ("test", "val") if f"{split}/accuracy" in metrics), None)
    if split is not None:
        words, numbers = _classified(metrics, split)
        sentences.append(words)
        figures.append(numbers)
    robust = _of_kind(metrics, "robust_accuracy/")
    if robust:
        name, metric = robust[-1]
        figures.append(f"{name.partition('/')[0]} accuracy under {_attack(metric)} {percent(metric)}")
    samples = _samples(metrics)
    if samples is not None:
        words, numbers = samples
        sentences.append(words)
        figures.append(numbers)
    if not sentences:
        trained = f"Trained for {clock}; nothing was measured."
        return Outcome(" ".join([trained, *remarks]), f"{_size(result)}.")
    return Outcome(" ".join([*sentences, *remarks]), f"{'; '.join(figures)}.")


def _classified(metrics: Mapping[str, Metric], split: str) -> tuple[str, str]:
    accuracy, ece = metrics[f"{split}/accuracy"], metrics.get(f"{split}/ece")
    words = f"The classifier gets {100 * accuracy['value']:.1f} % of the {_SPLITS[split]} images right."
    figures = f"{split} accuracy {percent(accuracy)} of {accuracy['protocol']['images']:,} images"
    return words, figures + (f", calibration error {100 * ece['value']:.1f} %" if ece else "")


def _perturber(result: Result, clock: str) -> Outcome:
    """A perturber is judged between random signs of its strength and PGD."""
    robust = {metric["protocol"]["attack"]: metric for _, metric in _of_kind(result["metrics"], "robust_accuracy/")}
    if not robust:
        return Outcome(f"The perturber was trained for {clock}; nothing was measured.", f"{_size(result)}.")
    warning = next((text.partition("WARNING: ")[2] for text in result.get("remarks", ()) if "WARNING: " in text), "")
    own, noise, pgd = robust["advgan"], robust["noise"], robust["pgd"]
    clean = next(metric for name, metric in result["metrics"].items() if name.endswith("/accuracy"))
    fooled = clean["value"] - own["value"]
    words = f"The perturber takes {100 * fooled:.1f} points of accuracy from its target at epsilon {_strength(own)}."
    words += f" {warning[:1].upper()}{warning[1:]}." if warning else ""
    figures = (
        f"{own['protocol']['split']} accuracy {percent(own)} under it, {percent(noise)} under random signs, "
        f"{percent(pgd)} under PGD, {percent(clean)} clean."
    )
    return Outcome(words, figures)


def _samples(metrics: Mapping[str, Metric]) -> tuple[str, str] | None:
    """Of generated images: how far they are from real ones, in units of how far real ones are from each other."""
    distance = _distance(metrics)
    if distance is None:
        return _glanced(metrics)
    name, metric = distance
    split, real = metric["protocol"]["reference"]["split"], metric.get("reference")
    words = f"The samples are {_far(metric['value'], real)}."
    figures = f"{name.partition('/')[2]} {number(metric)} against {split}"
    if real is not None:
        figures += f" (real images: {real:.3g})"
    agreement = _of_kind(metrics, "agreement_", split=split)
    if agreement and agreement[0][1]["value"] is not None:
        share = agreement[0][1]["value"]
        words = f"{words[:-1]}; {100 * share:.0f} % look like the class asked for."
    return words, figures


def _glanced(metrics: Mapping[str, Metric]) -> tuple[str, str] | None:
    """Of samples of which no distance was measured: whether they differ from each other, and show the class asked for."""
    diverse = [metric for _, metric in _of_kind(metrics, "diversity_") if metric["value"] is not None]
    if not diverse:
        return None
    words, figures = (
        f"Samples of a class differ {_differ(diverse[0]['value'])}",
        f"diversity {number(diverse[0])} of the real",
    )
    agreement = [metric for _, metric in _of_kind(metrics, "agreement_") if metric["value"] is not None]
    if agreement:
        words += f"; {100 * agreement[0]['value']:.0f} % look like the class asked for"
        real = agreement[0]["protocol"].get("real_images_agreement")
        figures += f", agreement {number(agreement[0])}" + (f" (real images: {real:.3g})" if real is not None else "")
    return f"{words}.", f"{figures}, {diverse[0]['protocol']['images']:,} samples in pixels"


def _differ(ratio: float) -> str:
    """ratio: the samples' spread within classes over that of real images."""
    return "as much as real ones" if ratio >= 0.9 else f"{ratio:.2g} times as much as real ones"


def _distance(metrics: Mapping[str, Metric]) -> tuple[str, Metric] | None:
    """The Frechet distance that is reported: against test where there is one, then val, then train."""
    for split in ("test", "val", "train"):
        for name, metric in (*_of_kind(metrics, "fd_", split=split), *_of_kind(metrics, "fid", split=split)):
            if metric["value"] is not None:
                return name, metric
    return None


def _far(value: float, real: float | None) -> str:
    if real is None or real <= 0:
        return f"at a Frechet distance of {value:.3g} from real images"
    times = value / real
    if times <= 1.1:
        return "as close to real images as real images are to each other"
    return f"{times:.2g} times as far from real images as real images are from each other"


def _generate(result: Result) -> Outcome:
    files, count = result["files"], result["cost"]["images"]
    words = f"{count:,} images were drawn in {result['cost']['seconds']:.1f} s."
    return Outcome(words, f"{count:,} images as {', '.join(files)}; seeds and labels are in manifest.csv.")


def _evaluate(result: Result) -> Outcome:
    samples = _samples(result["metrics"])
    if samples is None:
        measured = [
            f"{name} {number(metric)}" for name, metric in result["metrics"].items() if metric["value"] is not None
        ]
        return Outcome(f"{len(measured)} values were measured.", f"{', '.join(measured[:3]) or 'none has a value'}.")
    words, figures = samples
    return Outcome(words, f"{figures}; ± {_std_of(result)}.")


def _std_of(result: Result) -> str:
    """What the standard deviation of an evaluation is over."""
    text = next((each["protocol"]["std"] for each in result["metrics"].values() if each["value"] is not None), "")
    return text.removeprefix("standard deviation ") or "unknown"


def _attack(metric: Metric) -> str:
    protocol = metric["protocol"]
    name = str(protocol["attack"])
    steps = f"-{protocol['steps']}" if "steps" in protocol else ""
    return f"{'all attacks together' if name == 'worst_case' else name + steps} at {_strength(metric)}"


def _strength(metric: Metric) -> str:
    return f"{LEVELS * metric['protocol']['epsilon']:.4g}/{LEVELS}"


def _attacked(result: Result) -> Outcome:
    split = result["data"]["split"]
    clean, robust = result["metrics"][f"{split}/accuracy"], strongest(result["metrics"])
    if not robust:
        return Outcome("No attack was run.", f"{split} accuracy {percent(clean)} without attack.")
    shown = next((metric for metric in robust if metric["value"] < 0.5 * clean["value"]), robust[-1])
    words = (
        f"Under {_attack(shown)} the classifier still gets {100 * shown['value']:.1f} % of the images right, "
        f"{100 * clean['value']:.1f} % without attack."
    )
    strengths = ", ".join(f"{_strength(metric)} {percent(metric)}" for metric in robust)
    figures = f"{split} accuracy {percent(clean)} of {clean['protocol']['images']:,} images; at worst {strengths}."
    return Outcome(words, figures)


def strongest(metrics: Mapping[str, Metric]) -> list[Metric]:
    """The lowest robust accuracy at each epsilon, weakest attack first: all attacks together where that was measured."""
    by_epsilon: dict[float, list[Metric]] = {}
    measured = [metric for _, metric in _of_kind(metrics, "robust_accuracy/")]
    names = {metric["protocol"]["attack"] for metric in measured}
    for metric in measured:
        if metric["protocol"]["attack"] == "worst_case" and len(names) == 2:  # the same as the only attack
            continue
        by_epsilon.setdefault(metric["protocol"]["epsilon"], []).append(metric)
    return [min(reversed(each), key=lambda metric: metric["value"]) for _, each in sorted(by_epsilon.items())]


def _study(result: Result) -> Outcome:
    primary = next((each for each in result["metrics"].values() if each["protocol"].get("primary")), None)
    words = result["analysis"]["conclusion"] or "The study has no conclusion."
    if primary is None or primary["value"] is None:
        return Outcome(words, f"{len(result['cells'])} runs; the tables are on the page.")
    it = primary["protocol"]
    low, high = primary["interval"]
    verdict = f"{result['analysis']['verdict']}: " if result["analysis"]["verdict"] else ""
    figures = (
        f"{verdict}{it['arm']} - {it['baseline']} {primary['value']:+.2f} [{low:.2f}, {high:.2f}] points of {it['measure']}, "
        f"{it['replicates']} replicates."
    )
    return Outcome(words, figures)


def _of_kind(metrics: Mapping[str, Metric], prefix: str, *, split: str | None = None) -> list[tuple[str, Metric]]:
    """Metrics whose name after the split begins with `prefix`, in their order."""
    pattern = re.compile(rf"({split or '[^/]+'})/{re.escape(prefix)}")
    return [(name, metric) for name, metric in metrics.items() if pattern.match(name)]


def _size(result: Result) -> str:
    return f"{sum(result['parameters'].values()):,} parameters, {result['cost']['seconds']:.1f} s of training"


_SPLITS = {"test": "test", "val": "validation"}
_BY_VERB: Mapping[str, Callable[[Result], Outcome]] = {
    "train": _train, "generate": _generate, "evaluate": _evaluate, "attack": _attacked, "explain": _explained,
    "study": _study,
}  # fmt: skip
