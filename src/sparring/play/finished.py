"""The runs that can be chosen on the page, by what they hold."""

from dataclasses import dataclass
from pathlib import Path

from sparring.core.errors import SparringError
from sparring.run.directory import RunDir
from sparring.run.kind import networks_of, verb_of
from sparring.run.search import is_run

MOST = 60  # runs that are looked at, the newest first


@dataclass(frozen=True)
class Offered:
    """Directories by what they hold, the newest first; running: those that have not finished."""

    generators: list[Path]
    classifiers: list[Path]
    enhancers: list[Path]
    trainings: list[Path]


def offered(log_dir: Path) -> Offered:
    """The trainings in `log_dir`/train, those of sweeps too; what cannot be read is left out."""
    folder = log_dir / "train"
    runs = [
        path.parent.parent for pattern in ("*", "*_sweep_*/*") for path in folder.glob(f"{pattern}/.hydra/config.yaml")
    ]
    runs = sorted(
        (run for run in runs if is_run(run)), key=lambda run: (run / ".hydra" / "config.yaml").stat().st_mtime
    )
    found = Offered([], [], [], [])
    for run in runs[::-1][:MOST]:
        try:
            settings = RunDir.open(run).config
        except SparringError:
            continue
        if verb_of(settings) not in (None, "train"):
            continue
        found.trainings.append(run)
        networks = networks_of(settings) or set()
        if not (run / "weights.safetensors").is_file():
            continue
        for kind, place in (
            ("generator", found.generators),
            ("classifier", found.classifiers),
            ("enhancer", found.enhancers),
        ):
            if kind in networks:
                place.append(run)
    return found
