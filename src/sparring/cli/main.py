"""The command line: from `sys.argv` to a checked configuration, a run directory and a call of the stage.

    train.py -> run("train") -> checks -> Hydra -> Job -> sparring.stage.train.train(config, run_dir)

`sparring train` and `python -m sparring train` come here by `cli/command.py`.

Nothing here imports torch or lightning, so help, completion and typos answer at once.
"""

import argparse
import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from sparring.cli.surroundings import note_untested_python, set_environment
from sparring.core.allocator import keep_freed_memory
from sparring.core.errors import ConfigError, Interrupted, OutOfMemoryError, SparringError, is_out_of_memory
from sparring.core.package import CONFIG_DIR
from sparring.core.program import remember_typed
from sparring.core.signals import Stop, listening, stop_number, stop_with_parent
from sparring.core.terminal import clean_logs, say

if TYPE_CHECKING:
    from sparring.cli.job import Job

_PYTHON_ERROR = 1
_MEMORY_ADVICE = "try a smaller data.batch_size, or model.accumulate=2 for less memory at the same batch"


def run(verb: str, *, config_dir: Path = CONFIG_DIR, words: Sequence[str] = ()) -> NoReturn:
    """Do what `sys.argv` asks of `verb`, with `<config_dir>/<verb>.yaml` as its configuration, and exit.

    words: those in `sys.argv` that chose the verb, before flags and overrides: `["train"]` for `sparring train seed=2`.
    """
    sys.exit(guarded(lambda: _dispatch(verb, config_dir.resolve(), words)))


def guarded(function: Callable[[], int]) -> int:
    """The exit code that `function` returns, or the one of its error, which is printed."""
    clean_logs()
    keep_freed_memory()
    stop_with_parent()
    with listening():
        try:
            return function()
        except BrokenPipeError:  # `| head` has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except (Stop, KeyboardInterrupt) as error:
            with contextlib.suppress(OSError):
                say(str(Stop(stop_number(error))))
            return 128 + stop_number(error)
        except Exception as error:
            return report(error)


def report(error: Exception) -> int:
    """Print what went wrong to stderr, errors meant for people as one sentence; the exit code that goes with it."""
    known = _known(error)
    if known is None or "SPARRING_TRACEBACK" in os.environ:
        say("".join(traceback.format_exception(error)).rstrip())
    if known is None:
        return _PYTHON_ERROR
    from sparring.config.compose import rank

    prefix = "" if isinstance(known, Interrupted) else f"error (rank {rank()}): " if rank() else "error: "
    with contextlib.suppress(OSError):  # the terminal may be gone
        say(f"{prefix}{known}")
    return known.exit_code


def _known(error: Exception) -> SparringError | None:
    """`error` as one of ours, when it is one or means one."""
    if isinstance(error, SparringError):
        return error
    if is_out_of_memory(error):
        first_line = (str(error).splitlines() or ["the system refused an allocation"])[0].rstrip(".")
        return OutOfMemoryError(f"out of memory ({first_line}); {_MEMORY_ADVICE}.")
    return None


def _dispatch(verb: str, config_dir: Path, words: Sequence[str]) -> int:
    from sparring.cli.completion import offered
    from sparring.cli.flags import flags, parse

    remember_typed()
    sys.argv[0] = os.path.abspath(sys.argv[0])  # a stage may change the working directory
    set_environment()
    arguments = parse(sys.argv[1 + len(words) :])
    if not arguments.shell_completion:
        note_untested_python()
    if arguments.config_path is not None:
        config_dir = Path(arguments.config_path)
    config_name = arguments.config_name or verb
    if arguments.help:
        say(_help(arguments, config_name, config_dir, verb=verb), file=sys.stdout)
        return 0
    from sparring.config.compose import register_resolvers

    register_resolvers()
    if arguments.shell_completion and (names := offered(verb)) is not None:
        say("\n".join(names), file=sys.stdout)
        return 0
    overrides = arguments.overrides = _with_config_dir(arguments)
    sweep = _is_sweep(arguments)
    if not (arguments.shell_completion or arguments.hydra_help or arguments.info):
        overrides = _checked(arguments, config_name, config_dir)
    from sparring.cli.job import Job

    job = Job(verb, words, [*flags(arguments), *overrides])
    sys.argv[1:] = job.arguments  # what Hydra reads
    if arguments.cfg == "job":
        from sparring.cli.comments import with_comments

        with_comments(lambda: _hydra(job, config_name, config_dir), config_name, overrides, config_dir)
        return 0
    _hydra(job, config_name, config_dir)
    if job.error is not None:
        raise job.error
    return _after_sweep(job) if sweep else 0


