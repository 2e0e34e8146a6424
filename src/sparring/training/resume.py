"""Whether a run can go on under the settings given, and from where."""

import contextlib
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as L
from lightning.fabric.utilities.exceptions import MisconfigurationException

from sparring.core.errors import CheckpointError, ConfigError, is_out_of_memory
from sparring.core.wording import listing
from sparring.run.checkpoint import VerifiedCheckpointIO
from sparring.run.directory import RunDir
from sparring.run.saved import BEFORE
from sparring.run.settings import given_in
from sparring.training.settings import TrainSettings

log = logging.getLogger(__name__)

# What decides the numbers of a run. Where data lies, devices, intervals and loggers may change.
FIXED = ("seed", "model", "data", "trainer.precision", "speed.bf16")
SECTIONS = ("seed", "model", "data", "trainer", "speed")
SHOWN = 3
# What a checkpoint of a training is made of: Lightning's parts and ours.
PARTS: dict[str, Any] = {
    "state_dict": dict, "optimizer_states": list, "loops": dict, "callbacks": dict, "clock": dict, "meter": dict,
    "fingerprints": dict, "budget": int, "logger_runs": dict, "seconds": float | int,
}  # fmt: skip
PLACES = ("data.source", "data.path", "data.cache_dir", "data.storage")


def check_settings(run: RunDir, resolved: Mapping[str, Any]) -> None:
    """Compare the settings that decide a run's numbers with the ones it was started with.

    Args:
        resolved: the whole configuration as plain values.

    Raises:
        CheckpointError: they differ; names each setting, before and now.
    """
    before = run.config
    changed = _differences(before, resolved)
    different = [f"{key} was {was}, now {now}" for key, (was, now) in changed.items()]
    given = [name for name in given_in(before["model"]) if name not in given_in(resolved["model"])]
    if given:
        raise CheckpointError(
            f"{run.path} was trained with a {listing(given)} made in Python, which no command can rebuild; go on in Python with "
            f"sparring.train(resume=<run>, {given[0]}=<the network>)."
        )
    if len(different) > SHOWN + 1:
        different = [*different[:SHOWN], f"and {len(different) - SHOWN} more"]
    if different:
        raise CheckpointError(
            f"{run.path} was trained with other settings ({'; '.join(different)}); resume it without changing them"
            f"{_to_type(changed)}, or start a new run."
        )


def load_state(run: RunDir, settings: TrainSettings, budget: int, fingerprints: dict[str, str]) -> dict[str, Any]:
    """The newest checkpoint of the run that verifies; also one at the end of the budget that was not concluded.

    Args:
        budget: iterations of the whole run.
        fingerprints: of the images that are there now, by split.

    Raises:
        CheckpointError: there is none, or the images are not those that the run has trained on.
        ConfigError: the run has reached its budget and was concluded.
    """
    if not any(run.checkpoints.glob("*.ckpt")):
        raise CheckpointError(f"{run.path} has no checkpoint yet, so there is nothing to resume; start a new run.")
    saved = VerifiedCheckpointIO().load_checkpoint(run.checkpoints / "last.ckpt")
    check_parts(run.checkpoints / "last.ckpt", saved)
    iteration = saved["clock"]["iteration"]
    if iteration > budget or (iteration == budget and is_concluded(run, iteration, report=settings.report)):
        raise ConfigError(
            f"{run.path} is finished: it has trained {iteration} of {budget} iterations; "
            f"give a larger budget to train on, such as trainer.max_steps={2 * iteration}."
        )
    if saved["fingerprints"] != fingerprints:
        raise CheckpointError(
            f"{run.path} was trained on other images than data.path={settings.data_path} holds now (their fingerprints "
            "differ); give it the same images, or start a new run."
        )
    if saved["budget"] != budget and settings.scheduled:
        log.warning(
            "The learning rate follows a schedule over the whole budget: with %d iterations in place of %d it jumps now.",
            budget,
            saved["budget"],
        )
    return saved


def check_parts(file: Path, saved: Mapping[str, Any]) -> None:
    """Raise CheckpointError unless `saved`, the content of `file`, is that of a whole training."""
    missing = [name for name, kind in PARTS.items() if not isinstance(saved.get(name), kind)]
    if not missing and not all(isinstance(each, dict) for each in saved["callbacks"].values()):
        missing = ["callbacks"]
    if missing:
        raise CheckpointError(
            f"{file} has no {listing(missing)}, so it is no checkpoint of a whole training; restore it from a copy, or start a "
            "new run."
        )
    iteration = saved["clock"].get("iteration")
    if not isinstance(iteration, int) or iteration < 0:
        raise CheckpointError(f"{file} does not say its iteration; restore it from a copy, or start a new run.")


