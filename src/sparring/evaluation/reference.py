"""The reference classifier of a data set, a feature network: trained once, on the train split alone, and cached."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf, open_dict

from sparring.config.build import build
from sparring.config.compose import compose_all, hydra_at, quoted, resolved
from sparring.config.plain import plain
from sparring.core.atomic import write_atomic
from sparring.core.errors import CheckpointError
from sparring.core.package import CONFIG_DIR, VERSION
from sparring.core.progress import working
from sparring.core.signals import tied_children
from sparring.core.terminal import say
from sparring.core.types import TrainedNetwork
from sparring.data.module.image_data import ImageData
from sparring.metric.features.base import Features
from sparring.metric.features.classifier import ClassifierFeatures
from sparring.run.directory import SCHEMA_VERSION, RunDir
from sparring.run.environment import config_hash
from sparring.trained.runs import Runs

EXPERIMENT = "reference_classifier"
# The whole train split, whatever part of it a run uses and mixes with others: features must not change with what is measured.
WHOLE = {"labels_per_class": None, "label_fraction": None, "imbalance": None, "mix": None, "seed": 0, "subset_seed": 0}
# Set by launchers; a training in a process of its own must not join the one that started it.
LAUNCHED = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "NODE_RANK", "GROUP_RANK", "MASTER_ADDR", "MASTER_PORT", "SLURM_PROCID",
            "SLURM_NTASKS", "TORCHELASTIC_RUN_ID", "LOCAL_WORLD_SIZE", "PL_GLOBAL_SEED")  # fmt: skip


def attach_network(features: Features, *, data: Mapping[str, Any], cache_dir: Path, runs: Runs) -> Features:
    """Make an extractor ready for use: a `classifier` gets the network of the run it names, or the reference classifier.

    Args:
        features: the extractor, which is changed in place and returned.
        data: the settings of the images that are to be measured, as plain values.
        cache_dir: holds the reference classifiers.
        runs: where a run that the extractor names is searched.

    Raises:
        CheckpointError: the run named is no classifier, or the reference could not be trained.
    """
    features.expect(channels=data["channels"], image_size=data["image_size"])
    if not isinstance(features, ClassifierFeatures):
        return features
    run = features.run
    loaded = runs.classifier(run) if run is not None else reference_classifier(data, cache_dir)
    origin = {"trained_on": loaded.origin["fingerprints"]["train"], "iteration": loaded.origin["iteration"]}
    features.attach(
        loaded.network, channels=loaded.channels, image_size=loaded.image_size, weights=loaded.origin["weights_sha256"],
        **origin,
    )  # fmt: skip
    return features


def reference_classifier(data: Mapping[str, Any], cache_dir: Path) -> TrainedNetwork:
    """The classifier of a data set, which is trained where the cache does not have it.

    It is trained in a process of its own, so that it shares nothing with the run that needs it.

    Args:
        data: settings of the data set, as plain values.
        cache_dir: holds `classifiers/`.

    Raises:
        CheckpointError: the training failed.
    """
    classifiers = cache_dir.expanduser() / "classifiers"
    classifiers.mkdir(parents=True, exist_ok=True)
    identity = [_recipe_hash(data, classifiers), _train_fingerprint(data), SCHEMA_VERSION]
    key = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]
    folder = classifiers / f"{data['name']}-{key}"
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second process waits for the first one's result
        if not (folder / "result.json").exists():
            _train(data, folder)
    return Runs().classifier(RunDir.open(folder))


def _recipe_hash(data: Mapping[str, Any], classifiers: Path) -> str:
    """`config_hash` of the recipe. Composing it takes 2 s, so it is cached by the bytes of conf/ and the data's settings."""
    settings = json.dumps(data, sort_keys=True)
    texts = [file.read_bytes() for file in sorted(CONFIG_DIR.rglob("*.yaml"))]
    given = hashlib.sha256(b"\0".join([VERSION.encode(), settings.encode(), *texts])).hexdigest()
    file = classifiers / f"recipe-{given[:16]}.txt"
    if not file.exists():
        write_atomic(file, config_hash(_recipe(data, Path("unused"))).encode())
    return file.read_text()


def _recipe(data: Mapping[str, Any], run_dir: Path) -> dict[str, Any]:
    """`experiment=reference_classifier` on a data set, as plain values; small random shifts, mirrored where the data are."""
    with hydra_at(CONFIG_DIR, "train"):
        config = compose_all(
            "train", [f"experiment={EXPERIMENT}", "name=reference", f"paths.run_dir={quoted(run_dir)}"]
        )
        batch = {"batch_size": config.data.batch_size, "crop": max(1, data["image_size"] // 14)}
        with open_dict(config):
            config.data = {**data, **WHOLE, **batch}
        return plain(resolved(config))


def _train_fingerprint(data: Mapping[str, Any]) -> str:
    opened: ImageData = build({**data, **WHOLE}, section="data")
    opened.setup("fit")
    return opened.fingerprints()["train"]


def _train(data: Mapping[str, Any], folder: Path) -> None:
    """Train into a temporary folder, then rename it to `folder`: the cache holds whole runs only."""
    say(f"Training the reference classifier of {data['name']} for the metrics, once ...")
    temporary = Path(tempfile.mkdtemp(prefix=f".tmp-{folder.name}-", dir=folder.parent))
    try:
        settings = temporary / "config.yaml"
        settings.write_text(OmegaConf.to_yaml(_recipe(data, temporary / "run")))
        environment = {name: value for name, value in os.environ.items() if name not in LAUNCHED}
        command = [sys.executable, "-m", "sparring.cli.call", "train", str(settings), str(temporary / "run")]
        with tied_children() as (tie, descriptors), working(f"reference classifier of {data['name']}"):
            done = subprocess.run(
                command, env=environment | tie, pass_fds=descriptors, capture_output=True, text=True, check=False
            )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise CheckpointError(f"The reference classifier could not be trained: {last}")
        shutil.rmtree(folder, ignore_errors=True)  # left by a kill between rename and result
        os.rename(temporary / "run", folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
