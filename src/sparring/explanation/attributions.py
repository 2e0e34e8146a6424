"""Attribution maps of a subject, and what each is worth beside maps that know nothing."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.attribution.base import Attribution
from sparring.attribution.evaluation import faithfulness
from sparring.attribution.evaluation.comparison import beats, mean_interval
from sparring.attribution.evaluation.controls import CONTROLS, control_maps
from sparring.core.errors import ConfigError
from sparring.core.progress import working
from sparring.core.terminal import say
from sparring.explanation.images import ExplainedImages
from sparring.explanation.settings import ExplainSettings
from sparring.explanation.subject import Subject

TOGETHER = 64  # images whose maps are made at once


@dataclass(frozen=True)
class MethodMaps:
    """The maps of one method, and what they are worth; all on the CPU.

    Args:
        maps: (N, H, W).
        deletion, insertion: curves (N, T) of the explained probability.
        infidelity: (N,) in [0, 1].
        completeness: (N,) gap in logits, of methods that promise to add up; else None.
        seconds: of making the maps.
    """

    maps: Tensor
    deletion: Tensor
    insertion: Tensor
    infidelity: Tensor
    completeness: Tensor | None
    seconds: float

    @property
    def gain(self) -> Tensor:
        """(N,) area under insertion minus area under deletion: larger is better."""
        return faithfulness.area(self.insertion) - faithfulness.area(self.deletion)


def applicable(
    methods: Mapping[str, Attribution], subject: Subject, image: Tensor, *, listed: bool
) -> tuple[dict[str, Attribution], list[str]]:
    """The methods that apply to the subject, and a sentence for each that does not.

    Args:
        listed: whether they are a table of methods; one that was chosen alone must apply.

    Raises:
        ConfigError: the method that was chosen alone does not apply, no method does, or one has a wrong setting.
    """
    fitting, sentences = {}, []
    for name, method in methods.items():
        try:
            method.check(subject.network, image)
            fitting[name] = method
        except ConfigError as error:
            if not listed or getattr(method, "layer", None) is not None:
                raise
            sentences.append(f"{name} was left out: {error}")
    return fitting, sentences


def attributed(
    methods: Mapping[str, Attribution],
    subject: Subject,
    images: ExplainedImages,
    target: Tensor,
    settings: ExplainSettings,
) -> dict[str, MethodMaps]:
    """The maps of every method and every control, by name; a line on stderr for each."""
    found = {}
    for name, method in methods.items():
        with working(name):
            started = time.perf_counter()
            maps = maps_of(method, subject, images, target, settings)
            seconds = time.perf_counter() - started
            found[name] = _measured(maps, subject, images, target, settings, seconds, adds_up=method.adds_up)
        _say(name, found[name])
    for name, maps in control_maps(images.image, index=images.index, seed=settings.seed).items():
        with working(name):
            found[name] = _measured(maps, subject, images, target, settings, 0.0, adds_up=False)
        _say(name, found[name])
    return found


def _say(name: str, made: MethodMaps) -> None:
    say(f"{name:22} insertion - deletion {float(made.gain.mean()):+.3f}   {made.seconds:.1f} s")


def maps_of(
    method: Attribution, subject: Subject, images: ExplainedImages, target: Tensor, settings: ExplainSettings
) -> Tensor:
    """(N, H, W) on the device."""
    parts = zip(*(each.split(TOGETHER) for each in (images.image, target, images.index)), strict=True)
    return torch.cat(
        [
            method(subject.network, x, y, baseline=settings.absent, index=index, seed=settings.seed)
            for x, y, index in parts
        ]
    )


def _measured(
    maps: Tensor, subject: Subject, images: ExplainedImages, target: Tensor, settings: ExplainSettings,
    seconds: float, *, adds_up: bool,
) -> MethodMaps:  # fmt: skip
    image, network, steps = images.image, subject.network, settings.curve_steps
    order, absent = faithfulness.importance_order(maps), settings.absent
    curves = {
        kind: faithfulness.replacement_curve(
            network, before, after, order, target, subject.probability, steps=steps
        ).cpu()
        for kind, before, after in (
            ("deletion", image, absent.expand_as(image)),
            ("insertion", faithfulness.blurred(image), image),
        )
    }
    wrong = faithfulness.infidelity(
        network, image, maps, target,
        baseline=absent, index=images.index, seed=settings.seed, samples=settings.squares,
    )  # fmt: skip
    gap = faithfulness.completeness(network, image, maps, target, baseline=absent).cpu() if adds_up else None
    return MethodMaps(maps.cpu(), curves["deletion"], curves["insertion"], wrong.cpu(), gap, seconds)


def table(found: Mapping[str, MethodMaps]) -> list[dict[str, object]]:
    """A row per method and control, as result.json holds it."""
    methods = [name for name in found if name not in CONTROLS]
    rows: list[dict[str, object]] = []
    for name, each in found.items():
        deletion, insertion = faithfulness.area(each.deletion), faithfulness.area(each.insertion)
        row: dict[str, object] = {
            "method": name,
            "control": name in CONTROLS,
            "deletion": mean_interval(deletion).record(),
            "insertion": mean_interval(insertion).record(),
            "gain": mean_interval(each.gain).record(),
            "infidelity": mean_interval(each.infidelity).record(),
            "completeness_gap": None if each.completeness is None else float(each.completeness.mean()),
            "seconds": round(each.seconds, 3),
        }
        if name not in CONTROLS:
            comparisons = len(methods) * len(CONTROLS)
            row["beats"] = {
                control: beats(each.gain - found[control].gain, comparisons=comparisons) for control in CONTROLS
            }
        rows.append(row)
    return rows
