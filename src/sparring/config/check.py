"""Checks of the command line and the composed configuration, before anything heavy is imported.

A check that needs only the configuration goes into `CHECKS`: a function that takes the resolved configuration and
raises a SparringError.
"""

import copy
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sparring.config.allowed import check_targets
from sparring.config.compose import SEARCHPATH, as_hydra_composes, hydra_at, resolved, settled, with_values
from sparring.config.explain import no_choice, readable_errors, unparsable
from sparring.config.groups import SEVERAL, Groups
from sparring.config.read_runs import runs_fit
from sparring.config.renamed import present_name
from sparring.config.sharing import check_sharing
from sparring.config.unread import check_added, check_files, leaves
from sparring.config.values import keys, mismatch, resolves
from sparring.core.errors import ConfigError
from sparring.core.package import CONFIG_DIR
from sparring.core.wording import listing, near, near_sibling
from sparring.core.yaml_file import Unreadable, check_yaml

POSITIVE = (
    *(f"data.{name}" for name in ("batch_size", "channels", "image_size", "num_classes")),
    "trainer.max_steps",
    "trainer.max_epochs",
)


def _numbers(config: DictConfig) -> None:
    """Counts that must be positive, where a command has them; null means not given."""
    for key in POSITIVE:
        value = OmegaConf.select(config, key)
        if isinstance(value, int) and value < 1:
            raise ConfigError(f"{key}={value} must be at least 1.")


def _classes(config: DictConfig) -> None:
    classes = OmegaConf.select(config, "data.classes")
    if classes is not None and not (OmegaConf.is_list(classes) and len(classes)):
        raise ConfigError(f"data.classes={classes} must be a list with at least one class, such as data.classes=[0,1].")


CHECKS: list[Callable[[DictConfig], None]] = [check_targets, runs_fit, _classes, _numbers, check_sharing]


def check(verb: str, overrides: Sequence[str], *, config_dir: Path, sweep: bool = False, complete: bool = True) -> None:
    """Stop at the first override or setting that cannot work.

    Args:
        sweep: commas in values mean several jobs. The overrides of each are checked, and the whole configuration once
            per choice of groups: composing takes 0.1 s, and each job's own process checks all of its own.
        complete: whether settings without a value (`???`) are an error.

    Raises:
        ConfigError: one sentence that names the override, what was expected and near names.
        CheckpointError: the run that is to be read does not exist.
    """
    _check_readable(config_dir, overrides)
    with hydra_at(config_dir, verb), readable_errors(ValueError):
        groups = Groups(verb, overrides)
        parsed = [_parse(text, groups) for text in overrides]
        bases: dict[tuple[str, ...], tuple[DictConfig, DictConfig]] = {}  # as Hydra composes the choices, and settled
        for job in _jobs(parsed) if sweep else [parsed]:
            if not sweep:
                _refuse_sweeps(job, groups)
            choices = [item for item in job if groups.chosen_by(item)]
            values = [item for item in job if item not in choices]
            for item in choices:
                check_choice(item, groups)
            chosen = tuple(_line(item) for item in (*choices, *_places(values)))
            first = chosen not in bases
            if first:
                composed = as_hydra_composes(verb, chosen)
                bases[chosen] = composed, settled(copy.deepcopy(composed))
            composed, base = bases[chosen]
            for item in values:
                _check_value(item, base, groups)
            if first:
                whole = settled(with_values(composed, values)) if values else base
                _check_read(whole, base, values, groups)
                _check_whole(whole, job, complete)


def _check_read(whole: DictConfig, base: DictConfig, values: list[Override], groups: Groups) -> None:
    """Every setting that the command line or a file adds must be read by something."""
    present = set(keys(base, hydra=False))
    plus = [item for item in values if (item.is_add() or item.is_force_add()) and not item.is_hydra_override()]
    added = [key for item in plus for key in leaves(item.key_or_group, item.value()) if key not in present]
    check_added(whole, added)
    check_files(whole, [*groups.settings(), *added, "hydra"])


def _check_readable(config_dir: Path, overrides: Sequence[str]) -> None:
    """Raise ConfigError for a YAML file that Hydra could not read within bounds, in folders beside sparring's own `conf/`."""
    given = [item.partition("=")[2] for item in overrides if item.partition("=")[0] == SEARCHPATH]
    folders = re.findall(r"file://([^,'\"\]]+)", given[-1]) if given else []
    own = [] if config_dir == CONFIG_DIR else [str(config_dir)]
    for file in (file for folder in [*own, *folders] for file in sorted(Path(folder).rglob("*.yaml"))):
        try:
            check_yaml(file)
        except Unreadable as error:
            raise ConfigError(f"{file} cannot be read: {error}.") from error


