"""Adversarial images of a whole split as an image set, which `data/mix=images` trains on: labels are the true ones."""

import json
import sys
from collections.abc import Mapping
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from sparring.attack.advgan import AdvGANAttack
from sparring.attack.base import Attack
from sparring.attack.ensemble import Ensemble
from sparring.attack.evaluation.evaluate import AttackOutcome, predictions
from sparring.attack.evaluation.target import Target
from sparring.attack.transfer import Transfer
from sparring.core.errors import ConfigError
from sparring.core.package import VERSION
from sparring.core.pixels import normalise
from sparring.core.settings import epsilon_text
from sparring.core.types import TrainedNetwork
from sparring.data.serving import provenance
from sparring.data.serving.provenance import Provenance
from sparring.generation.export import Writers, check_formats
from sparring.generation.manifest import SCHEMA_VERSION, Ledger
from sparring.generation.sampler import Samples
from sparring.robustness.trials import TrialImages
from sparring.run import weights as weights_file
from sparring.run.directory import RunDir, write_atomic
from sparring.run.environment import git_state
from sparring.trained.runs import open_run

PIXELS = 255


def check_export(config: DictConfig, attacks: Mapping[str, Attack], epsilons: list[float], channels: int) -> None:
    """Raise ConfigError unless the settings name one set of images; a train split is for export alone."""
    if not config.export:
        if config.split not in ("val", "test"):
            raise ConfigError(
                f"split={config.split} is not what a classifier is judged on; give test or val, or export=[parquet] to "
                "make training images of it."
            )
        return
    check_formats(list(config.export), channels)
    if len(attacks) != 1 or len(epsilons) != 1:
        raise ConfigError(
            f"export={list(config.export)} writes the images of one attack at one strength and got {len(attacks)} attacks and "
            f"{len(epsilons)} epsilons; give for example attack=pgd epsilon={epsilons[0]:g}."
        )


def export(
    config: DictConfig,
    run: RunDir,
    loaded: TrainedNetwork,
    name: str,
    attack: Attack,
    outcome: AttackOutcome,
    images: TrialImages,
    target: Target,
    own: Provenance,
) -> dict[str, Any]:
    """Write the images of `outcome`, manifest and `provenance.npz` into the run; returns what result.json says of them.

    own: the images of the split. Images that the classifier has wrong without an attack stay as they are.
    Rounding to uint8 keeps every pixel within epsilon.
    """
    label = images.label.cpu()
    image = rounded(outcome.adversarial, images.pixels, attack.epsilon, attack.norm)
    samples = Samples(images.index.cpu(), label, image)
    ledger = Ledger(config.seed)
    with Writers(list(config.export), run.path, class_names=loaded.class_names) as writers:
        writers.add(samples)
        ledger.add(samples)
    files = {kind: str(writer.path.relative_to(run.path)) for kind, writer in writers.by_format.items()}
    records = [own, *_behind(config, loaded, attack)]
    provenance.save(run.path, records, run=run.path, fingerprints=loaded.origin["fingerprints"])
    write_atomic(run.path / "manifest.csv", ledger.csv(writers).encode())
    content = {
        "schema_version": SCHEMA_VERSION,
        "verb": "attack",
        "origin": loaded.origin | {"run": str(run.path), "classifier": loaded.origin["run"]},
        "settings": {
            "attack": OmegaConf.to_container(config.attack, resolve=True), "name": name, "epsilon": attack.epsilon,
            "shown": epsilon_text(attack.epsilon), "split": config.split, "count": len(label), "seed": config.seed,
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
        print(run.path / file, file=sys.stderr)
    again = predictions(target, normalise(image).to(images.image.device), config.batch_size).cpu()
    return {"files": files, "images": len(label), "accuracy": float((again == label).float().mean())}


def rounded(adversarial: Tensor, pixels: Tensor, epsilon: float, norm: str) -> Tensor:
    """Adversarial images float32 [-1, 1] as uint8, no further than epsilon from their originals `pixels` uint8.

    linf: to the nearest value within epsilon. l2: towards the original, so that no pixel's change grows.
    """
    change = (adversarial.double() + 1) / 2 * PIXELS - pixels.double()
    if norm == "linf":
        bound = int(epsilon * PIXELS + 1e-6)
        change = change.round().clamp(-bound, bound)
    else:
        change = (change.abs() + 1e-4).floor().copysign(change)
    return (pixels.double() + change).clamp(0, PIXELS).to(torch.uint8)


def _behind(config: DictConfig, loaded: TrainedNetwork, attack: Attack) -> list[Provenance]:
    """What the networks saw that the images were made with."""
    found = []
    for given in (loaded.origin["run"], *_runs(attack)):
        run = open_run(given, config.paths.log_dir)
        prints = json.loads(weights_file.stored_metadata(run.weights)["fingerprints"])
        found += provenance.load(run.path, fingerprints=prints)
    return found


def _runs(attack: Attack) -> list[str]:
    if isinstance(attack, Ensemble):
        return [run for each in attack.attacks.values() for run in _runs(each)]
    return [attack.run] if isinstance(attack, Transfer | AdvGANAttack) else []