def _after_sweep(job: "Job") -> int:
    from sparring.cli.again import repeated
    from sparring.cli.sweep_table import summary

    outcomes = job.collected()
    return summary(outcomes, again=repeated(job, outcomes)) if outcomes else 0


def _help(arguments: argparse.Namespace, config_name: str, config_dir: Path, *, verb: str) -> str:
    """Of the verb, or of the groups that are named beside `--help`. Raises ConfigError."""
    from sparring.cli.group_help import group_help
    from sparring.cli.help import help_text

    if not arguments.overrides:
        return help_text(config_name, config_dir, verb=verb)
    own = [] if arguments.config_dir is None else [Path(arguments.config_dir)]
    return group_help(arguments.overrides, [config_dir, *own], verb=verb)


def _with_config_dir(arguments: argparse.Namespace) -> list[str]:
    """The overrides, with `--config-dir` as the setting of Hydra that all compositions of a run can see, a study's cells too."""
    overrides: list[str] = arguments.overrides
    if arguments.config_dir is None:
        return overrides
    from sparring.config.compose import SEARCHPATH, quoted

    given = [item for item in overrides if item.startswith(f"{SEARCHPATH}=")]
    places = [item.partition("=")[2].strip("[] ") for item in given[-1:]] + [quoted(f"file://{arguments.config_dir}")]
    arguments.config_dir = None
    return [*(item for item in overrides if item not in given), f"{SEARCHPATH}=[{','.join(filter(None, places))}]"]


def _is_sweep(arguments: argparse.Namespace) -> bool:
    return arguments.multirun or "hydra.mode=MULTIRUN" in arguments.overrides


def _checked(arguments: argparse.Namespace, config_name: str, config_dir: Path) -> list[str]:
    """The overrides, those of a resumed run included, after all checks."""
    from sparring.cli.again import expand_sweep
    from sparring.cli.auto import expand_auto
    from sparring.cli.early import check_early, expand_latest
    from sparring.cli.job import through_launcher
    from sparring.cli.resume import expand_dir, expand_resume, refuse_used
    from sparring.config.check import check
    from sparring.config.compose import log_dir, rank
    from sparring.config.habits import translated

    sweep = _is_sweep(arguments)
    if sweep and rank() > 0:
        raise ConfigError("-m starts the processes of each job itself: start it once, without torchrun or srun.")
    typed, notes = translated(config_name, expand_sweep(arguments.overrides, sweep=sweep))
    expanded = expand_latest(config_name, typed, log_dir=log_dir(typed))
    notes += [f"{item} is {new.partition('=')[2]}" for item, new in zip(typed, expanded, strict=True) if item != new]
    for note in notes:
        say(f"note: {note}")
    typed = expanded
    if not sweep:
        typed = expand_auto(config_name, typed, log_dir=log_dir(typed), config_dir=config_dir)
    overrides = typed
    if config_name == "study" and not any(item.startswith("resume=") for item in typed):
        overrides = expand_dir(typed, sweep=sweep)
    overrides = expand_resume(overrides, verb=config_name, log_dir=log_dir(typed), sweep=sweep)
    if overrides == typed and not sweep and rank() == 0:
        refuse_used(typed)
    complete = arguments.cfg is None  # --cfg may show what has no value yet
    check(config_name, overrides, config_dir=config_dir, sweep=sweep, complete=complete)
    if complete and not sweep and rank() == 0:
        check_early(config_name, overrides)
    return [*overrides, *through_launcher(config_name, overrides, config_dir)] if sweep else overrides


def _hydra(job: "Job", config_name: str, config_dir: Path) -> None:
    """Let Hydra compose, make the run directory and call `job`, or print what a flag asks for."""
    import hydra

    from sparring.cli.flags import leaves_mode_to_flags, mode_of_flags, unchecked_help
    from sparring.config.compose import SEARCHPATH, VERSION
    from sparring.config.explain import readable_errors
    from sparring.core.atomic import disk_error

    # Makes Hydra raise its errors in place of printing them and exiting with 1.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    main: Callable[[], None] = hydra.main(config_path=str(config_dir), config_name=config_name, **VERSION)(job)
    # Only a folder of the user's, one of these, or a file that somebody changed could ask for another mode than the flags do.
    given = [item.lstrip("+~") for item in job.arguments if item != "hydra.mode=RUN"]
    plain = config_dir == CONFIG_DIR.resolve() and not any(
        item.startswith(("hydra=", "hydra.mode=", f"{SEARCHPATH}=")) for item in given
    )
    plain = plain and leaves_mode_to_flags(config_dir)
    try:
        with readable_errors(), unchecked_help(), mode_of_flags() if plain else contextlib.nullcontext():
            main()
    except OSError as error:  # the stage's own errors are in `job.error`
        if error.filename is None:
            raise
        raise disk_error(Path(error.filename), error) from error
