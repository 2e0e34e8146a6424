"""The groups of a configuration and their choices, as Hydra finds them in conf/ and in folders added to it."""

from collections.abc import Sequence

from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.types import Override

from sparring.config.compose import SEARCHPATH


class Groups:
    """Looks through every folder of configurations once. To be made inside `config.hydra_at`."""

    def __init__(self, config_name: str, overrides: Sequence[str]) -> None:
        self._loader = GlobalHydra.instance().config_loader()
        self._config_name = config_name
        self._places = [item for item in overrides if item.startswith(f"{SEARCHPATH}=")]
        self._known: dict[tuple[str, ObjectType], list[str]] = {}

    def _options(self, group: str, kind: ObjectType) -> list[str]:
        if (group, kind) not in self._known:
            self._known[group, kind] = self._loader.get_group_options(group, kind, self._config_name, self._places)
        return self._known[group, kind]

    def choices(self, group: str) -> list[str]:
        """What may be chosen; names with an underscore are parts of others."""
        return [name for name in self._options(group, ObjectType.CONFIG) if not name.startswith("_")]

    def chosen_by(self, override: Override) -> bool:
        """Whether it chooses in a group, and is not a value for a setting."""
        name = override.key_or_group
        exists = self._options(name, ObjectType.CONFIG) or self._options(name, ObjectType.GROUP)
        return bool(exists) and not isinstance(override.value(), dict)

    def names(self, parent: str = "") -> list[str]:
        """All groups that have choices, such as `model/loss`, without Hydra's own."""
        groups: list[str] = []
        for name in self._options(parent, ObjectType.GROUP):
            group = f"{parent}/{name}" if parent else name
            if group != "hydra":
                groups += [group] if self.choices(group) else []
                groups += self.names(group)
        return groups
