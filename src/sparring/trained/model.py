"""The model of an earlier run together with the tensors of one of its weight files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from sparring.core.errors import CheckpointError
from sparring.core.wording import listing
from sparring.run.directory import RunDir
from sparring.run.settings import given_in

# What a run says about its weights, and as what.
_FACTS: dict[str, type] = {"classes": list, "fingerprints": dict, "iteration": int, "images_seen": int}


@dataclass(frozen=True)
class TrainedModel:
    """A model built from the settings of its run; its networks get their weights from `load`.

    Args:
        run: where it was trained.
        settings: those of the run.
        model: the LightningModule, with freshly initialised weights.
        file: the weight file that was read.
        tensors: by `<network>.<parameter>`, on the CPU.
        metadata: what the run says about these weights; texts, some of them JSON.
    """

    run: RunDir
    settings: Mapping[str, Any]
    model: Any
    file: Path
    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]

    def tensors_of(self, name: str) -> dict[str, Tensor]:
        """The saved tensors of one network, by their names inside it; empty where there are none."""
        prefix = f"{name}."
        return {key.removeprefix(prefix): value for key, value in self.tensors.items() if key.startswith(prefix)}

    def fact(self, name: str) -> Any:
        """What the run says about these weights: `classes`, a list; `fingerprints`, a dict; `iteration` or `images_seen`.

        Raises:
            CheckpointError: the file does not say it, or as something else.
        """
        text = self.metadata.get(name, "")
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if type(value) is not _FACTS[name]:
            raise CheckpointError(
                f"{self.file} is altered (its metadata has {name}={text[:40]!r}); restore the run from a copy."
            )
        return value

    def load(self, networks: Mapping[str, nn.Module]) -> None:
        """Give networks of the model their weights.

        Args:
            networks: by the name under which the run saved them.

        Raises:
            CheckpointError: the weights do not fit the settings of the run.
        """
        for name, network in networks.items():
            try:
                network.load_state_dict(self.tensors_of(name))
            except RuntimeError as error:
                reason = str(error).splitlines()[-1].strip().rstrip(".")
                if given := given_in(self.settings["model"]):
                    raise CheckpointError(
                        f"The weights of {self.run.path} do not fit the {listing(given)} that was given ({reason}); give the one "
                        "that it was trained with."
                    ) from error
                raise CheckpointError(
                    f"The weights of {self.run.path} do not fit its settings ({reason}); restore the run from a copy, or train "
                    "it again if an earlier version of this program did."
                ) from error
