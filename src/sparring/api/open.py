"""`sparring.open`: a run by its directory or name."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparring.api.run import Run
from sparring.config.build import Builder
from sparring.config.compose import log_dir
from sparring.core.errors import CheckpointError
from sparring.run.directory import RunDir
from sparring.run.search import find_run, is_run

if TYPE_CHECKING:
    from torch import nn

LATEST = "latest"


def open(
    run: "str | Path | Run" = LATEST,
    *,
    generator: "nn.Module | None" = None,
    discriminator: "nn.Module | None" = None,
    backbone: "nn.Module | None" = None,
    data: Any = None,
    extensions: Sequence[str] = (),
) -> Run:
    """A run of any verb, by its directory, by its name below logs/, or the newest of logs/train ("latest").

    >>> import sparring
    >>> trained = sparring.train("data.image_size=8", "trainer.max_steps=2", "report=false")
    >>> run = sparring.open("latest")
    >>> run.path == trained.path == sparring.open(trained.path.name).path
    True

    Args:
        run: a `Run` keeps the networks that it has.
        generator, discriminator, backbone: the networks that were given to `sparring.train`; their weights come from the run,
            and the networks themselves stay as they are.
        data: the images that were given to `sparring.train`, where the cache no longer holds them.
        extensions: your own packages whose classes the run's configuration may build.

    Raises:
        CheckpointError: there is no such run; names those that may have been meant. ConfigError: a network was given that the
            run builds by itself. DataError: the images are not those that it was trained on.
    """
    logs = log_dir([])
    if isinstance(run, Run):
        directory = RunDir.open(run.path)
    elif str(run) == LATEST and not Path(LATEST).exists():
        directory = RunDir.open(_newest(logs / "train"))
    else:
        directory = RunDir.open(find_run(str(run), logs))
    networks = {"generator": generator, "discriminator": discriminator, "backbone": backbone}
    given = {name: network for name, network in networks.items() if network is not None}
    if isinstance(run, Run):
        given, extensions = {**run.networks, **given}, (*run.build.extensions, *extensions)
    build = Builder(tuple(extensions))
    if given or data is not None:
        from sparring.api.reopen import check_given, give_back  # torch, which reading a run does not need

        check_given(directory, given)
        if data is not None:
            give_back(directory, data, build=build)
    return Run(directory, networks=given, build=build)


def _newest(folder: Path) -> Path:
    """The run that was started last. Raises CheckpointError: there is none."""
    runs = [child for child in folder.iterdir() if is_run(child)] if folder.is_dir() else []
    if not runs:
        raise CheckpointError(f"{folder} holds no run: train one with sparring.train().")
    return max(runs, key=lambda run: (run / ".hydra" / "config.yaml").stat().st_mtime_ns)
