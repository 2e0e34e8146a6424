"""How a training ended, in words, and the content of its `result.json`."""

import signal
from dataclasses import dataclass
from typing import Any

import lightning.pytorch as L
import torch

from sparring.callback.best import Best
from sparring.callback.checkpoint import Checkpoint
from sparring.callback.collapse import Collapse
from sparring.callback.guard import Guard
from sparring.callback.quality import Quality
from sparring.callback.quality_stop import QualityStop
from sparring.callback.scalars import Scalars
from sparring.callback.signals import Signals
from sparring.callback.support.trouble import decisions_of
from sparring.core.measurement import FinalMetrics
from sparring.data.module.image_data import ImageData
from sparring.metric.classification import packed
from sparring.model.game import Game
from sparring.report.doubts import doubts
from sparring.run.cost import peak_memory_mb
from sparring.run.directory import State
from sparring.run.environment import environment
from sparring.training.settings import TrainSettings
from sparring.training.trainer import callback_of, callbacks_of

FAR_BELOW = 0.1  # share of the published budget


@dataclass(frozen=True)
class Ending:
    """What `status.json` says of a training that was not broken off by an error.

    Args:
        signal: number of the signal that stopped it, or 0.
    """

    state: State
    reason: str
    exit_code: int
    signal: int = 0


def stopping_callback(trainer: L.Trainer) -> QualityStop | Best | Guard | None:
    """The callback that ended the training, if one did."""
    stops: list[QualityStop | Best | Guard] = callbacks_of(trainer, QualityStop, Best, Guard)
    return next((each for each in stops if each.sentence), None)


def is_finished(trainer: L.Trainer, model: Game) -> bool:
    """Whether the training came to the end of its budget or found that it has trained enough."""
    return stopping_callback(trainer) is not None or model.clock.iteration == trainer.max_steps


def ending_of(trainer: L.Trainer, model: Game, *, best: int | None, conclusion: str) -> Ending:
    """The end in words.

    Args:
        best: iteration of the weights that the run is left with, where they are those of its best measurement.
        conclusion: what the final metrics mean; may be empty.
    """
    iteration, budget = model.clock.iteration, trainer.max_steps
    weights = f"; its weights are those of iteration {best}, the best" if best not in (None, iteration) else ""
    if stop := stopping_callback(trainer):
        return Ending("finished", f"stopped after iteration {iteration} of {budget}, {stop.sentence}{weights}", 0)
    if iteration == budget:
        meaning = f"; {conclusion}" if conclusion else ""
        return Ending("finished", f"trained for its whole budget of {iteration} iterations{weights}{meaning}", 0)
    if received := callback_of(trainer, Signals).received:
        reason = f"stopped by {signal.Signals(received).name} after iteration {iteration} of {budget}"
        return Ending("interrupted", reason, 128 + received, received)
    return Ending("interrupted", f"a callback stopped it after iteration {iteration} of {budget}", 0)


def remarks(trainer: L.Trainer, model: Game) -> list[str]:
    """What losses do not show, as phrases: samples that have collapsed or are worse than a Gaussian per class, and a budget far
    below the published one.
    """
    found = [each.sentence for each in callbacks_of(trainer, Collapse) if each.sentence]
    found += [each.unlearned for each in callbacks_of(trainer, Quality) if each.unlearned]
    found += [f"{each.by} {each.sentence}" for each in decisions_of(trainer.callbacks) if each.action != "stop"]  # type: ignore[attr-defined]
    if model.draws_images and getattr(model, "latent_dim", None) == 0:
        found.append("its generator has no latent (model.latent_dim=0), so it can draw one image per class")
    if (share := published_share(model)) < FAR_BELOW:
        trained = f"{model.clock.iteration:,} iterations of {model.batch_size} images"
        found.append(f"{trained} are {100 * share:.1g} % of this recipe's published budget")
    return found


def published_share(model: Game) -> float:
    """The run's iterations times batch over those that the recipe was published with; 1 where it was published with none."""
    return model.clock.iteration * model.batch_size / model.published_images if model.published_images else 1.0


def training_result(
    settings: TrainSettings,
    trainer: L.Trainer,
    model: Game,
    data: ImageData,
    final: FinalMetrics,
    *,
    best: int | None,
    seconds: float,
) -> dict[str, Any]:
    """Plain values.

    Args:
        final: what the model reports of itself.
        best: as of `ending_of`.
        seconds: since the stage was called.
    """
    stop, finished = stopping_callback(trainer), is_finished(trainer, model)
    validation = [each.record() for each in callbacks_of(trainer, Best)]
    samples = [each.metrics() for each in callbacks_of(trainer, Collapse)]
    metrics = {**(samples[0] if samples else {}), **final.metrics}
    result = {
        "verb": "train",
        "name": settings.name,
        "config_hash": settings.config_hash,
        "data": {
            "name": settings.data_name,
            "origin": data.origin,
            "fingerprints": data.fingerprints(),
            "images": _images(data),
        },
        "classes": list(data.class_names),
        "clock": model.clock.state_dict(),
        "weights": {"iteration": model.clock.iteration if best is None else best},
        "validation": validation[0] if validation else None,
        "decisions": [each.plain() for each in decisions_of(trainer.callbacks)],  # type: ignore[attr-defined]
        "budget": trainer.max_steps,
        "stopped": stop.sentence if stop else "budget" if finished else "interrupted",
        "parameters": {
            player: sum(parameter.numel() for parameter in getattr(model, player).parameters())
            for player in model.factories
        },
        "metrics": {name: each.record() for name, each in metrics.items()},
        **final.details,
        "remarks": [*filter(None, [model.conclusion(final)]), *remarks(trainer, model)],
        "scalars": callback_of(trainer, Scalars).latest,
        "cost": _cost(trainer, model, seconds),
        "environment": environment(),
    }
    return {**result, "remarks": [*result["remarks"], *doubts(result)]}


def _images(data: ImageData) -> dict[str, Any]:
    """How many images were used, and of a test split that was cut from train, which of the `stored` ones it has, a bit each."""
    splits = data.splits
    train, test = splits.images["train"], splits.images["test"]
    counts = {"train": len(train), "available": len(train) + len(splits.unused), "test": len(test)}
    if splits.stored_in["test"] != "train" or not len(test):
        return counts
    mask = torch.zeros(len(test.pixels), dtype=torch.bool)
    mask[test.rows.cpu()] = True
    return {**counts, "stored": len(mask), "test_rows": packed(mask)}


def _cost(trainer: L.Trainer, model: Game, seconds: float) -> dict[str, Any]:
    spent = callback_of(trainer, Checkpoint)
    return {
        "seconds": round(spent.seconds, 1),
        "cpu_seconds": round(spent.cpu_seconds, 3) if model.device.type == "cpu" else None,
        "seconds_with_set_up": round(seconds, 1),
        "images_seen": model.clock.images_seen,
        "peak_memory_mb": peak_memory_mb(model.device),
    }
