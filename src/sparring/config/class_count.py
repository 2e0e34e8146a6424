"""`${count_classes:${.classes},10}` in a YAML: as many classes as `data.classes` picks, else all of them.

So that networks that read `data.num_classes` follow `data.classes=[0,1,2]`. Importing this module makes OmegaConf know it.
"""

from collections.abc import Sequence

from omegaconf import OmegaConf


def count_classes(classes: Sequence[int | str] | None, every: int) -> int:
    """How many classes a data set is left with.

    Args:
        classes: `data.classes`; None for all.
        every: the number of all.
    """
    # A single class is refused later, in a sentence of its own.
    return every if classes is None else len(classes) if isinstance(classes, Sequence) else 1


OmegaConf.register_new_resolver("count_classes", count_classes, replace=True)
