"""Files of configurations are parsed once, and composed as Hydra alone composes them."""

from pathlib import Path

import pytest
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra._internal.config_repository import ConfigRepository
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig

from sparring.config import read_once as module
from sparring.config.read_once import ReadOnce, read_once
from tests.conftest import CONF


def composed(folder: Path, name: str, *overrides: str, once: bool = True) -> DictConfig:
    with initialize_config_dir(str(folder), version_base=None):
        if once:
            read_once()
        return hydra_compose(name, overrides=list(overrides), return_hydra_config=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "part").mkdir()
    (tmp_path / "main.yaml").write_text("defaults: [{part: a}, _self_]\nseed: 1\n")
    (tmp_path / "part" / "a.yaml").write_text("width: 8\n")
    (tmp_path / "part" / "b.yaml").write_text("# @package _global_\nwide: {width: [8, 9]}\n")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verb", "overrides"),
    [
        ("train", []),
        ("train", ["model=stylegan2", "model/regularizer=[wgan_gp,r1]", "callback=[default,guard]", "seed=3"]),
        ("study", ["experiment/study=demo", "executor=process"]),
        ("evaluate", ["metric/features=lite0"]),
    ],
)
def test_the_configuration_is_that_of_hydra_alone(verb: str, overrides: list[str]) -> None:
    expected = composed(CONF, verb, *overrides, once=False)
    for _ in range(2):
        assert composed(CONF, verb, *overrides) == expected


def test_a_file_is_parsed_once_and_again_when_it_has_changed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []

    def noted(content: object) -> bytes:
        parsed.append(content)
        return dumps(content)

    dumps = module.pickle.dumps
    monkeypatch.setattr(module.pickle, "dumps", noted)
    assert composed(folder, "main").part.width == 8
    first = len(parsed)
    assert first >= 2
    assert composed(folder, "main").part.width == 8
    assert len(parsed) == first
    (folder / "part" / "a.yaml").write_text("width: 9\n")
    assert composed(folder, "main").part.width == 9
    assert len(parsed) == first + 1
    (folder / "part" / "a.yaml").unlink()
    with pytest.raises(Exception, match=r"Could not find 'part/a'"):
        composed(folder, "main")


def test_what_is_given_is_the_callers_own(folder: Path) -> None:
    with initialize_config_dir(str(folder), version_base=None):
        read_once()
        from hydra.core.global_hydra import GlobalHydra

        repository = GlobalHydra.instance().config_loader().repository  # type: ignore[attr-defined]
        assert isinstance(repository, ReadOnce)
        repository.load_config("part/b").config.wide.width.append(10)
        again = repository.load_config("part/b")
        assert again.config.wide.width == [8, 9]
        assert again.header == {"package": "_global_"}
        assert repository.load_config("part/c") is None


def test_the_same_file_in_two_places_says_where_it_was_found(folder: Path, tmp_path: Path) -> None:
    """A later folder of the search path comes to its turn where the first has no such file."""
    other = tmp_path / "other"
    (other / "part").mkdir(parents=True)
    (other / "part" / "d.yaml").write_text("width: 11\n")
    found = composed(folder, "main", f"hydra.searchpath=['file://{other}']", "part=d")
    assert found.part.width == 11
    assert {source.path for source in found.hydra.runtime.config_sources} >= {str(folder), str(other)}


def test_a_file_of_a_package_that_has_changed_is_read_again(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the working directory has a file of the same path, which has not."""
    packages, elsewhere = tmp_path_factory.mktemp("packages"), tmp_path_factory.mktemp("elsewhere")
    for place, width in ((packages, 11), (elsewhere, 1)):
        (place / "packaged" / "part").mkdir(parents=True)
        (place / "packaged" / "part" / "d.yaml").write_text(f"width: {width}\n")
        (place / "packaged" / "__init__.py").touch()
    monkeypatch.syspath_prepend(packages)
    for here in (packages.parent, elsewhere):
        monkeypatch.chdir(here)
        for width in (11, 12):
            (packages / "packaged" / "part" / "d.yaml").write_text(f"width: {width}\n")
            assert composed(folder, "main", "hydra.searchpath=['pkg://packaged']", "part=d").part.width == width


def test_hydras_own_files_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def noted(repository: ConfigRepository, config_path: str) -> ConfigResult | None:
        read.append(config_path)
        return load(repository, config_path)

    load = ConfigRepository.load_config
    monkeypatch.setattr(ConfigRepository, "load_config", noted)
    monkeypatch.setattr(module, "_READ", {})
    composed(folder, "main")
    assert "hydra/output/default" in read
    read.clear()
    composed(folder, "main")
    assert "hydra/output/default" not in read
