"""The classifiers that a game is trained against, out of their run directories."""

from collections.abc import Sequence
from pathlib import Path

from sparring.cli.resume import find_run
from sparring.data import seen
from sparring.data.image_data import ImageData
from sparring.errors import DataError
from sparring.model.game import Game
from sparring.run_dir import RunDir
from sparring.stage.load import load_classifier


def attach_classifiers(model: Game, data: ImageData, *, log_dir: Path, extensions: Sequence[str]) -> None:
    """Load what `model.classifiers()` names and hand it over; `data`, set up, remembers what they have seen.

    Raises:
        CheckpointError: no such run, or no classifier. DataError: it knows other classes or another image shape, or was
            trained on the val or test images of `data`, or does not say on which.
    """
    for setting, (given, checkpoint) in model.classifiers().items():
        run = RunDir.open(find_run(given, log_dir))
        loaded = load_classifier(run, extensions=list(extensions), checkpoint=checkpoint)
        shape = data.shape
        if (loaded.channels, loaded.image_size) != (shape.channels, shape.image_size):
            raise DataError(
                f"{setting}={given} sees images of {loaded.channels} x {loaded.image_size} x {loaded.image_size} and this run"
                f" has {shape.channels} x {shape.image_size} x {shape.image_size}; give a classifier of the same data."
            )
        if loaded.class_names != tuple(data.class_names):
            raise DataError(
                f"{setting}={given} knows the classes {', '.join(loaded.class_names[:10])} and this run has "
                f"{', '.join(data.class_names[:10])}; give a classifier of the same data."
            )
        data.stand_on(seen.load(run.path, fingerprints=loaded.origin["fingerprints"]))
        model.attach(setting, loaded)
