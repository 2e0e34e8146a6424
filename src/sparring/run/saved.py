"""What the files in a run directory may set when the run is resumed: that directory may come from somebody else.

What decides the numbers of a run comes back. What chooses whose code runs, where files go, to whom results are sent, or reads
the environment of this computer does not: whoever typed it can type it again, and is told so.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Groups whose choices a verb puts into other sections, as in `metric/features@callback.quality.features=pixels`.
_PARTS = frozenset({"optimizer", "metric", "attack", "attribution", "defence", "direction", "sampling"})
_INTO = _PARTS | {"model", "data", "callback", "study"}
# First words of the keys that come back; `hydra`, `paths`, `extensions`, `logger` of other computers and new ones do not.
_ALLOWED = _INTO | {
    "name", "seed", "report", "trainer", "speed", "experiment", "debug",
    "dataset", "split_seed", "budget", "executor", "train", "logger",
}  # fmt: skip
_TRAINER = frozenset({
    "accelerator", "devices", "num_nodes", "max_steps", "max_epochs", "precision", "val_check_interval", "log_every_n_steps",
    "deterministic", "check_val_every_n_epoch",
})  # fmt: skip
_EXECUTOR = frozenset({"workers", "threads", "cpus", "gpus", "minutes"})  # no address, and no parameters of a cluster
_LOCAL_LOGGERS = ("csv", "tensorboard")  # write into the run directory alone
# Where a process writes: into the run directory, or into folders of this computer that `paths` names.
_IN_RUN = ("run_dir", "save_dir", "default_root_dir")
_ON_COMPUTER = ("cache_dir", "log_dir", "root_dir")
# Anywhere in a key or a value, so that no nested section and no override inside of `train=[...]` hides one.
_PLACES = re.compile(rf"\b({'|'.join((*_IN_RUN, *_ON_COMPUTER))})\b")
_OUTSIDE = re.compile(r"\b(paths|hydra|extensions|logger|resume|dir)\b['\"]?\s*[.=/@:]")
# Of the command that started a run, and not meant for one that resumes it.
_NEVER = ("resume=", "dir=", "retry=", "hydra")
_OF_A_START = ("paths", "logger", "resume", "dir", "retry", "report")  # not of what is computed
# What a run from before a setting existed did.
BEFORE = {
    "model.reuse_fakes": False, "data.permuted_labels": False, "data.window": None, "model.discriminator.zero_biases": True,
    "speed.cuda_graphs": False,
}  # fmt: skip
_RESOLVER = re.compile(r"\$\{.*:", re.DOTALL)  # `${model.width}` names a setting, `${oc.env:X}` calls something


def may_be_saved(item: str) -> bool:
    """Whether an override may come from the file of a run."""
    key, _, value = item.partition("=")
    group, _, place = key.lstrip("+~").partition("@")
    words = re.split(r"[/.]", group)
    if "\\" in item:  # hides what the words below look for from them, and not from Hydra
        return False
    if place and place.partition(".")[0] not in _INTO:
        return False
    if words[0] not in _ALLOWED or _PLACES.search(item) or _RESOLVER.search(item) or _OUTSIDE.search(value):
        return False
    if words[0] == "trainer" and len(words) > 1:
        return words[1] in _TRAINER
    if words[0] == "trainer":
        return re.fullmatch(r"\s*\w+\s*", value) is not None
    if words[0] == "executor":
        return words[1] in _EXECUTOR if len(words) > 1 else re.fullmatch(r"\s*\w+\s*", value) is not None
    if words[0] == "logger":
        chosen = [name for name in re.split(r"[\[\],'\"\s]+", value) if name]
        return len(words) == 1 and not place and set(_LOCAL_LOGGERS).issuperset(chosen)
    return True


def to_type_again(overrides: Sequence[str]) -> list[str]:
    """The saved overrides that a resume needs on its command line to be what the run was."""
    return [item for item in overrides if not may_be_saved(item) and not item.lstrip("+~").startswith(_NEVER)]


def settings_here(saved: Mapping[str, Any], here: Mapping[str, Any], run_dir: Path) -> dict[str, Any]:
    """The settings of a run with everything that its file may not set taken from `here`: places, loggers, Lightning's own.

    Args:
        saved: the whole configuration of the run, as plain values.
        here: the same for the same verb, composed on this computer.
        run_dir: the run.
    """
    places = {name: here["paths"][name] for name in _ON_COMPUTER} | {name: str(run_dir) for name in _IN_RUN}
    settings = {name: _placed(section, places) for name, section in saved.items()}
    trainer = {name: value for name, value in _section(settings, "trainer").items() if name in _TRAINER}
    return settings | {"paths": here["paths"], "logger": here["logger"], "trainer": here["trainer"] | trainer}


def same_settings(saved: Mapping[str, Any], here: Mapping[str, Any]) -> bool:
    """Whether two configurations describe one training or study, wherever it is written and whoever is told of it."""
    return _compared(saved) == _compared(here)


def _compared(settings: Mapping[str, Any]) -> dict[str, Any]:
    places = dict.fromkeys([*_IN_RUN, *_ON_COMPUTER], "")
    compared = {name: _placed(part, places) for name, part in settings.items() if name not in _OF_A_START}
    for key, value in BEFORE.items():  # a setting as it always was is as good as none
        *sections, name = key.split(".")
        part: Any = compared
        for section in sections:
            part = part.get(section) if isinstance(part, dict) else None
        if isinstance(part, dict) and part.get(name, value) == value:
            part.pop(name, None)
    return compared


def left_out(saved: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """The settings of a run that `settings_here` did not take, as they would be given again."""
    loggers = [f"logger={name}" for name in _section(saved, "logger") if name not in here["logger"]]
    before, now = _section(saved, "paths"), here["paths"]
    places = [name for name in ("cache_dir", "log_dir") if name in before and before[name] != now[name]]
    return [*loggers, *(f"paths.{name}={before[name]}" for name in places)]


def local_loggers(saved: Mapping[str, Any]) -> list[str]:
    """The loggers of a run that write into its directory alone."""
    return [name for name in _LOCAL_LOGGERS if name in _section(saved, "logger")]


def _section(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = settings.get(name)
    return section if isinstance(section, dict) else {}


def _placed(node: Any, places: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_placed(child, places) for child in node]
    if not isinstance(node, dict):
        return node
    return {name: places[name] if name in places else _placed(child, places) for name, child in node.items()}
