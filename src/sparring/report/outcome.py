"""How a run came out, in a sentence and in numbers: the last lines of a command, the top of a page, a row of a list of runs.

Everything is read from the content of `result.json`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sparring.core.measurement import LEVELS
from sparring.report import making
from sparring.report.figures import Metric, number, of_kind, percent
from sparring.report.making import Outcome
from sparring.report.sample_words import samples

Result = Mapping[str, Any]


def outcome(result: Result) -> Outcome:
    """What a finished run of any verb found.

    Args:
        result: content of its `result.json`.
    """
    return _BY_VERB.get(result["verb"], _measured)(result)


def remarks(result: Result) -> list[str]:
    """The `remarks` of a result as sentences."""
    return [f"{text[:1].upper()}{text[1:]}." for text in result.get("remarks", ())]


def summary(result: Result) -> dict[str, str | float]:
    """What a list of runs shows of one: every metric under its name, the ends of its interval or its deviation, the sentence."""
    values: dict[str, str | float] = {"result": outcome(result).words}
    for name, metric in result["metrics"].items():
        parts: dict[str, float | None] = {"": metric["value"], "/std": metric["std"], "/real": metric.get("reference")}
        if metric["interval"] is not None:
            parts |= {"/low": metric["interval"][0], "/high": metric["interval"][1]}
        values |= {f"{name}{part}": value for part, value in parts.items() if value is not None}
    return values


def _train(result: Result) -> Outcome:
    metrics = result["metrics"]
    clock = f"{result['clock']['iteration']:,} iterations, {result['clock']['images_seen']:,} real images seen"
    if "perturber" in result:
        return _perturber(result, clock)
    sentences: list[str] = []
    figures: list[str] = []
    split = next((split for split in ("test", "val") if f"{split}/accuracy" in metrics), None)
    if split is not None:
        words, numbers = _classified(metrics, split)
        sentences.append(words)
        figures.append(numbers)
    robust = of_kind(metrics, "robust_accuracy/")
    if robust:
        name, metric = robust[-1]
        figures.append(f"{name.partition('/')[0]} accuracy under {_attack(metric)} {percent(metric)}")
    drawn = samples(metrics)
    if drawn is not None:
        words, numbers = drawn
        sentences.append(words)
        figures.append(numbers)
    if "test/psnr" in metrics or "val/psnr" in metrics:
        words, numbers = _restored(metrics)
        sentences.append(words)
        figures.append(numbers)
    if not sentences:
        trained = f"Trained for {clock}; nothing was measured."
        return Outcome(" ".join([trained, *remarks(result)]), f"{_size(result)}.")
    return Outcome(" ".join([*sentences, *remarks(result)]), f"{'; '.join(figures)}.")


def _classified(metrics: Mapping[str, Metric], split: str) -> tuple[str, str]:
    accuracy, ece = metrics[f"{split}/accuracy"], metrics.get(f"{split}/ece")
    words = f"The classifier gets {100 * accuracy['value']:.1f} % of the {_SPLITS[split]} images right."
    figures = f"{split} accuracy {percent(accuracy)} of {accuracy['protocol']['images']:,} images"
    return words, figures + (f", calibration error {100 * ece['value']:.1f} %" if ece else "")


def _restored(metrics: Mapping[str, Metric]) -> tuple[str, str]:
    split = "test" if "test/psnr" in metrics else "val"
    own, bicubic = (metrics[f"{split}/{name}"]["value"] for name in ("psnr", "bicubic_psnr"))
    nearer = "nearer to the originals than" if own > bicubic else "no nearer to the originals than"
    words = f"Restored {_SPLITS[split]} images are {nearer} bicubic ones."
    return words, f"{split} PSNR {own:.2f} dB, bicubic {bicubic:.2f} dB"


def _perturber(result: Result, clock: str) -> Outcome:
    """A perturber is judged between random signs of its strength and PGD."""
    robust = {metric["protocol"]["attack"]: metric for _, metric in of_kind(result["metrics"], "robust_accuracy/")}
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


def _evaluate(result: Result) -> Outcome:
    found = samples(result["metrics"])
    if found is None:
        return _measured(result)
    words, figures = found
    return Outcome(" ".join([words, *remarks(result)]), f"{figures}; ± {_std_of(result)}.")


def _measured(result: Result) -> Outcome:
    """Of a verb or an evaluation that has no words of its own: its first values."""
    values = [f"{name} {number(each)}" for name, each in result["metrics"].items() if each["value"] is not None]
    words = " ".join([f"{len(values)} values were measured.", *remarks(result)])
    return Outcome(words, f"{', '.join(values[:3]) or 'none has a value'}.")


def _explained(result: Result) -> Outcome:
    if result.get("generator"):
        return _directions(result)
    rows = [row for row in result["attributions"]["table"] if not row["control"]]
    believed = [row for row in rows if all(row["beats"].values())]
    best, images = max(rows, key=lambda row: row["gain"]["value"]), result["cost"]["images"]
    words = f"{len(believed)} of {len(rows)} methods point at what the network looks at: they beat both control maps."
    if not believed:
        words = f"None of {len(rows)} methods beats both control maps: do not read them as what the network looks at."
    gain = best["gain"]
    interval = f" [{gain['low']:.3f}, {gain['high']:.3f}]" if gain.get("low") is not None else ""
    figures = f"best {best['method']}, insertion minus deletion {gain['value']:+.3f}{interval}, {images:,} images."
    if searched := result.get("counterfactuals"):
        figures = f"{figures[:-1]}; {searched['validity']:.0%} of {searched['images']} counterfactuals valid."
    return Outcome(words, figures)


def _directions(result: Result) -> Outcome:
    """What moves most along the directions that were found, beside random ones."""
    records = [each for way in result["generator"]["directions"].values() for each in way]
    found, random = ([each for each in records if each["control"] is control] for control in (False, True))
    if not found:
        return Outcome("Random directions alone were drawn.", f"{len(random)} directions.")
    best = max(found, key=lambda each: each["pixel_change"]["value"])
    words = f"{len(found)} directions were found; images change most along {best['name']}."
    beside, change = [each["pixel_change"]["value"] for each in random], best["pixel_change"]
    interval = f" [{change['low']:.3f}, {change['high']:.3f}]" if change.get("low") is not None else ""
    control = f", along random ones by at most {max(beside):.3f}" if beside else ""
    return Outcome(words, f"a pixel by {change['value']:.3f}{interval} of its range{control}.")


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
    return Outcome(" ".join([words, *result.get("flags", ()), *remarks(result)]), figures)


def strongest(metrics: Mapping[str, Metric]) -> list[Metric]:
    """The lowest robust accuracy at each epsilon, weakest attack first: all attacks together where that was measured."""
    by_epsilon: dict[float, list[Metric]] = {}
    measured = [metric for _, metric in of_kind(metrics, "robust_accuracy/")]
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


def _size(result: Result) -> str:
    return f"{sum(result['parameters'].values()):,} parameters, {result['cost']['seconds']:.1f} s of training"


_SPLITS = {"test": "test", "val": "validation"}
_BY_VERB: Mapping[str, Callable[[Result], Outcome]] = {
    "train": _train, "generate": making.generate, "evaluate": _evaluate, "attack": _attacked, "explain": _explained,
    "enhance": making.enhanced, "study": _study, "report": making.reported, "export": making.exported,
}  # fmt: skip
