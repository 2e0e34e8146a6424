"""Building the site: with Sphinx where it is installed, and what is said where it is not."""

import os
import re
from pathlib import Path

import pytest

from sparring.core.errors import ConfigError, SparringError
from sparring.site import build as module
from sparring.site.build import build, is_current, missing


def test_without_sphinx_one_sentence_says_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "PACKAGES", {"no_such_module": "sphinx", "nor_this": "furo"})
    with pytest.raises(
        ConfigError, match=r"pip install sphinx furo, or in a checkout pip install .*-e '\.\[docs\]'\.$"
    ):
        build(tmp_path / "site")
    assert list(tmp_path.iterdir()) == []


def test_a_site_is_current_while_it_is_younger_than_its_sources(tmp_path: Path) -> None:
    assert not is_current(tmp_path)
    (tmp_path / "index.html").touch()
    assert is_current(tmp_path)
    os.utime(tmp_path / "index.html", (0, 0))
    assert not is_current(tmp_path)


def test_a_build_that_fails_leaves_the_site_that_was_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("old")
    monkeypatch.setattr(module, "missing", list)
    monkeypatch.setattr(module, "write_sources", lambda root, folder: folder.mkdir())
    monkeypatch.setattr(module.sys, "executable", "false")
    with pytest.raises(SparringError, match="Sphinx did not build the documentation"):
        build(tmp_path / "site")
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    assert (tmp_path / "site" / "index.html").read_text() == "old"


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_asks_nobody(tmp_path: Path) -> None:
    if missing():
        pytest.skip("Sphinx is not installed: pip install -c constraints.txt -e '.[docs]'")
    build(tmp_path / "site")
    assert is_current(tmp_path / "site")
    pages = {
        path.relative_to(tmp_path / "site").as_posix(): path.read_text() for path in (tmp_path / "site").rglob("*.html")
    }
    assert {"index.html", "search.html", "gallery/model_loss.html", "docs/tutorial/first_gan.html"} <= pages.keys()
    assert 'id="model-loss-hinge"' in pages["gallery/model_loss.html"]
    assert "sparring.train" in pages["reference/python.html"]
    loaded = r"<(?:script|img|iframe|link)\b[^>]*?(?:src|href)=\"(?:https?:)?//"
    assert [name for name, text in pages.items() if re.search(loaded, text)] == []
    styles = "".join(path.read_text() for path in (tmp_path / "site").rglob("*.css"))
    assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", styles)