def _check_whole(composed: DictConfig, job: list[Override], complete: bool) -> None:
    try:
        config = resolved(composed)
    except OmegaConfBaseException as error:
        key = next(key for key in keys(composed, hydra=False) if not resolves(composed, key))
        raise ConfigError(f"{key} cannot be worked out: {str(error).splitlines()[0]}.") from error
    # A setting that only refers to a missing one is not the user's to give.
    missing = sorted(key for key in OmegaConf.missing_keys(config) if _is_source(composed, key))
    if missing and complete:
        raise ConfigError(f"{listing(missing)} must be given: add {missing[0]}=<value> to the command line.")
    if config.get("extensions") and not any(item.key_or_group == "extensions" for item in job):
        raise ConfigError(
            "extensions was set in a file, but the code of others runs only when the command line names it."
        )
    if not missing:
        for function in CHECKS:
            function(config)


def _is_source(composed: DictConfig, key: str) -> bool:
    folder, _, name = key.rpartition(".")
    node = OmegaConf.select(composed, folder) if folder else composed
    return not OmegaConf.is_dict(node) or not OmegaConf.is_interpolation(node, name)


def _line(item: Override) -> str:
    assert item.input_line is not None
    return item.input_line


def _places(values: list[Override]) -> list[Override]:
    """Where further configurations lie: Hydra has to know before it can find choices."""
    return [item for item in values if item.key_or_group == SEARCHPATH]


def _parse(text: str, groups: Groups) -> Override:
    try:
        return OverridesParser.create(config_loader=GlobalHydra.instance().config_loader()).parse_overrides([text])[0]
    except Exception as error:
        raise unparsable(text, groups.names()) from error


def _jobs(parsed: list[Override]) -> Iterator[list[Override]]:
    """One list of overrides per job of a sweep; an interval is represented by its start."""
    parser = OverridesParser.create()

    def alternatives(item: Override) -> list[Override]:
        if not item.is_sweep_override():
            return [item]
        key = item.get_key_element()
        value = item.value()
        values = [str(value.start)] if isinstance(value, IntervalSweep) else list(item.sweep_string_iterator())
        return parser.parse_overrides([f"{key}={each}" for each in values])

    return (list(job) for job in itertools.product(*map(alternatives, parsed)))


def _refuse_sweeps(job: list[Override], groups: Groups) -> None:
    for item in job:
        if item.is_sweep_override():
            key, _, value = _line(item).partition("=")
            listed = groups.takes_list(item.key_or_group) and "(" not in value
            written = f", or write '{key}=[{value}]'" if listed else ""
            raise ConfigError(f"{_line(item)} gives several values: add -m for a job each{written}.")


def check_choice(item: Override, groups: Groups) -> None:
    """Raise ConfigError unless an override of a group names choices that exist and go together."""
    if item.is_delete():
        if item.key_or_group in SEVERAL:
            raise ConfigError(f"{_line(item)}: write {item.key_or_group}=[] for none.")
        return
    value = item.value()
    choices = groups.choices(item.key_or_group)
    if value is None:
        key = item.get_key_element()
        several = f", or write {key}=[] for none" if item.key_or_group in SEVERAL else ""
        none = f", or write ~{key} for none" if groups.optional(item.key_or_group) else several
        raise ConfigError(f"{_line(item)}: choose one of {listing(choices)}{none}.")
    for name in value if isinstance(value, list) else [value]:
        if str(name) not in choices:
            raise ConfigError(no_choice(item.key_or_group, str(name), choices))
    if isinstance(value, list) and len(value) > 1 and groups.collide(item):
        written = _line(item).partition("=")[0]
        table = f", or {written}=default for several side by side" if "default" in choices else ""
        first = next(name for name in value if name != "default")
        raise ConfigError(f"{_line(item)}: there is one place for them; choose one, such as {written}={first}{table}.")


def _meant(key: str, known: Sequence[str], groups: Groups) -> str:
    """What a key that is not there may stand for, as part of a sentence; all groups are listed (0.04 s) where they matter."""
    settings = [] if "/" in key else known
    if (sibling := near_sibling(key, settings)) and present_name(key, settings) is None:
        return sibling
    names = [*groups.names(), *settings]
    present = present_name(key, names)
    return f", did you mean {present}?" if present else near(key, names)


def _check_value(item: Override, base: DictConfig, groups: Groups) -> None:
    """An override of a setting must name one that exists and have a value of its kind; + and ++ add what they name."""
    key, given = item.key_or_group, item.value()
    known = keys(base, hydra=item.is_hydra_override())
    if item.is_add() and key in known and not isinstance(given, dict | list):
        raise ConfigError(f"{_line(item)}: {key} exists already, so give it without the plus sign.")
    if item.is_add() or item.is_force_add():
        return
    if key not in known:
        raise ConfigError(
            f"there is no setting or group '{key}'{_meant(key, known, groups)} (--cfg job shows what there is)"
        )
    if not item.is_delete() and not item.is_hydra_override():
        takes = mismatch(base, key, given)
        if takes is not None:
            raise ConfigError(f"{_line(item)}: {takes}.")
