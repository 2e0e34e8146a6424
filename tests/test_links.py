"""Links in the pages lead somewhere: to a file of the repository, and to a heading of it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
LINK = re.compile(
    r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|^\[[^\]]+\]:\s*(\S+)|(?:src|href)=\"([^\"]+)\"", re.M
)
CODE = re.compile(r"^(```|~~~).*?^\1[^\n]*$|`[^`\n]+`", re.M | re.S)
FOREIGN = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.I)


def links(text: str) -> Iterator[str]:
    """Targets of a page's links and pictures within the repository; what stands in code is none."""
    for found in LINK.finditer(CODE.sub("", text)):
        target = next(group for group in found.groups() if group)
        if not FOREIGN.match(target):
            yield target


def anchors(text: str) -> set[str]:
    """What GitHub calls the headings of a page, and the names that it gives itself."""
    names: set[str] = set()
    headings = re.findall(
        r"^#{1,6}\s+(.+?)\s*#*$", re.sub(r"^(```|~~~).*?^\1[^\n]*$", "", text, flags=re.M | re.S), re.M
    )
    for heading in headings:
        shown = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        name = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        number = 0
        while (unique := f"{name}-{number}" if number else name) in names:
            number += 1
        names.add(unique)
    return names | set(re.findall(r"(?:id|name)=\"([^\"]+)\"", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_its_heading(page: Path) -> None:
    text = page.read_text()
    for target in links(text):
        path, _, heading = target.partition("#")
        file = page if not path else (page.parent / path).resolve()
        assert file.exists(), f"{page.name} links to {target}, and {file} is not there"
        assert file.is_relative_to(ROOT), f"{page.name} links to {target}, which is outside the repository"
        if heading and file.suffix == ".md":
            assert heading in anchors(file.read_text()), f"{page.name} links to {target}, and there is no such heading"


def test_pages_and_links_are_found() -> None:
    assert {"README.md", "CONTRIBUTING.md", "architecture.md"} <= {page.name for page in PAGES}
    text = '[a](b.md#c) ![p](p.png "t") <a href="q.html"> [x](https://x.y) `[no](no.md)`\n```\n[no](no.md)\n```\n[r]: d.md\n'
    assert list(links(text)) == ["b.md#c", "p.png", "q.html", "d.md"]
    assert anchors("# The `a` of B\n```\n# no\n```\n## One, two\n## One, two\n") == {
        "the-a-of-b",
        "one-two",
        "one-two-1",
    }
