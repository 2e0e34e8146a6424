"""The folder that Sphinx reads, and the commands of the pages."""

import re
from pathlib import Path

import pytest

from sparring.config.check import check
from sparring.config.habits import translated
from sparring.site.interface import CLASSES, ERRORS, FUNCTIONS, reference
from sparring.site.markdown import escaped, table
from sparring.site.sources import files, linked, write_sources
from tests.conftest import CONF, ROOT
from tests.leaves import slow_but
from tests.site.typed import words_of

KNOWN = {"docs/a.md", "docs/b.md", "docs/p.png", "examples/x/README.md", "README.md"}


def test_links_lead_to_what_the_site_has() -> None:
    text = (
        "[a](a.md#here) [x](../examples/x) ![p](p.png) [gone](c.md) [out](https://x.y) `[b](c.md)`\n\n    [d](c.md)\n"
    )
    assert linked(text, "docs/b.md", KNOWN) == (
        "[a](a.md#here) [x](../examples/x/README.md) ![p](p.png) gone [out](https://x.y) `[b](c.md)`\n\n    [d](c.md)\n"
    )
    assert (
        linked("[a](a.md) [r](../README.md)", "docs/index.md", KNOWN, place="index.md")
        == "[a](docs/a.md) [r](README.md)"
    )


def test_special_characters_keep_their_looks() -> None:
    assert escaped("a_b * `c_d` <e> [f] {g}") == r"a\_b \* `c_d` \<e> \[f\] \{g\}"
    assert table(["a"], [["x | y"], [r"x \| y"]]) == "| a |\n| --- |\n| x \\| y |\n| x \\| y |"


@pytest.mark.slow
def test_every_page_is_in_a_table_of_contents(tmp_path: Path) -> None:
    write_sources(ROOT, tmp_path / "site")
    pages = {path.relative_to(tmp_path / "site").as_posix() for path in (tmp_path / "site").rglob("*.md")}
    listed = {"index.md"}
    for page in pages:
        text = (tmp_path / "site" / page).read_text()
        for tree in re.findall(r"^```\{toctree\}\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            names = [line for line in tree.split("\n") if line and not line.startswith(":")]
            listed |= {
                name[1:] + ".md" if name.startswith("/") else str(Path(page).parent / f"{name}.md") for name in names
            }
    assert pages == listed
    assert {"docs/zoo.md", "docs/studies/demo.md", "gallery/model_loss.md", "reference/python.md", "README.md"} <= pages
    assert (tmp_path / "site" / "conf.py").is_file()
    assert "docs/index.md" not in pages


def test_the_interface_is_complete() -> None:
    import sparring

    assert {*FUNCTIONS, *CLASSES, *ERRORS} == set(sparring.__all__) - {"__version__"}
    for name in FUNCTIONS:
        assert f"## sparring.{name}" in reference()


def commands(page: Path) -> list[str]:
    """Commands of a page: lines of indented blocks, joined where they end in a backslash, and words in backticks.

    Without remarks, and the first of the names in braces that a shell would try in turn.
    """
    text = re.sub(r" *\\\n *", " ", page.read_text())
    found = re.findall(r"^    (python \w+\.py .*|python \w+\.py)$|`(python \w+\.py[^`]*)`", text, re.MULTILINE)
    plain = (re.sub(r" {2,}.*| # .*", "", first or second) for first, second in found)
    return [re.sub(r"=\{(\w+),[\w,]+\}", r"=\1", line) for line in plain]


def test_commands_of_a_page_are_read_whole(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(
        "Type `python play.py`:\n\n    python train.py -m seed=1,2 \\\n        model=gan   # remark\n"
        "    python train.py a=1 # remark\n    python train.py experiment={x,y}_z 'b={c: 1, d: 2}'\n"
    )
    assert commands(tmp_path / "page.md") == [
        "python play.py", "python train.py -m seed=1,2 model=gan", "python train.py a=1",
        "python train.py experiment=x_z 'b={c: 1, d: 2}'",
    ]  # fmt: skip


# Mistyped on purpose, of a package of examples or one that is not installed, or a part of a command.
NOT_CHECKED = r"--help|--cfg|--config-dir|model=dcgna|resume=|hydra/sweeper=optuna|study=<name>| \.\.\."
PAGES = [page for page in (*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md") if commands(page)]


@pytest.mark.parametrize(
    "page", slow_but(PAGES, ROOT / "docs/tutorial/first_verdict.md"), ids=lambda page: page.relative_to(ROOT).as_posix()
)
def test_the_commands_of_a_page_are_accepted(page: Path) -> None:
    """They compose."""
    for line in commands(page):
        if re.search(NOT_CHECKED, line):
            continue
        verb, overrides = words_of(line)
        overrides = [item for item in overrides if not item.startswith("sweep.")]  # no part of the configuration
        check(verb, translated(verb, overrides)[0], config_dir=CONF, sweep=" -m " in line, complete=False)


def test_most_pages_have_commands_that_are_checked() -> None:
    found = [line for page in PAGES for line in commands(page) if not re.search(NOT_CHECKED, line)]
    assert len(found) > 100
    assert "docs/cluster.md" in {page.relative_to(ROOT).as_posix() for page in PAGES}


def test_the_site_is_made_of_files_of_the_repository() -> None:
    found = files(ROOT)
    assert Path("docs/notebook.ipynb") in found
    assert all((ROOT / path).is_file() for path in found)
