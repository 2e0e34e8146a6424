"""The classifiers and enhancers that a game takes part in training with, out of their run directories."""

from pathlib import Path

from sparring.core.task import Task, check_same_task
from sparring.core.types import TrainedNetwork
from sparring.data.module.image_data import ImageData
from sparring.data.serving import provenance
from sparring.model.game import Game
from sparring.trained.runs import Runs


def attach_networks(model: Game, data: ImageData, runs: Runs) -> None:
    """Load what `model.classifiers()` and `model.enhancers()` name and hand it over.

    Args:
        data: opened; the images that the networks were trained on join its provenance.
        runs: where the networks are.

    Raises:
        CheckpointError: no such run, or no classifier or enhancer.
        DataError: it knows other classes or another image shape, or was trained on the val or test images of `data`, or does
            not say on which.
    """
    wanted = Task(data.shape.channels, data.shape.image_size, tuple(data.class_names))
    for setting, (given, checkpoint) in model.classifiers().items():
        run = runs.open(given)
        loaded = runs.classifier(run, checkpoint=checkpoint)
        check_same_task(f"{setting}={given}", loaded.task, other="this run", wanted=wanted, needs="give a classifier")
        data.add_upstream(provenance.load(run.path, fingerprints=loaded.origin["fingerprints"]))
        model.attach(setting, loaded)
    for setting, given in model.enhancers().items():
        enhancer = runs.enhancer(given)
        check_same_task(f"{setting}={given}", enhancer.task, other="this run", wanted=wanted, needs="give an enhancer")
        data.add_upstream(provenance.load(Path(enhancer.origin["run"]), fingerprints=enhancer.origin["fingerprints"]))
        model.attach(setting, TrainedNetwork(enhancer.network, enhancer.task, enhancer.origin))
