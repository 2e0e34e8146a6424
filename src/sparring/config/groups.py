"""The groups of a configuration and their choices, as Hydra finds them in conf/ and in folders added to it."""

from collections.abc import Iterator, Sequence

from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sparring.config.allowed import parts
from sparring.config.compose import SEARCHPATH, compose_all

# Groups of which several are chosen, each under its own name: 'logger=[csv,wandb]'.
SEVERAL = ("callback", "logger", "model/regularizer", "model/transform")


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

    def collide(self, override: Override) -> bool:
        """Whether choices of a list would be mixed: two of them build different classes in the same place.

        A file of settings alone goes together with any, and so do choices of the same classes. Composes each (0.2 s).
        """
        if override.key_or_group in SEVERAL:
            return False
        written = str(override.input_line).partition("=")[0]
        place = override.package or override.key_or_group.replace("/", ".")
        built: list[dict[str, str]] = []
        for name in override.value():  # type: ignore[union-attr]
            try:
                config = compose_all(self._config_name, [*self._places, f"{written}={name}"])
            except (HydraException, OmegaConfBaseException):  # no whole choice, or no place for one: Hydra says so
                continue
            node = OmegaConf.select(config, place, throw_on_missing=False, throw_on_resolution_failure=False)
            below = parts(OmegaConf.to_container(node, resolve=False), "") if OmegaConf.is_dict(node) else ()
            classes = {
                key: str(child["_target_"]) for key, child in below if isinstance(child, dict) and "_target_" in child
            }
            if classes:
                built.append(classes)
        return any(each != built[0] for each in built)

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
