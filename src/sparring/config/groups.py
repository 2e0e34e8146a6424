"""The groups of a configuration and their choices, as Hydra finds them in conf/ and in folders added to it."""

from collections.abc import Iterator, Sequence

from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from sparring.config.compose import SEARCHPATH, compose_all

# Groups of which several are chosen, each under its own name: 'logger=[csv,wandb]'.
SEVERAL = ("callback", "logger", "model/regularizer", "model/transform")
WHOLE = ("data", "model")  # a choice is all of it, in several files


class Groups:
    """Looks through every folder of configurations once. To be made inside `config.hydra_at`."""

    def __init__(self, config_name: str, overrides: Sequence[str]) -> None:
        self._loader = GlobalHydra.instance().config_loader()
        self._config_name = config_name
        self._places = [item for item in overrides if item.startswith(f"{SEARCHPATH}=")]
        # The loader's own `get_group_options` reads the verb's file and copies all sources for each group: 80 times 5 ms.
        self._repository = self._loader._parse_overrides_and_create_caching_repo(config_name, self._places)[1]  # type: ignore[attr-defined]
        self._known: dict[tuple[str, ObjectType], list[str]] = {}

    def _options(self, group: str, kind: ObjectType) -> list[str]:
        if (group, kind) not in self._known:
            self._known[group, kind] = self._repository.get_group_options(group, kind)
        return self._known[group, kind]

    def choices(self, group: str) -> list[str]:
        """What may be chosen; names with an underscore are parts of others."""
        return [name for name in self._options(group, ObjectType.CONFIG) if not name.startswith("_")]

    def chosen_by(self, override: Override) -> bool:
        """Whether it chooses in a group, and is not a value for a setting."""
        name = override.key_or_group
        exists = self._options(name, ObjectType.CONFIG) or self._options(name, ObjectType.GROUP)
        return bool(exists) and not isinstance(override.value(), dict)

    def optional(self, group: str) -> bool:
        """Whether a group chooses nothing by default; then null is a choice, too."""
        choices = self._default().hydra.runtime.choices
        return group in choices and choices[group] is None

    def takes_list(self, key: str) -> bool:
        """Whether a group takes several choices, or a setting several values."""
        if key in self.names():
            return key in SEVERAL
        default = OmegaConf.select(self._default(), key, throw_on_missing=False, throw_on_resolution_failure=False)
        return default is None or OmegaConf.is_list(default)

    def of_one_part(self, group: str, names: Sequence[str]) -> bool:
        """Whether several choices of a group would become one part with the settings of all: a class is built once."""
        if group in (*SEVERAL, *WHOLE):
            return group in WHOLE
        found = (self._repository.load_config(f"{group}/{name}") for name in names)
        return sum("_target_" in each.config for each in found) > 1

    def settings(self) -> list[str]:
        """The names at the top of the configuration: the verb's own settings, and its groups."""
        own = self._loader.repository.load_config(self._config_name)  # type: ignore[attr-defined]
        return [*map(str, own.config), *self._options("", ObjectType.GROUP)]

    def names(self) -> list[str]:
        """All groups that have choices, such as `model/loss`, without Hydra's own."""
        return list(self._below(""))

    def _default(self) -> DictConfig:
        """The configuration where the command line says nothing; composing it takes 0.1 s, and only sentences need it."""
        return compose_all(self._config_name, self._places)

    def _below(self, parent: str) -> Iterator[str]:
        for name in self._options(parent, ObjectType.GROUP):
            group = f"{parent}/{name}" if parent else name
            if group != "hydra":
                yield from [group] if self.choices(group) else []
                yield from self._below(group)
