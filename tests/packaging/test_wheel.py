"""What is built and installed: a wheel from the source distribution, in an environment of its own, used from empty folders.

Needs no network: the build runs with the installed hatchling, and the environment borrows the dependencies of this one.
"""

import hashlib
import json
import os
import shlex
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from sparring import __version__
from tests.conftest import CONF, ROOT, TINY
from tests.warm import Warm

pytestmark = pytest.mark.slow

MODEL = TINY[:-1]


@dataclass(frozen=True)
class Installed:
    """A bare virtual environment with the wheel."""

    folder: Path
    site_packages: Path
    home: Path

    warm: Warm

    def __call__(
        self, *words: str, cwd: Path, module: bool = False, code: int = 0, warm: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """`sparring <words>`, or `python -m sparring <words>`; no command may write into site-packages.

        Args:
            warm: start the program in a process of this environment that has imported torch, which takes 5 s, but not sparring.
        """
        program = ["python", "-m", "sparring"] if module else ["sparring"]
        environment = {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.defpath}", "HOME": str(self.home), "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        before = self.files()
        command = [str(self.folder / "bin" / program[0]), *program[1:], *words]
        if warm:
            done = self.warm.run(command, cwd=cwd, environment=environment, timeout=280)
        else:
            done = subprocess.run(
                command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=280, check=False
            )
        assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert self.files() == before
        assert "Traceback" not in done.stderr
        return done

    def files(self) -> dict[str, int]:
        """When each file of site-packages was written, in nanoseconds."""
        return {str(path): path.stat().st_mtime_ns for path in self.site_packages.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(source distribution, wheel that was built from it)."""
    folder = tmp_path_factory.mktemp("built")
    sdist = _build("sdist", ROOT, folder)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (source,) = (folder / "unpacked").iterdir()
    return sdist, _build("wheel", source, folder)


def _build(target: str, source: Path, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (file,) = folder.glob("*.tar.gz" if target == "sdist" else "*.whl")
    return file


@pytest.fixture(scope="module")
def sparring(tmp_path_factory: pytest.TempPathFactory, built: tuple[Path, Path]) -> Installed:
    folder = tmp_path_factory.mktemp("environment") / "venv"
    venv.create(folder, symlinks=True)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--isolated",
        "--python",
        str(folder),
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
    ]
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([*pip, str(built[1])], env=own, check=True, capture_output=True)
    places = sysconfig.get_paths("venv", {"base": str(folder), "platbase": str(folder)})
    site_packages = Path(places["purelib"])
    # Files with paths are read in site-packages alone, so this environment's own sparring stays out of sight.
    shared = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site_packages / "dependencies.pth").write_text("\n".join(shared) + "\n")
    return Installed(folder, site_packages, tmp_path_factory.mktemp("home"), Warm(str(folder / "bin" / "python")))


@pytest.fixture(scope="module")
def trained(sparring: Installed, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """(an empty folder in which one tiny training ran, what it said)."""
    folder = tmp_path_factory.mktemp("empty")
    return folder, sparring("train", "debug=fast", *MODEL, cwd=folder, warm=True).stderr


def test_the_wheel_carries_the_configuration_and_nothing_foreign(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        content = {name: hashlib.sha256(wheel.read(name)).hexdigest() for name in wheel.namelist()}
    expected = {f"sparring/conf/{path.relative_to(CONF).as_posix()}": path for path in CONF.rglob("*.yaml")}
    pages = [path for path in (ROOT / "docs").rglob("*") if path.is_file() and "studies" not in path.parts]
    expected |= {
        f"sparring/docs/{path.relative_to(ROOT / 'docs').as_posix()}": path for path in pages
    }  # of `sparring docs`
    for package in ("sparring", "hydra_plugins"):
        for path in (ROOT / "src" / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                expected[path.relative_to(ROOT / "src").as_posix()] = path
    assert {name: content[name] for name in expected if name in content} == {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in expected.items()
    }
    assert {name.partition("/")[0] for name in content.keys() - expected.keys()} == {
        f"sparring-{__version__}.dist-info"
    }
    assert "sparring/py.typed" in content


def test_the_source_distribution_can_be_tested_and_used(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {
        "pyproject.toml",
        "Makefile",
        "constraints.txt",
        "LICENSE",
        "tests/conftest.py",
        "tests/packaging/test_wheel.py",
    }
    assert needed | {path.name for path in (*ROOT.glob("*.py"), *ROOT.glob("*.md"), *ROOT.glob("*.cff"))} <= names
    assert not any(name.startswith((".venv", "logs/train", ".git/")) for name in names)


def test_help_version_and_typos(sparring: Installed, tmp_path: Path) -> None:
    assert "\n    train " in sparring("--help", cwd=tmp_path).stdout
    assert "\n    sparring train model=dcgan " in sparring("train", "--help", cwd=tmp_path).stdout
    for module in (False, True):
        assert sparring("--version", cwd=tmp_path, module=module).stdout == f"sparring {__version__}\n"
        typo = sparring("train", "modle=dcgan", cwd=tmp_path, module=module, code=2).stderr
        assert typo.startswith("error: there is no setting or group 'modle', did you mean model?")
        assert typo.count("\n") == 1
    assert "did you mean generate?" in sparring("genrate", cwd=tmp_path, code=2).stderr
    assert not list(tmp_path.iterdir())


def test_a_training_and_the_command_that_it_prints(sparring: Installed, trained: tuple[Path, str]) -> None:
    folder, said = trained
    (run,) = (folder / "logs" / "train").iterdir()
    assert json.loads((run / "status.json").read_text())["state"] == "finished"
    assert json.loads((run / "result.json").read_text())["environment"]["git"] is None
    (line,) = (line for line in said.splitlines() if line.startswith("Images: "))
    program, *words = shlex.split(line.removeprefix("Images: "))
    assert program == "sparring"
    sparring(*words, cwd=folder, warm=True)
    (images,) = (folder / "logs" / "generate").iterdir()
    assert (images / "images" / "grid.png").exists()
    assert sorted(path.name for path in folder.iterdir()) == ["logs"]


def test_a_measurement_keeps_its_classifier_in_the_users_cache(sparring: Installed, trained: tuple[Path, str]) -> None:
    folder, _ = trained
    (run,) = (folder / "logs" / "train").iterdir()
    sparring("evaluate", f"run={run.name}", "count=20", "repeats=1", "metric.names=[fd]", cwd=folder, warm=True)
    (classifier,) = (sparring.home / ".cache" / "sparring" / "classifiers").glob("digits-*/weights.safetensors")
    assert classifier.stat().st_size > 0


@pytest.mark.parametrize(
    ("module", "devices", "seeds"), [(False, "1,2", "1"), (True, "2", "3")], ids=["command", "module"]
)
def test_jobs_of_a_sweep_and_children_of_lightning(
    module: bool, devices: str, seeds: str, sparring: Installed, tmp_path: Path
) -> None:
    """Both are started from this process's own command line."""
    keys = ["debug=fast", *MODEL, f"trainer.devices={devices}", "trainer.accelerator=cpu", f"seed={seeds}"]
    done = sparring("train", "-m", *keys, cwd=tmp_path, module=module)
    count = len(devices.split(","))
    assert f"{count} of {count} jobs finished" in done.stdout
    runs = list((tmp_path / "logs" / "train").glob("*_sweep_*/*/result.json"))
    assert len(runs) == count
    started_with = set()
    for run in runs:
        settings = (run.parent / ".hydra" / "config.yaml").read_text()
        started_with |= {each for each in "12" if f"devices: {each}\n" in settings}
        assert json.loads(run.read_text())["clock"]["images_seen"] == 4
        start = "python -m sparring generate" if module else "sparring generate"
        assert f"{start} run={run.parent}" in done.stderr
    assert started_with == set(devices.split(","))


def test_configurations_and_classes_of_the_users_own(sparring: Installed, tmp_path: Path) -> None:
    (tmp_path / "conf" / "model" / "loss").mkdir(parents=True)
    (tmp_path / "conf" / "model" / "loss" / "mine.yaml").write_text("_target_: mine.Mine\n")
    (tmp_path / "mine.py").write_text("from sparring.model.loss.hinge import Hinge\n\n\nclass Mine(Hinge): ...\n")
    keys = ["train", "--config-dir", "conf", "model/loss=mine", "debug=fast", *MODEL]
    assert "add extensions=[mine] to the command line" in sparring(*keys, cwd=tmp_path, code=2, warm=True).stderr
    keys.append("extensions=[mine]")
    assert "PYTHONPATH=. is the working directory" in sparring(*keys, cwd=tmp_path, code=2, warm=True).stderr
    said = sparring(*keys, cwd=tmp_path, module=True).stderr  # python -m sees the working directory
    assert "'extensions=[mine]'" in said.partition("Images: ")[2]


def test_a_study(sparring: Installed, tmp_path: Path) -> None:
    """Its worker is a process that imports the program anew."""
    keys = [
        "study=seed_noise",
        "data.image_size=8",
        "study.replicates=2",
        "study.labels_per_class=[10]",
        "study.steps=20",
    ]
    sparring("study", *keys, "executor.workers=1", "dir=mine", cwd=tmp_path, warm=True)
    assert json.loads((tmp_path / "mine" / "status.json").read_text())["state"] == "finished"
