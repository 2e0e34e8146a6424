"""Artifacts of W&B: what a run directory holds for later runs, and what a run takes from an earlier one.

Both sides make an artifact from the same files under the same name, so W&B sees one version: the later run's line begins
where the earlier run's ends, whichever was uploaded first.
"""

import filecmp
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sparring.run.search import study_of

if TYPE_CHECKING:
    from wandb import Artifact

Kind = Literal["model", "images"]
WEIGHTS, BEST = "weights.safetensors", "weights_best.safetensors"
LONGEST = 128  # characters of an artifact's name
_IMAGES = ("folder", "samples.parquet")
_MANIFESTS = ("manifest.csv", "manifest.json")


def name_of(folder: Path) -> str:
    """What the artifact of a run directory is called; a job of a sweep or a cell of a study begins with the folder around it.

    W&B takes 128 characters: a longer name ends in a hash of the whole.
    """
    parts = folder.parts[-2:] if "_sweep_" in folder.parent.name else (folder.name,)
    if (study := study_of(folder)) is not None:
        parts = (study.name, *folder.absolute().relative_to(study).parts[1:])
    name = re.sub(r"[^\w.-]+", "-", "-".join(parts), flags=re.ASCII)
    if len(name) <= LONGEST:
        return name
    return f"{name[: LONGEST - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def leave(run: Any, folder: Path) -> None:
    """Log on W&B what the run directory `folder` of `run` holds for later runs.

    Raises:
        Exception: whatever the SDK raises.
    """
    for artifact, aliases in _left_by(folder):
        run.log_artifact(artifact, aliases=aliases)


def _left_by(folder: Path) -> Iterator[tuple["Artifact", list[str]]]:
    """(artifact, aliases) of what a finished run left: weights, the best ones first where they are others, or images."""
    weights, best = folder / WEIGHTS, folder / BEST
    if best.is_file() and weights.is_file() and not filecmp.cmp(best, weights, shallow=False):
        yield _model(folder, best), ["best"]  # first: W&B gives `latest` to whatever comes last
        yield _model(folder, weights), ["latest"]
    elif weights.is_file():
        yield _model(folder, weights), ["latest", "best"] if best.is_file() else ["latest"]
    if (images := _images(folder)) is not None:
        yield images, ["latest"]


def use(run: Any, folder: Path, kind: Kind, *, checkpoint: str = "last") -> None:
    """Say on W&B that `run` reads the weights or the images of the run directory `folder`, if that holds such.

    Raises:
        Exception: whatever the SDK raises.
    """
    best = checkpoint == "best" and (folder / BEST).is_file()
    weights = folder / (BEST if best else WEIGHTS)
    artifact = _images(folder) if kind == "images" else _model(folder, weights) if weights.is_file() else None
    if artifact is None:
        return
    if (
        run.offline
    ):  # `use_artifact` refuses that, although the offline file has a place for it, which `wandb sync` reads
        run._log_artifact(artifact, aliases=["best" if best else "latest"], is_user_created=True, use_after_commit=True)
    else:
        run.use_artifact(artifact, aliases=["best" if best else "latest"])


def _model(folder: Path, file: Path) -> "Artifact":
    import wandb

    artifact = wandb.Artifact(name_of(folder), type="model")
    artifact.add_file(str(file), name=WEIGHTS)
    return artifact


def _images(folder: Path) -> "Artifact | None":
    import wandb

    found = [folder / name for name in _IMAGES if (folder / name).exists()]
    if not found:
        return None
    artifact = wandb.Artifact(name_of(folder), type="images")
    for path in [*found, *(folder / name for name in _MANIFESTS if (folder / name).is_file())]:
        (artifact.add_dir if path.is_dir() else artifact.add_file)(str(path), name=path.name)
    return artifact
