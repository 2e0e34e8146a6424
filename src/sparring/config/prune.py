"""What a preset sets for a part goes with that part: another choice in its place does not inherit settings it lacks.

`model=sngan` gives `model/discriminator=resnet` spectral norm and `model=stylegan2` gives `r1` an interval. With
`model=sngan model/discriminator=r3gan`, or `model=stylegan2 'model/regularizer=[wgan_gp]'`, Hydra merges these settings all
the same, into a part that has no place for them.
"""

from collections.abc import Iterator
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf, open_dict

LISTS = ("model.regularizer", "model.transform")  # groups of which several are chosen, each under its own name


def prune_overrides(task: DictConfig, hydra: Any) -> None:
    """Leave out of `task`, in place, the settings that a chosen part's own file does not have.

    What the command line adds with a plus sign stays. hydra: Hydra's own node of the same composition.
    """
    typed: Any = OmegaConf.to_container(hydra.overrides.task, resolve=False)
    added = {item.lstrip("+").partition("=")[0] for item in typed if item.startswith("+")}
    for place, key in [*_without_a_place(task, hydra), *_not_chosen(task)]:
        node = OmegaConf.select(task, place)
        if not any(name == f"{place}.{key}" or name.startswith(f"{place}.{key}.") for name in added):
            with open_dict(node):
                del node[key]


def _without_a_place(task: DictConfig, hydra: Any) -> Iterator[tuple[str, str]]:
    """(part, setting) where the part's file does not have the setting."""
    repository = GlobalHydra.instance().config_loader().repository  # type: ignore[attr-defined]
    for choice, name in hydra.runtime.choices.items():
        group, _, place = choice.partition("@")
        if not choice.startswith(("model/", "optimizer@")) or name is None:
            continue
        place = place or group.replace("/", ".")
        node, file = OmegaConf.select(task, place), repository.load_config(f"{group}/{name}")
        if isinstance(node, DictConfig) and file is not None and not file.defaults_list:
            yield from ((place, str(key)) for key in node if key not in file.config)


def _not_chosen(task: DictConfig) -> Iterator[tuple[str, str]]:
    """(list of parts, part) where a part has settings but was not chosen."""
    for place in LISTS:
        node = OmegaConf.select(task, place)
        for key in node or ():
            if isinstance(node[key], DictConfig) and "_target_" not in node[key]:
                yield place, str(key)
