"""What the metrics of generated images mean, in words."""

from collections.abc import Mapping

from sparring.report.figures import Metric, number, of_kind

CHEAP = "/fd_pixels_8x8"  # what a training measures at its end; any other distance says more


def samples(metrics: Mapping[str, Metric]) -> tuple[str, str] | None:
    """(sentence, numbers): how far generated images are from real ones, by how far real ones are from each other."""
    distance = _distance(metrics)
    if distance is None:
        return _glanced(metrics)
    name, metric = distance
    split, real = metric["protocol"]["reference"]["split"], metric.get("reference")
    words = f"The samples are {_far(metric['value'], real)}."
    figures = f"{name.partition('/')[2]} {number(metric)} against {split}"
    if real is not None:
        figures += f" (real images: {real:.3g})"
    diverse = [
        each for _, each in of_kind(metrics, "diversity_", split="train") if CHEAP in name and each["value"] is not None
    ]
    if diverse:
        figures += f", diversity {number(diverse[0])} of the real"
    agreement = of_kind(metrics, "agreement_", split=split) or of_kind(metrics, "agreement_")
    if agreement and agreement[0][1]["value"] is not None:
        share = agreement[0][1]["value"]
        words = f"{words[:-1]}; {100 * share:.0f} % look like the class asked for."
    return words, figures


def _glanced(metrics: Mapping[str, Metric]) -> tuple[str, str] | None:
    """Of samples of which no distance was measured: whether they differ from each other, and show the class asked for."""
    diverse = [metric for _, metric in of_kind(metrics, "diversity_") if metric["value"] is not None]
    if not diverse:
        return None
    words, figures = (
        f"Samples of a class differ {_differ(diverse[0]['value'])}",
        f"diversity {number(diverse[0])} of the real",
    )
    agreement = [metric for _, metric in of_kind(metrics, "agreement_") if metric["value"] is not None]
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
    found = [
        (name, metric)
        for split in ("test", "val", "train")
        for name, metric in (*of_kind(metrics, "fd_", split=split), *of_kind(metrics, "fid", split=split))
        if metric["value"] is not None
    ]
    found.sort(key=lambda each: CHEAP in each[0])
    return found[0] if found else None


def _far(value: float, real: float | None) -> str:
    if real is None or real <= 0:
        return f"at a Frechet distance of {value:.3g} from real images"
    times = value / real
    if times <= 1.1:
        return "as close to real images as real images are to each other"
    return f"{times:.2g} times as far from real images as real images are from each other"
