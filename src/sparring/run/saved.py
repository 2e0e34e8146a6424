"""What the overrides in a run directory may set when the run is resumed: that directory may come from somebody else.

What decides the numbers of a run comes back. What chooses whose code runs, where files go, to whom results are sent, or reads
the environment of this computer does not: whoever typed it can type it again, and is told so.
"""

import re
from collections.abc import Sequence

# First words of the keys that come back; `hydra`, `paths`, `extensions`, `logger` of other computers and new ones do not.
_ALLOWED = frozenset({
    "name", "seed", "report", "model", "data", "trainer", "callback", "optimizer", "experiment", "debug",
    "study", "dataset", "executor", "train", "logger",
})  # fmt: skip
_TRAINER = frozenset({
    "accelerator", "devices", "num_nodes", "max_steps", "max_epochs", "precision", "val_check_interval", "log_every_n_steps",
    "deterministic", "check_val_every_n_epoch",
})  # fmt: skip
_LOCAL_LOGGERS = frozenset({"csv", "tensorboard"})  # write into the run directory alone
# Anywhere in a key or a value, so that no nested section and no override inside of `train=[...]` hides one.
_PLACES = re.compile(r"\b(run_dir|cache_dir|log_dir|root_dir|save_dir|default_root_dir)\b")
_OUTSIDE = re.compile(r"\b(paths|hydra|extensions|logger|resume|dir)\b['\"]?\s*[.=/@:]")
# Of the command that started a run, and not meant for one that resumes it.
_NEVER = ("resume=", "dir=", "retry=", "hydra")
_RESOLVER = re.compile(r"\$\{.*:", re.DOTALL)  # `${model.width}` names a setting, `${oc.env:X}` calls something


def may_be_saved(item: str) -> bool:
    """Whether an override may come from the file of a run."""
    key, _, value = item.partition("=")
    words = re.split(r"[/.@]", key.lstrip("+~"))
    if words[0] not in _ALLOWED or _PLACES.search(item) or _RESOLVER.search(item) or _OUTSIDE.search(value):
        return False
    if words[0] == "trainer" and len(words) > 1:
        return words[1] in _TRAINER
    if words[0] == "trainer":
        return not value.startswith("{")
    if words[0] == "logger":
        chosen = [name for name in re.split(r"[\[\],'\"\s]+", value) if name]
        return len(words) == 1 and _LOCAL_LOGGERS.issuperset(chosen)
    return True


def to_type_again(overrides: Sequence[str]) -> list[str]:
    """The saved overrides that a resume needs on its command line to be what the run was."""
    return [item for item in overrides if not may_be_saved(item) and not item.lstrip("+~").startswith(_NEVER)]
