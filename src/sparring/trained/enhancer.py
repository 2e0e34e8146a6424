"""An enhancer out of a run directory."""

from dataclasses import dataclass
from typing import Any

import torch

from sparring.core.errors import CheckpointError
from sparring.core.task import Task
from sparring.model.degradation.base import Degradation
from sparring.model.enhancer.base import Enhancer
from sparring.model.restorer import Restorer
from sparring.run import weights as weights_file
from sparring.run.environment import config_hash
from sparring.trained.model import TrainedModel


@dataclass(frozen=True)
class TrainedEnhancer:
    """An enhancer and what is known about it.

    Args:
        network: degraded image (N, C, h, w) -> image (N, C, H, W) in [-1, 1]; on the CPU, in eval mode, weights frozen.
        degradation: what it was trained against; `degradation_settings` as plain values.
        task: the images and classes of its data.
        origin: run, weights, clock and fingerprints, for records; plain values.
    """

    network: Enhancer
    degradation: Degradation
    degradation_settings: dict[str, Any]
    task: Task
    origin: dict[str, Any]


def enhancer_of(trained: TrainedModel) -> TrainedEnhancer:
    """The averaged enhancer of a restorer's or an SRGAN's run.

    Raises:
        CheckpointError: the model has none, or its weights do not fit the settings.
    """
    model = trained.model
    if not isinstance(model, Restorer):
        raise CheckpointError(
            f"{trained.run.path} holds no enhancer; give the directory of a training run with model=restorer or model=srgan."
        )
    trained.load({"ema": model.ema})
    settings = trained.settings
    origin = {
        "run": str(trained.run.path),
        "config_hash": config_hash(settings),
        "weights": "averaged",
        "weights_sha256": weights_file.stored_hash(trained.file),
        "iteration": trained.fact("iteration"),
        "images_seen": trained.fact("images_seen"),
        "fingerprints": trained.fact("fingerprints"),
    }
    task = Task(settings["data"]["channels"], settings["data"]["image_size"], tuple(trained.fact("classes")))
    network = model.ema.eval().requires_grad_(False).to(torch.float32)
    return TrainedEnhancer(network, model.degradation, dict(settings["model"]["degradation"]), task, origin)
