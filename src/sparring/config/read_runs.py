"""The runs that a command reads, refused before torch is imported where there is none or one of another kind."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from omegaconf import DictConfig, OmegaConf

from sparring.run.kind import NEEDS, check_holds, check_image_set, check_trained, verb_of
from sparring.run.search import find_run, is_run

Kind = Literal["model", "images"]
OF_A_MODEL = {"target": "classifier", "classifier": "classifier", "restored_by": "enhancer"}  # settings of games
SUBJECTS = ("generator", "classifier", "discriminator")  # of explain


def runs_fit(config: DictConfig) -> None:
    """Check every run that the settings name.

    Raises:
        CheckpointError: no such run, one of another schema version, or one of another kind.
    """
    from sparring.run.directory import RunDir

    log_dir = Path(config.paths.log_dir)
    for given, wanted in _networks(config):
        run = RunDir.open(find_run(given, log_dir))
        check_holds(run.path, run.config, wanted)
    for key, given in _image_sets(config):
        folder = Path(given).expanduser()
        if is_run(folder):  # else files of the user
            check_image_set(key, folder, RunDir.open(folder).config)
    if verb_of(config) == "evaluate" and config.get("reference") is not None:
        folder = find_run(str(config.reference), log_dir)
        if is_run(folder):  # else a data set
            check_trained("reference", folder, RunDir.open(folder).config)


def earlier_runs(config: DictConfig) -> list[tuple[Path, Kind, str]]:
    """(run directory, what is read of it, checkpoint) of the runs that a command reads, each once; files of the user are none."""
    log_dir, whole = Path(config.paths.log_dir), str(config.get("checkpoint") or "last")
    own = None if config.get("run") is None else str(config.run)
    found: dict[tuple[Path, Kind], str] = {}
    for given, _ in _networks(config):
        found.setdefault((find_run(given, log_dir), "model"), whole if given == own else "last")
    found |= {(Path(given).expanduser(), "images"): "last" for _, given in _image_sets(config)}
    return [(folder, kind, checkpoint) for (folder, kind), checkpoint in found.items() if is_run(folder)]


def _networks(config: DictConfig) -> Iterator[tuple[str, set[str]]]:
    """The runs whose networks are read, and which of them, one of several being enough."""
    verb = verb_of(config)
    if config.get("run") is not None:
        asked = str(config.get("subject"))
        yield str(config.run), {asked} if asked in SUBJECTS else NEEDS.get(str(verb), set())
    if verb in ("generate", "play"):
        yield from _given([(config.get("classifier"), "classifier"), (config.get("enhancer"), "enhancer")])
    if verb in ("explain", "enhance"):
        yield from _given([(config.get("classifier"), "classifier"), (config.get("generator"), "generator"),
                           (config.get("permuted"), "classifier")])  # fmt: skip
        yield from _given((given, "enhancer") for given in config.get("beside") or ())
    if verb == "attack":
        yield from _given([(config.baseline, "classifier"), (config.defence.get("generator"), "generator")])
        named = [config.attack] if "_target_" in config.attack else config.attack.values()
        for attack in named:
            if OmegaConf.is_dict(attack) and attack.get("run") is not None:
                yield str(attack.run), {"perturber" if "advgan" in str(attack.get("_target_")) else "classifier"}
    if verb == "train":
        mix = OmegaConf.select(config, "data.mix") or {}
        sieve = mix.get("filter") or {}
        yield from _given((OmegaConf.select(config, f"model.{key}"), network) for key, network in OF_A_MODEL.items())
        yield from _given([(mix.get("labeller"), "classifier"),
                           (sieve.get("classifier"), "classifier"), (sieve.get("discriminator"), "discriminator")])  # fmt: skip
    for section in ("metric.features", "callback.quality.features"):
        yield from _given([(OmegaConf.select(config, f"{section}.run"), "classifier")])


def _given(named: Iterable[tuple[Any, str]]) -> Iterator[tuple[str, set[str]]]:
    return ((str(run), {network}) for run, network in named if run is not None)


def _image_sets(config: DictConfig) -> Iterator[tuple[str, str]]:
    """(setting, path) of images that a command reads and that may be a run which drew them."""
    if verb_of(config) == "evaluate" and config.get("images") is not None:
        yield "images", str(config.images)
    for given in OmegaConf.select(config, "data.mix.images") or ():
        yield "data.mix.images", str(given)
