"""report.html and report.md of a study, for readers who never saw the code; no network, no JavaScript, no other file."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sparring.core.atomic import write_atomic
from sparring.core.program import command
from sparring.report import grids
from sparring.report.forest import forest
from sparring.report.page import ReportPicture, duration, flat, machine, template
from sparring.report.pictures import data_uri
from sparring.report.plots import panel
from sparring.run.commands import config_dir_words
from sparring.run.directory import RunDir

PICTURE_BYTES = 200_000  # each, before base64
VERDICTS = {  # verdict -> (colour of the page, word)
    "HELPS": ("finished", "Helps"),
    "HURTS": ("failed", "Hurts"),
    "NO DIFFERENCE": ("finished", "No difference"),
    "OPEN": ("interrupted", "Open"),
}


def study_report(path: Path) -> Path:
    """Write `report.html` and `report.md` into the study directory `path`, from its result.json; returns the page's path.

    Raises:
        CheckpointError: `path` is no study that has ended. DiskError: a file cannot be written.
    """
    run = RunDir.open(path)
    result, overrides = run.result(), run.overrides
    write_atomic(run.path / "report.md", _markdown(result).encode())
    page = template("study.html.j2").render(view(run, result, overrides))
    write_atomic(run.report, page.encode())
    return run.report


def _after(word: str, sentence: str) -> str:
    """`sentence` behind the verdict's `word`, which it need not say again."""
    rest = sentence.removeprefix(f"{word}: ")
    return rest[:1].upper() + rest[1:]


def view(run: RunDir, result: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Variables of the template, as plain values; the template escapes them."""
    analysis = result["analysis"]
    kind, word = VERDICTS.get(analysis["verdict"], ("finished", "Conclusion"))
    first, *others = analysis["tables"] or [None]
    return {
        "folder": run.path.name,
        "name": result["name"],
        "question": analysis["question"],
        "verdict": {"kind": kind, "word": word, "sentence": _after(word, analysis["conclusion"])},
        "facts": list(_facts(result)),
        "forest": forest(analysis["comparisons"]),
        "primary": first,
        "tables": others,
        "panels": [panel(each) for each in analysis["plots"]],
        "heat_maps": [grids.heat_map(each) for each in analysis.get("heat_maps") or ()],
        "multiples": grids.multiples(analysis["multiples"], run.path) if analysis.get("multiples") else None,
        "texts": analysis.get("texts") or [],
        "compared": bool(analysis["comparisons"]),
        "pictures": list(_pictures(run.path, analysis["pictures"])),
        "pictures_title": analysis["pictures_title"],
        "checks": list(_checks(result["checks"])),
        "failed": list(_failed(result["cells"])),
        "limits": analysis["limits"],
        "overrides": [item.partition("=")[::2] for item in overrides],
        "settings": list(flat(_settings(run))),
        "costs": list(_costs(result["cost"])),
        "machine": list(machine(result["environment"])),
        "command": command("study", *overrides, *config_dir_words(run)),
        "config_hash": result["config_hash"],
    }


def _facts(result: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(label, value, small print) of the headline."""
    primary = next((each for each in result["analysis"]["comparisons"] if each["primary"]), None)
    if primary is not None:
        values = len(primary["values"])
        yield "Paired replicates", str(primary["n"]), f"of {values} planned" if primary["n"] < values else ""
    states = [cell["state"] for cell in result["cells"].values()]
    missing = len(states) - states.count("finished")
    yield "Runs", str(states.count("finished")), f"{missing} did not finish" if missing else ""
    yield "Data", str(result["data"]["name"]), ""
    yield "Computing time", duration(result["cost"]["cell_seconds"]), "of all runs together"


def _pictures(folder: Path, pictures: Sequence[Mapping[str, Any]]) -> Iterator[tuple[ReportPicture, str]]:
    for each in pictures:
        uri = data_uri(folder / each["path"], most_bytes=PICTURE_BYTES)
        if uri is not None:
            yield ReportPicture(each["title"], uri), each["note"]


def _checks(checks: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """(arms compared, how long each of their classifiers was trained)."""
    for each in checks:
        clock = each["equal_training"]
        budget = f"{clock['iteration']:,} steps on {clock['images_seen']:,} images" if clock else "no training"
        setting = f", {each['where']}" if each["where"] else ""
        yield f"{' and '.join(each['arms'])}{setting}", f"{budget}, in each of {each['cells']} runs"


def _failed(cells: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for name, cell in cells.items():
        if cell["state"] != "finished":
            yield name, f"{cell['state']}: {cell['reason']}"


def _settings(run: RunDir) -> dict[str, Any]:
    """The study's own settings and the data set's."""
    settings = run.config
    return {key: settings[key] for key in ("study", "dataset", "seed", "train", "data") if key in settings}


def _costs(cost: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for kind, each in cost["kinds"].items():
        yield kind, f"{int(each['cells'])} runs, {duration(each['seconds'])}"
    yield "All of them, this call", duration(cost["seconds"])


def _markdown(result: Mapping[str, Any]) -> str:
    analysis = result["analysis"]
    parts = [f"# {analysis['question']}"]
    conclusion = analysis["conclusion"]
    parts.append(f"**{analysis['verdict']}.** {conclusion}" if analysis["verdict"] else conclusion)
    for table in analysis["tables"]:
        parts.append(f"## {table['title']}\n\n{_markdown_table(table)}\n\n{table['note']}".rstrip())
    for each in analysis.get("heat_maps") or ():
        head, rows = grids.markdown_rows(each)
        table = {"columns": head, "rows": rows}
        parts.append(f"## {each['title']}\n\n{_markdown_table(table)}\n\n{each['note']}".rstrip())
    for text in analysis.get("texts") or ():
        parts.append(f"## {text['title']}\n\n```\n{text['content'].rstrip()}\n```")
    if failed := list(_failed(result["cells"])):
        parts.append("## Runs that did not finish\n\n" + "\n".join(f"- `{name}`: {reason}" for name, reason in failed))
    if analysis["limits"]:
        parts.append("## Limits\n\n" + "\n".join(f"- {limit}" for limit in analysis["limits"]))
    return "\n\n".join(parts) + "\n"


def _markdown_table(table: Mapping[str, Any]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(table["columns"]), line(["---"] * len(table["columns"])), *map(line, table["rows"])])
