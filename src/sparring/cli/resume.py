"""`resume=<run dir>`: the overrides of the run come back, so that only what changes needs to be typed."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from sparring.config.compose import quoted, rank
from sparring.core.errors import CheckpointError, ConfigError
from sparring.core.terminal import say
from sparring.run.kind import check_verb
from sparring.run.saved import may_be_saved, to_type_again
from sparring.run.search import find_run
from sparring.run.status import RESUME

# Tells a child of Lightning, which gets the expanded command line, that it is expanded.
_EXPANDED = "hydra.job.name=resumed"


def expand_resume(overrides: Sequence[str], *, verb: str, log_dir: Path, sweep: bool) -> list[str]:
    """`overrides` with those of the resumed run in front and its directory as Hydra's; unchanged without `resume=`.

    Hydra writes nothing into the directory: the stage first has to find that the run can be continued.

    Args:
        overrides: as typed.
        verb: that goes on.
        log_dir: where runs are looked for.
        sweep: whether the command runs several jobs.

    Raises:
        CheckpointError: the directory is missing, no run, or one of another verb.
        ConfigError: `resume=` is given twice, with `-m`, or with another `hydra.run.dir`.
    """
    given = [item.partition("=")[2].strip("'\"") for item in overrides if item.partition("=")[0] == RESUME]
    if not given or given[-1] in ("", "null") or _EXPANDED in overrides:
        return list(overrides)
    if len(given) > 1 or sweep:
        raise ConfigError("resume= continues one run: give one directory, without -m.")
    if any(item.startswith("hydra.run.dir=") for item in overrides):
        raise ConfigError("resume= goes on in the directory of the run, hydra.run.dir= cannot be given with it.")
    from sparring.run.directory import RunDir

    run = RunDir.open(find_run(given[0], log_dir))
    check_verb(run.path, run.config, verb)
    typed = [item for item in overrides if item.partition("=")[0] != RESUME]
    keys = {item.partition("=")[0] for item in typed}
    there = [item for item in run.overrides if item.partition("=")[0] not in keys]
    saved = [item for item in there if may_be_saved(item)]
    if (left_out := to_type_again(there)) and rank() == 0:
        say(
            f"Not taken from {run.path}, since a file may not set it: {shlex.join(left_out)}. Type it again if it is yours."
        )
    here = [f"resume={quoted(run.path)}", f"hydra.run.dir={quoted(run.path)}", "hydra.output_subdir=null", _EXPANDED]
    return [*saved, *typed, *here]


def expand_dir(overrides: Sequence[str], *, sweep: bool) -> list[str]:
    """`overrides` with what `dir=<study directory>` means: write there, and go on if a study was started there before.

    The settings must then be those of that study, which the stage checks.

    Raises:
        ConfigError: `dir=` is given with `-m`.
    """
    given = [item.partition("=")[2].strip("'\"") for item in overrides if item.partition("=")[0] == "dir"]
    if not given or given[-1] in ("", "null") or _EXPANDED in overrides:
        return list(overrides)
    if sweep:
        raise ConfigError("dir= is the directory of one study: leave it out with -m.")
    from sparring.run.search import is_run

    folder = Path(given[-1]).expanduser().absolute()
    here = [f"hydra.run.dir={quoted(folder)}"]
    if is_run(folder):
        here += [f"resume={quoted(folder)}", "hydra.output_subdir=null", _EXPANDED]
    return [*overrides, *here]


def refuse_used(overrides: Sequence[str]) -> None:
    """Refuse a new run in a directory that holds one, before Hydra writes into it.

    Raises:
        CheckpointError: `hydra.run.dir=` names such a directory.
    """
    for item in overrides:
        key, _, value = item.partition("=")
        folder = Path(value.strip("'\"")).expanduser()
        if key == "hydra.run.dir" and (folder / "status.json").exists():
            raise CheckpointError(
                f"{folder} already holds a run, and a new run never writes into another one; "
                f"continue it with resume={folder}, or choose another directory."
            )
