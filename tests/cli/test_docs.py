"""`sparring docs`: builds where it must, opens the first page, says where it is."""

from pathlib import Path

import pytest

from sparring.cli import docs as module
from sparring.cli.docs import docs, place
from sparring.core.errors import ConfigError
from sparring.site import build


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Addresses that the browser was asked for; the site is one empty page."""
    addresses: list[str] = []
    monkeypatch.setattr(module, "place", lambda: tmp_path / "site")
    monkeypatch.setattr(module.webbrowser, "open", addresses.append)

    def one_page(site: Path) -> None:
        site.mkdir()
        (site / "index.html").touch()

    monkeypatch.setattr(build, "build", one_page)
    monkeypatch.setattr(build, "missing", list)
    return addresses


def test_it_is_built_once_and_opened(opened: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "site" / "index.html"
    assert docs([]) == 0
    out, err = capsys.readouterr()
    assert (out, opened) == (f"{page}\n", [page.as_uri()])
    assert err.startswith("building the documentation")
    assert docs(["--no-browser"]) == 0
    assert capsys.readouterr() == (f"{page}\n", "")
    assert len(opened) == 1


def test_other_words_are_refused_and_help_is_given(opened: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match="takes no 'open': write sparring docs"):
        docs(["open"])
    assert docs(["--help"]) == 0
    assert "sparring docs [--no-browser]" in capsys.readouterr().out
    assert opened == []


def test_a_checkout_keeps_it_in_its_build_folder() -> None:
    assert place().parts[-2:] == ("build", "site")
