"""The classifiers that a game is trained against, out of their run directories."""

from collections.abc import Sequence
from pathlib import Path

from sparring.core.task import Task, check_same_task
from sparring.data.module.image_data import ImageData
from sparring.data.serving import provenance
from sparring.model.game import Game
from sparring.trained.networks import load_classifier
from sparring.trained.runs import open_run


def attach_classifiers(model: Game, data: ImageData, *, log_dir: Path, extensions: Sequence[str]) -> None:
    """Load what `model.classifiers()` names and hand it over; `data`, set up, remembers what they have seen.

    Raises:
        CheckpointError: no such run, or no classifier. DataError: it knows other classes or another image shape, or was
            trained on the val or test images of `data`, or does not say on which.
    """
    wanted = Task(data.shape.channels, data.shape.image_size, tuple(data.class_names))
    for setting, (given, checkpoint) in model.classifiers().items():
        run = open_run(given, log_dir)
        loaded = load_classifier(run, extensions=extensions, checkpoint=checkpoint)
        check_same_task(f"{setting}={given}", loaded.task, other="this run", wanted=wanted, needs="give a classifier")
        data.add_upstream(provenance.load(run.path, fingerprints=loaded.origin["fingerprints"]))
        model.attach(setting, loaded)
