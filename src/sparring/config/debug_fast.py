"""`debug=fast` of the verbs that start from trained runs, and of studies: overrides with which they are over in seconds.

For `train` it is a choice of the group `debug`, since it changes parts of the configuration.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

FAST: Mapping[str, Mapping[str, int]] = {
    "generate": {"count": 10},
    "evaluate": {"count": 40, "repeats": 2},
    "attack": {"count": 8, "probe": 4},
    "explain": {
        "count": 4, "curve_steps": 4, "squares": 2, "sanity": 2, "pictured": 2, "directions": 2, "codes": 8, "units": 2,
    },
    "enhance": {"count": 8, "pictured": 2},
    "export": {},
    "report": {},
    "play": {"invert_steps": 5, "train_steps": 2},
}  # fmt: skip
# Verb -> what must be typed -> further ones; and what must not be typed -> those that are then left out.
WITH: Mapping[str, tuple[str, Mapping[str, int]]] = {
    "explain": ("generator", {"counterfactuals": 2, "restarts": 1, "invert_steps": 2})
}
WITHOUT: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "evaluate": ("images", ("count", "repeats")), "enhance": ("images", ("pictured",))
}  # fmt: skip
# Of the settings of a study, those that it has.
FAST_STUDY: Mapping[str, int | str] = {
    "replicates": 2, "steps": 2, "gan_steps": 2, "flow_steps": 2, "advgan_steps": 2, "inner_steps": 1, "pgd_steps": 2,
    "attack_steps": 2, "bpda_steps": 2, "square_queries": 5, "count": 10, "strong_count": 4, "sanity": 2, "samples": 60,
    "checks": 2, "trials": 2, "every": 1, "checkpoints": 3, "factors": "[1,2]", "losses": "[hinge,rpgan]", "regularizers": "[[]]",
}  # fmt: skip
DEFAULT = "seed_noise"  # of conf/study.yaml


def fast(verb: str, overrides: Sequence[str], folder: Path) -> list[str] | None:
    """What debug=fast stands for, without what is typed anyway; None where the verb has it as a choice.

    Args:
        overrides: all that is typed. folder: of the configuration.
    """
    if verb != "study" and verb not in FAST:
        return None
    small: dict[str, int | str] = dict(FAST.get(verb, {}))
    if verb == "study":
        has = _settings(folder, _study(folder, overrides))
        small = {f"study.{key}": value for key, value in FAST_STUDY.items() if key in has}
    typed = {item.lstrip("+").partition("=")[0] for item in overrides}
    if verb in WITH and WITH[verb][0] in typed:
        small |= WITH[verb][1]
    if verb in WITHOUT and WITHOUT[verb][0] in typed:
        small = {key: value for key, value in small.items() if key not in WITHOUT[verb][1]}
    return [f"{key}={value}" for key, value in small.items() if key not in typed]


def _study(folder: Path, overrides: Sequence[str]) -> str:
    """The study that is chosen, by itself or by a recipe."""
    chosen = dict(item.partition("=")[::2] for item in overrides)
    if "study" in chosen:
        return chosen["study"]
    recipe = _settings(folder, chosen.get("experiment/study", ""), group="experiment/study")
    for entry in recipe.get("defaults", ()):
        if isinstance(entry, dict) and "override /study" in entry:
            return str(entry["override /study"])
    return DEFAULT


def _settings(folder: Path, name: str, *, group: str = "study") -> dict[str, Any]:
    """Content of a file of the configuration; empty where there is none, which composing then says."""
    file = folder / group / f"{name}.yaml"
    content = yaml.safe_load(file.read_text("utf-8")) if file.is_file() else None
    return content if isinstance(content, dict) else {}
