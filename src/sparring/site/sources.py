"""The sources of the site in one folder: the repository's pages as they lie there, the generated ones beside them."""

import posixpath
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from sparring.core.package import CONFIG_DIR, FOLDER
from sparring.site import gallery, interface, settings
from sparring.site.markdown import toctree

_TOP = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
_LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)#\s]+)(?P<place>#[^)\s]*)?\)")
_CODE = re.compile(r"(^```.*?^```|^    .*?$|`[^`\n]+`)", re.MULTILINE | re.DOTALL)


def repository() -> Path:
    """The folder with docs/: that of a checkout, or the package, in which a wheel carries docs/ as it carries conf/."""
    return FOLDER if (FOLDER / "docs").is_dir() else FOLDER.parents[1]


def files(root: Path) -> list[Path]:
    """All that the site is made of, relative to `root`: pages, pictures and what they link to."""
    found = [root / name for name in _TOP]
    found += [
        path
        for folder in ("docs", "examples")
        for path in (root / folder).rglob("*")
        if "__pycache__" not in path.parts
    ]
    front_page = root / "docs" / "index.md"  # it becomes the site's own
    return sorted(path.relative_to(root) for path in found if path.is_file() and path != front_page)


def write_sources(root: Path, folder: Path) -> None:
    """Make the folder that Sphinx reads.

    Args:
        root: as `repository` finds it.
        folder: must not exist.
    """
    known = {path.as_posix() for path in files(root)}
    for path in known:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix == ".md":
            target.write_text(linked((root / path).read_text("utf-8"), path, known) + _below(path, known), "utf-8")
        else:
            shutil.copyfile(root / path, target)
    pages = {f"gallery/{name}": text for name, text in gallery.gallery(CONFIG_DIR, folder / "docs").items()}
    pages |= {f"reference/{name}": text for name, text in settings.reference(CONFIG_DIR).items()}
    pages |= {"reference/python.md": interface.reference(), "index.md": front(root, known)}
    for name, text in pages.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    shutil.copyfile(Path(__file__).with_name("sphinx_conf.py"), folder / "conf.py")


def _below(page: str, known: set[str]) -> str:
    """The table of contents of a page that has a folder of its name, such as docs/studies.md."""
    folder = f"{page.removesuffix('.md')}/"
    pages = sorted(path.removesuffix(".md") for path in known if path.startswith(folder) and path.endswith(".md"))
    return f"\n\n{toctree('', [f'/{path}' for path in pages])}\n" if pages else ""


def linked(text: str, page: str, known: set[str], *, place: str | None = None) -> str:
    """A page whose links lead somewhere on the site: to a folder's README.md, and nowhere if the site does not have the file.

    Args:
        page: path of the page in the repository.
        known: paths of all files of the site.
        place: path of the page on the site, if it is another one.
    """
    here = posixpath.dirname(page if place is None else place)

    def link(found: re.Match[str]) -> str:
        target = found["target"]
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            return found[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target))
        path = f"{path}/README.md" if f"{path}/README.md" in known else path
        if path not in known:
            return found["text"]
        return f"{found['picture']}[{found['text']}]({posixpath.relpath(path, here or '.')}{found['place'] or ''})"

    parts = _CODE.split(text)
    return "".join(part if number % 2 else _LINK.sub(link, part) for number, part in enumerate(parts))


def front(root: Path, known: set[str]) -> str:
    """The first page: docs/index.md, whose headings become parts of the table of contents, and the generated parts."""
    text = (root / "docs" / "index.md").read_text("utf-8")
    trees = [toctree(caption, pages) for caption, pages in _parts(text, known)]
    listed = set(_listed(text))
    pages = {path for path in known if path.endswith(".md") and path not in listed}
    rest = sorted(
        path[:-3] for path in pages if f"{posixpath.dirname(path)}.md" not in known
    )  # the others stand below that page
    trees += [
        toctree("Gallery", ["gallery/index"]),
        toctree("Reference", ["reference/python", "reference/settings"]),
        toctree("More", rest),
    ]
    return f"{linked(text, 'docs/index.md', known, place='index.md')}\n" + "\n\n".join(trees) + "\n"


def _parts(text: str, known: set[str]) -> Iterator[tuple[str, list[str]]]:
    """(heading, the pages of the site that its links name)."""
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        pages = [path[:-3] for path in _listed(part) if path in known]
        if pages:
            yield part.split("\n")[0], pages


def _listed(text: str) -> list[str]:
    """Pages that a part of docs/index.md links to, each once."""
    targets = (posixpath.normpath(posixpath.join("docs", found["target"])) for found in _LINK.finditer(text))
    return list(dict.fromkeys(target for target in targets if target.endswith(".md")))
