"""The door to earlier runs: a run as typed is found, opened, built from its settings, and given its weights."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from torch import Tensor, nn

from sparring.config.build import build
from sparring.core.errors import CheckpointError
from sparring.model.game import Game
from sparring.run import weights as weights_file
from sparring.run.directory import RunDir
from sparring.run.search import find_run


def open_run(given: object, log_dir: str | Path) -> RunDir:
    """The run that `given` names: a directory, also as seen from the folder of logs/, logs/train or logs/study.

    Raises:
        CheckpointError: there is none, with the runs that may have been meant.
    """
    return RunDir.open(find_run(str(given), Path(log_dir)))


def build_model(config: DictConfig, *, extensions: Sequence[str] = ()) -> Any:
    """The LightningModule of a whole configuration, with the data's shape checked against the networks.

    Raises:
        ConfigError: the networks do not fit each other or the data.
    """
    model = build(config.model, section="model", extensions=extensions)
    if isinstance(model, Game):
        model.check_data(channels=config.data.channels, image_size=config.data.image_size)
    return model


class TrainedModel:
    """The model of a run, built from its saved settings, with the tensors of one of its weight files.

    checkpoint: "last"; "best" as quality or robust accuracy found it; or an iteration whose weights the run kept.

    Raises:
        CheckpointError: the run has no such weights. ConfigError: its settings build no model, or a checkpoint of another word.
    """

    def __init__(self, run: RunDir, *, extensions: Sequence[str], checkpoint: str | int = "last") -> None:
        self.run, self.config = run, run.config
        self.file = run.weights_file(checkpoint)
        self.tensors = weights_file.load(self.file)
        self.metadata = weights_file.stored_metadata(self.file)
        self.model: Any = build_model(self.config, extensions=extensions)

    def tensors_of(self, name: str) -> dict[str, Tensor]:
        """The saved tensors of one network, by their names inside it; empty where there are none."""
        prefix = f"{name}."
        return {key.removeprefix(prefix): value for key, value in self.tensors.items() if key.startswith(prefix)}

    def load(self, networks: Mapping[str, nn.Module]) -> None:
        """Give networks of the model their weights. Raises CheckpointError where they do not fit."""
        for name, network in networks.items():
            try:
                network.load_state_dict(self.tensors_of(name))
            except RuntimeError as error:
                reason = str(error).splitlines()[-1].strip()
                raise CheckpointError(
                    f"The weights of {self.run.path} do not fit its settings ({reason}); restore the run from a copy."
                ) from error
