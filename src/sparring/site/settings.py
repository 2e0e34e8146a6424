"""The configuration reference: every setting with its default and its comment, from the YAML files."""

from collections.abc import Iterator
from pathlib import Path

from sparring.config.comments import settings_in
from sparring.site.command_line import VERBS
from sparring.site.gallery import title
from sparring.site.leaves import all_leaves
from sparring.site.markdown import escaped, table, toctree


def reference(conf: Path) -> dict[str, str]:
    """The pages, by their name in the folder `reference` of the site: one for the verbs, one for each top group."""
    tops = sorted({leaf.group.partition("/")[0] for leaf in all_leaves(conf)})
    pages = {f"{top}.md": _group_page(top, conf) for top in tops}
    return {"verbs.md": _verbs_page(conf), **pages, "settings.md": _index(tops)}


def _index(tops: list[str]) -> str:
    text = (
        "# Configuration\n\nEvery setting of `conf/`, as it is typed on the command line, with its default and what it means. "
        "A value `${...}` refers to another setting; `???` must be given. `python train.py --cfg job` shows all with the "
        "values of a run.\n"
    )
    return f"{text}\n{toctree('Configuration', ['verbs', *tops], hidden=False)}\n"


def _verbs_page(conf: Path) -> str:
    parts = ["# Settings of the verbs"]
    for verb in VERBS:
        parts += [f"## {verb}", _table(conf / f"{verb}.yaml", "")]
    return "\n\n".join(parts) + "\n"


def _group_page(top: str, conf: Path) -> str:
    return "\n\n".join([f"# Settings of {top}", *_sections(top, conf)]) + "\n"


def _sections(top: str, conf: Path) -> Iterator[str]:
    """A table for each file of a group that has settings, those that others build on first."""
    for folder in [conf / top, *sorted(path for path in (conf / top).rglob("*") if path.is_dir())]:
        group = folder.relative_to(conf).as_posix()
        files = sorted(folder.glob("*.yaml"), key=lambda file: (not file.name.startswith("_"), file.name))
        tables = [(file, rows) for file in files if (rows := _table(file, group))]
        yield f"## {escaped(title(group))}"
        if not tables:
            yield "No settings."
        for file, rows in tables:
            base = file.name.startswith("_")
            yield f"### {escaped(f'{group}: what all build on' if base else f'{group}={file.stem}')}\n\n{rows}"


def _table(file: Path, group: str) -> str:
    found = settings_in(file, group)
    rows = [(f"`{name}`", f"`{written}`" if written else "", escaped(comment)) for name, written, comment in found]
    return table(["Setting", "Default", "Meaning"], rows) if rows else ""
