"""Adversarial images of a whole split as an image set, which `data/mix=images` trains on: labels are the true ones."""

import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sparring.attack.advgan import AdvGANAttack
from sparring.attack.base import Attack
from sparring.attack.ensemble import Ensemble
from sparring.attack.evaluation.evaluate import AttackOutcome, predictions
from sparring.attack.transfer import Transfer
from sparring.core.errors import ConfigError
from sparring.core.package import VERSION
from sparring.core.pixels import normalise
from sparring.core.settings import epsilon_text
from sparring.core.terminal import say
from sparring.core.types import TrainedNetwork
from sparring.data.serving import provenance
from sparring.data.serving.provenance import Provenance
from sparring.generation.export import Writers, check_formats
from sparring.generation.manifest import SCHEMA_VERSION, Ledger
from sparring.generation.sampler import Samples
from sparring.robustness.attacked import AttackSetup
from sparring.robustness.settings import AttackSettings
from sparring.run import weights as weights_file
from sparring.run.directory import RunDir, write_atomic
from sparring.run.environment import git_state
from sparring.trained.runs import Runs

PIXELS = 255


def check_export(settings: AttackSettings, attacks: Mapping[str, Attack], channels: int) -> None:
    """Refuse settings that do not name one set of images.

    Args:
        attacks: those chosen, by name.
        channels: of an image.

    Raises:
        ConfigError: several attacks or strengths, a format that cannot hold the images, or a train split without export.
    """
    if not settings.export:
        if settings.split == "train":
            raise ConfigError(
                "split=train measures nothing, as the classifier was trained on it; give test or val, or export=[parquet] to "
                "make training images of it."
            )
        return
    check_formats(list(settings.export), channels)
    if len(attacks) != 1 or len(settings.epsilons) != 1:
        raise ConfigError(
            f"export={list(settings.export)} writes the images of one attack at one strength and got {len(attacks)} attacks "
            f"and {len(settings.epsilons)} epsilons; give for example attack=pgd epsilon={settings.epsilons[0]:g}."
        )


def export(
    name: str, attack: Attack, outcome: AttackOutcome, attacked: AttackSetup, *, runs: Runs, run: RunDir
) -> dict[str, Any]:
    """Write the images of `outcome`, manifest and `provenance.npz` into `run`; returns what result.json says of them.

    Images that the classifier has wrong without an attack stay as they are. Rounding to uint8 keeps every pixel within
    epsilon.

    Args:
        name, attack: under which name the images were made with what, at one strength.

    Raises:
        CheckpointError: a run that the images were made with is gone. DiskError.
    """
    settings, loaded, images = attacked.settings, attacked.loaded, attacked.images
    label = images.label.cpu()
    image = rounded(outcome.adversarial, images.pixels, attack.epsilon, attack.norm)
    samples = Samples(images.index.cpu(), label, image)
    ledger = Ledger(settings.seed)
    with Writers(list(settings.export), run.path, class_names=loaded.class_names) as writers:
        writers.add(samples)
        ledger.add(samples)
    files = {kind: str(writer.path.relative_to(run.path)) for kind, writer in writers.by_format.items()}
    records = [attacked.data.record(settings.split, role="trained"), *_sources(runs, loaded, attack)]
    provenance.save(run.path, records, run=run.path, fingerprints=loaded.origin["fingerprints"])
    write_atomic(run.path / "manifest.csv", ledger.csv(writers).encode())
    content = {
        "schema_version": SCHEMA_VERSION,
        "verb": "attack",
        "origin": loaded.origin | {"run": str(run.path), "classifier": loaded.origin["run"]},
        "settings": {
            "attack": settings.attack, "name": name, "epsilon": attack.epsilon, "shown": epsilon_text(attack.epsilon),
            "split": settings.split, "count": len(label), "seed": settings.seed,
        },
        "shape": ledger.shape,
        "class_names": list(loaded.class_names),
        "images_per_label": {str(k): int((label == k).sum()) for k in sorted(set(label.tolist()))},
        "images_sha256": ledger.fingerprint,
        "files": files,
        "code": {"sparring": VERSION, "git": git_state()},
    }  # fmt: skip
    write_atomic(run.path / "manifest.json", (json.dumps(content, indent=2) + "\n").encode())
    for file in (*files.values(), "manifest.json"):
        say(str(run.path / file))
    again = predictions(attacked.target, normalise(image).to(images.image.device), settings.batch_size).cpu()
    return {"files": files, "images": len(label), "accuracy": float((again == label).float().mean())}


def rounded(adversarial: Tensor, pixels: Tensor, epsilon: float, norm: str) -> Tensor:
    """Adversarial images as uint8, no further than epsilon from their originals.

    Args:
        adversarial: (N, C, H, W) float32 in [-1, 1].
        pixels: the originals, (N, C, H, W) uint8.
        epsilon: fraction of the pixel range.
        norm: linf rounds to the nearest value within epsilon; l2 towards the original, so that no pixel's change grows.
    """
    change = (adversarial.double() + 1) / 2 * PIXELS - pixels.double()
    if norm == "linf":
        bound = int(epsilon * PIXELS + 1e-6)
        change = change.round().clamp(-bound, bound)
    else:
        change = (change.abs() + 1e-4).floor().copysign(change)
    return (pixels.double() + change).clamp(0, PIXELS).to(torch.uint8)


def _sources(runs: Runs, loaded: TrainedNetwork, attack: Attack) -> list[Provenance]:
    """What the networks were trained on that the images were made with."""
    records = []
    for given in (loaded.origin["run"], *_runs(attack)):
        run = runs.open(given)
        fingerprints = json.loads(weights_file.stored_metadata(run.weights)["fingerprints"])
        records += provenance.load(run.path, fingerprints=fingerprints)
    return records


def _runs(attack: Attack) -> list[str]:
    if isinstance(attack, Ensemble):
        return [run for each in attack.attacks.values() for run in _runs(each)]
    return [attack.run] if isinstance(attack, Transfer | AdvGANAttack) else []