class _Started(L.Callback):
    """Whether the first training step is about to come, after everything saved was given back."""

    value = False
    saved: int | None = None  # optimizers whose state was saved; None: nothing is restored

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        # Lightning converts the module after it has restored it, which would round what was saved in float64 to float32.
        trainer.precision_plugin.convert_module(pl_module)

    def on_load_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        self.saved = len(checkpoint["optimizer_states"])

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if self.saved not in (None, len(trainer.optimizers)):  # Lightning gives back as many as there are
            raise ValueError(f"the state of {self.saved} optimizers in place of {len(trainer.optimizers)}")
        self.value = True


@contextlib.contextmanager
def restoring(trainer: L.Trainer, file: Path | None) -> Iterator[None]:
    """`trainer.fit` from the state in `file` (None: from the start) belongs inside.

    Raises:
        CheckpointError: the state has the parts of a training, and in one of them is something else than this training saves.
    """
    started = _Started()
    trainer.callbacks.append(started)  # type: ignore[attr-defined]
    try:
        yield
    except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        if file is None or started.value or is_out_of_memory(error) or isinstance(error, MisconfigurationException):
            raise
        raise CheckpointError(
            f"{file} holds something else than this training saves ({_first_line(error)}); restore it from a copy, or start a "
            "new run."
        ) from error
    finally:
        trainer.callbacks.remove(started)  # type: ignore[attr-defined]


def best_state(run: RunDir, model: L.LightningModule) -> int | None:
    """Give `model` the weights of the run's best measurement; their iteration, or None where they are unusable, which is said."""
    file = run.checkpoints / "best.ckpt"
    try:
        saved = VerifiedCheckpointIO().load_checkpoint(file)
        check_parts(file, saved)
        model.load_state_dict(saved["state_dict"])
    except (CheckpointError, RuntimeError, TypeError, AttributeError) as error:
        # The run is trained: it ends with its last weights.
        log.warning("The weights of the best measurement are not taken: %s", _first_line(error))
        return None
    return int(saved["clock"]["iteration"])


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0] or type(error).__name__


def is_concluded(run: RunDir, iteration: int, *, report: bool) -> bool:
    """Whether the run has the result of its state at `iteration`, and its page: all that follows the last training step.

    A training that has reached its budget, or that a callback has stopped, and was killed before that goes on with
    its conclusion.

    Args:
        report: whether a page is wanted.
    """
    try:
        result = run.result()
    except CheckpointError:  # not there yet, or damaged: it is made again
        return False
    same = (result.get("clock") or {}).get("iteration") == iteration and result.get("stopped") != "interrupted"
    return same and (run.report.exists() or not report)


def _to_type(changed: Mapping[str, tuple[Any, Any]]) -> str:
    """What brings settings back that nobody changed but a newer version, in its presets; empty where the model is another."""
    copies = {key for key in changed for other in changed if key != other and key.endswith(other.removeprefix("model"))}
    typed = [
        f"{key}={was}" for key, (was, _) in changed.items() if key not in copies and isinstance(was, bool | int | float)
    ]
    fits = len(typed) == len(changed) - len(copies) <= SHOWN
    return f" (where a newer version's preset did, with {' '.join(typed)})" if fits else ""


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """(then, now) of each setting in FIXED that changed."""
    old, new = BEFORE | _leaves(before), BEFORE | _leaves(now)
    keys = [key for key in {**old, **new} if key.startswith(FIXED) and not key.startswith(PLACES)]
    if not before.get("speed"):  # a run from before there was this section
        keys = [key for key in keys if not key.startswith("speed.")]
    pairs = {key: (old.get(key, "not there"), new.get(key, "not there")) for key in keys}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def _leaves(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The leaves of the sections that can hold FIXED settings, by dotted key."""
    leaves: dict[str, Any] = {}

    def walk(node: Any, key: str) -> None:
        if isinstance(node, dict) and node:
            for name, child in node.items():
                walk(child, f"{key}.{name}" if key else str(name))
        else:
            leaves[key] = node

    for name in SECTIONS:
        walk(settings.get(name, {}), name)
    return leaves
