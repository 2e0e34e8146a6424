"""A network rebuilt from plain settings and a weight file, without Hydra and without a run directory.

The folder has the form of the Hugging Face hub (`PyTorchModelHubMixin`): config.json, model.safetensors, README.md.
"""

import json
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

import torch
from huggingface_hub import PyTorchModelHubMixin
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from safetensors.torch import save as serialize
from torch import Tensor, nn

from sparring.core.atomic import write_atomic
from sparring.core.errors import CheckpointError, ConfigError
from sparring.export.networks import Portable
from sparring.model.discriminator.base import Discriminator, DiscriminatorClassifier
from sparring.model.restorer import Restorer
from sparring.run.settings import given_in
from sparring.trained.runs import build_model

DATA = ("channels", "image_size", "num_classes")  # what a model is built from, of the settings of its data
CONFIG, WEIGHTS = "config.json", "model.safetensors"


class Pretrained(nn.Module, PyTorchModelHubMixin, library_name="sparring", tags=["sparring"]):
    """A generator, classifier or enhancer, frozen, in eval mode; takes and gives what its config.json says.

    `sparring.from_pretrained("<folder or repository of the hub>")` makes one. Only classes of sparring are built, whatever a
    configuration from elsewhere names.

    Args:
        network: generator, classifier or enhancer.
        settings: sections `model` and `data` (DATA of it) of the run that trained it.
        class_names: of its data.

    Raises:
        ConfigError: the settings build no such network.
    """

    def __init__(self, *, network: str, settings: dict[str, Any], class_names: list[str]) -> None:
        super().__init__()
        if network not in _NETWORKS:
            raise ConfigError(f"network={network!r} must be one of {', '.join(_NETWORKS)}.")
        sections = [settings.get(name) for name in ("model", "data")] if isinstance(settings, Mapping) else []
        if not sections or not all(isinstance(each, Mapping) for each in sections):
            raise ConfigError("the settings of a network must have the sections model and data.")
        self.kind, self.settings, self.class_names = network, settings, class_names
        try:
            found = _NETWORKS[network](build_model(settings))
        except (AttributeError, KeyError, TypeError) as error:
            raise ConfigError(f"the settings build no {network} ({error}).") from error
        if found is None:
            raise ConfigError(f"the settings build a {settings['model'].get('_target_')}, which has no {network}.")
        self.network: nn.Module = found
        self.eval().requires_grad_(False)

    def forward(self, *given: Tensor) -> Tensor:
        out: Tensor = self.network(*given)
        return out


def _generator(model: Any) -> nn.Module | None:
    return model.ema if model.draws_images else None


def _classifier(model: Any) -> nn.Module | None:
    if hasattr(model, "classifier"):
        own: nn.Module = model.classifier()
        return own
    discriminator = getattr(model, "discriminator", None)
    if isinstance(discriminator, Discriminator) and discriminator.head.classifies:
        return DiscriminatorClassifier(discriminator)
    return None


def _enhancer(model: Any) -> nn.Module | None:
    return model.ema if isinstance(model, Restorer) else None


# The averaged network, as `trained.networks` and `trained.enhancer` take it out of a model; None where it has none.
_NETWORKS = {"generator": _generator, "classifier": _classifier, "enhancer": _enhancer}


def from_pretrained(source: str | Path, **hub: Any) -> Pretrained:
    """The network of a folder that `export.py format=[hub]` wrote, or of such a repository of the hub.

    Args:
        source: the folder (one network, such as `logs/export/<run>/generator`), or `<owner>/<name>`.
        hub: revision, token, cache_dir, ... as `huggingface_hub` takes them.

    Raises:
        CheckpointError: there is no such folder or repository, or its files are damaged.
        ConfigError: its settings build no network of sparring.
    """
    if Path(source).is_dir():
        missing = [name for name in (CONFIG, WEIGHTS) if not (Path(source) / name).is_file()]
        if missing:
            raise CheckpointError(
                f"{source} has no {' and no '.join(missing)}: give a folder of one network, which python export.py "
                "run=<run> format=[hub] writes."
            )
    try:
        return Pretrained.from_pretrained(str(source), **{"strict": True, **hub})
    except ConfigError:
        raise
    except (HFValidationError, HfHubHTTPError, OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise CheckpointError(
            f"{source} is neither a folder of an exported network nor a repository of the hub that can be read ({reason})."
        ) from error
    except (TypeError, RuntimeError, KeyError) as error:  # a configuration without a network's, weights of another one
        reason = str(error).strip().splitlines()[-1].strip().rstrip(".")
        raise CheckpointError(
            f"the files of {source} do not fit each other ({reason}); export the network again."
        ) from error


def write_pretrained(
    portable: Portable, folder: Path, *, settings: Mapping[str, Any], content: Mapping[str, Any], card: str
) -> float:
    """Write config.json, model.safetensors and README.md, read them back and compare; returns the largest difference.

    Args:
        portable: the network.
        folder: is made.
        settings: of its run.
        content: further entries of config.json.
        card: README.md.

    Raises:
        ConfigError: the network has parts that were made in Python or are another package's, or comes out otherwise.
        DiskError: a file cannot be written.
    """
    if given := given_in(settings["model"]):
        raise ConfigError(
            f"the {portable.name} has a {given[0]} that was made in Python, which settings cannot rebuild: export it with "
            "format=[pt2] or format=[onnx], which hold the program itself."
        )
    data = settings["data"]
    own = {
        "network": portable.name,
        "settings": {"model": _without_places(settings["model"]), "data": {name: data[name] for name in DATA}},
        "class_names": list(content["classes"]),
    }
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"network.{name}": value.contiguous() for name, value in portable.network.state_dict().items()}
    write_atomic(folder / WEIGHTS, serialize(_unshared(tensors), {"format": "pt"}))
    write_atomic(folder / CONFIG, (json.dumps({**own, **content, **_timm(portable, data)}, indent=2) + "\n").encode())
    write_atomic(folder / "README.md", card.encode())
    again = from_pretrained(folder)
    with torch.no_grad():
        worst = float((portable.network(*portable.inputs) - again(*portable.inputs)).abs().max())
    if worst != 0.0:
        raise ConfigError(
            f"the {portable.name} computes other values when it is rebuilt from its settings (by {worst:.2g})."
        )
    return worst


def _unshared(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies: safetensors refuses tensors that share memory."""
    return {name: value.detach().to("cpu", copy=True) for name, value in tensors.items()}


def _without_places(node: Any) -> Any:
    """Settings without the folders of this computer: of a path only the last part is kept."""
    if isinstance(node, Mapping):
        return {name: _without_places(child) for name, child in node.items()}
    if isinstance(node, list | tuple):
        return [_without_places(child) for child in node]
    if isinstance(node, str) and PurePath(node).is_absolute():
        return PurePath(node).name
    return node


def _timm(portable: Portable, data: Mapping[str, Any]) -> dict[str, Any]:
    """The keys by which timm describes a classifier's input."""
    if portable.name != "classifier":
        return {}
    channels, size = data["channels"], data["image_size"]
    pretrained = {
        "input_size": [channels, size, size], "fixed_input_size": True, "interpolation": "bicubic", "crop_pct": 1.0,
        "mean": [0.5] * channels, "std": [0.5] * channels, "num_classes": data["num_classes"],
    }  # fmt: skip
    return {"num_classes": data["num_classes"], "pretrained_cfg": pretrained}
