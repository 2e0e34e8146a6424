"""Earlier names of groups and settings, which are answered with the present ones."""

import re
from collections.abc import Collection, Mapping

# Part of a group's or setting's address -> its present name; `model/code` and `model.generator.code` both hold `code`.
RENAMED: Mapping[str, str] = {
    "code": "conditioning",
    "augmentation": "transform",
    "threat": "discriminator_attack",
    "reach": "step_size",
    "never_learned": "class_ignored",
    "model_artifact": "artifacts",
}


def present_name(name: str, names: Collection[str]) -> str | None:
    """`name` with its renamed parts replaced, if that is one of `names`.

    Args:
        name: of a group (`model/code`) or a setting (`model.augmentation.flip.probability`), as typed.
        names: the groups and settings that there are.
    """
    parts = re.split(r"([./])", name)
    present = "".join(RENAMED.get(part, part) for part in parts)
    return present if present != name and present in names else None


def renamed_group(group: str) -> str | None:
    """The present name of a group that is not there; None where no part of it was renamed."""
    present = "/".join(RENAMED.get(part, part) for part in group.split("/"))
    return present if present != group else None
