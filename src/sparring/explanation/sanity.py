"""Do the maps depend on what the network learned? Its weights are shuffled, layer by layer."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from sparring.attribution.base import Attribution
from sparring.attribution.evaluation.sanity import cascading, independent, layers_with_weights
from sparring.attribution.evaluation.similarity import rank_correlation
from sparring.core.progress import tracked
from sparring.explanation.attributions import maps_of
from sparring.explanation.images import ExplainedImages
from sparring.explanation.settings import ExplainSettings
from sparring.explanation.subject import Subject

ALIKE = 0.5  # absolute rank correlation with a fully randomised network from which on a map is marked


def sanity_record(
    methods: Mapping[str, Attribution],
    maps: Mapping[str, Tensor],
    subject: Subject,
    images: ExplainedImages,
    target: Tensor,
    settings: ExplainSettings,
) -> dict[str, Any] | None:
    """Rank correlation of the maps with those of networks with shuffled weights; None where no check was asked for.

    Args:
        maps: (N, H, W) by method, of the trained network.

    Returns:
        `layers`, and for each method `cascading` (from the last layer down) and `independent` (one layer alone): mean
        correlations by layer, with sign and without; and whether the map still looks the same after the whole cascade.
    """
    if not settings.sanity:
        return None
    few = images.first(settings.sanity)
    layers = layers_with_weights(subject.network, few.image)
    record: dict[str, Any] = {"images": len(few.label), "layers": layers[::-1], "methods": {}}
    for name, method in tracked(methods.items(), "methods with shuffled weights"):
        trained, found = maps[name][: settings.sanity], {}
        for kind, randomise in (("cascading", cascading), ("independent", independent)):
            correlations = [
                alike(
                    trained, maps_of(method, replace(subject, network=other), few, target[: settings.sanity], settings)
                )
                for _, other in randomise(subject.network, layers, seed=settings.seed)
            ]
            found[kind] = [each[0] for each in correlations]
            found[f"{kind}_absolute"] = [each[1] for each in correlations]
        last = found["cascading_absolute"][-1]
        record["methods"][name] = found | {"depends_on_weights": last is None or last < ALIKE}
    return record


def alike(trained: Tensor, other: Tensor) -> tuple[float | None, float | None]:
    """Mean rank correlation over the images, with sign and without; None where every map of the other network is constant."""

    def mean(absolute: bool) -> float | None:
        each = rank_correlation(trained, other.cpu(), absolute=absolute)
        known = each[~each.isnan()]
        return float(known.mean()) if len(known) else None

    return mean(False), mean(True)


def flags_of(
    rows: list[dict[str, Any]], sanity: Mapping[str, Any] | None, permuted: Mapping[str, Any] | None = None
) -> list[str]:
    """Sentences about maps that should not be believed; permuted: as `permuted_record` gives it."""
    sentences = []
    for row in rows:
        lost = [control for control, won in row.get("beats", {}).items() if not won]
        if lost:
            sentences.append(
                f"{row['method']} does not beat the {' and the '.join(lost)} control in insertion minus deletion: do not read "
                "its maps as what the network looks at."
            )
    for name, each in (sanity or {"methods": {}})["methods"].items():
        if not each["depends_on_weights"]:
            sentences.append(
                f"{name} gives much the same maps when all weights are shuffled (rank correlation "
                f"{each['cascading_absolute'][-1]:.2f}): it shows the image more than the network."
            )
    for name, each in (permuted or {"methods": {}})["methods"].items():
        if each["absolute"] is not None and each["absolute"] >= ALIKE:
            sentences.append(
                f"{name} gives much the same maps for a network that learned permuted labels (rank correlation "
                f"{each['absolute']:.2f}): it shows the image more than what was learned."
            )
    return sentences
