"""The command that chooses a leaf: which verb reads its group, and what must stand beside it."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml

from sparring.config.comments import settings_in
from sparring.site.leaves import Leaf

VERBS = ("train", "generate", "evaluate", "attack", "explain", "enhance", "export", "study", "report", "play")
_PRESETS = (
    "rpgan",
    "classifier",
    "flow",
    "advgan",
    "restorer",
    "degraded_classifier",
)  # the first that has a group shows it
_BESIDE = {
    "data/mix": ["model=classifier"],
    "data=toy2d": ["model=gan"],
    "data=folder": ["data.path=<folder>"],
    "data=webdataset": ["data.path=<folder>"],
    "data=hub": ["data.hub_id=<owner>/<name>"],
    "attack=bpda": ["defence=purify", "defence.generator=<run>"],
    "attack=defended": ["defence=purify", "defence.generator=<run>"],
    "direction=default": ["move=[sefa_1:2]"],
    "direction=boundary": ["classifier=<run>", "move=[boundary_1:2]"],
    **{f"direction={way}": [f"move=[{way}_1:2]"] for way in ("sefa", "pca", "random")},
}  # what a leaf or a group needs beside it and does not declare as ???


def command_line(leaf: Leaf, conf: Path) -> str:
    """What to type, `<...>` for what only the user knows."""
    if leaf.override == "data=arrays":  # images at hand, which no command line can hold
        return "sparring.train(data=(images, labels))"
    verb = verb_of(leaf.group, conf)
    words = ["python", f"{verb}.py"]
    if "run" in _top(verb, conf):
        words.append("run=latest")
    words += _preset(leaf, conf)
    words += [*_BESIDE.get(leaf.group, []), _chosen(leaf, verb, conf), *_BESIDE.get(leaf.override, [])]
    for name, written, _ in settings_in(leaf.file, leaf.group):
        if written == "???":
            words.append(f"{name}=<{name.rpartition('.')[2]}>")
    return " ".join(f"'{word}'" if set(word) & set("[]<>() '") and "<" not in word else word for word in words)


def verb_of(group: str, conf: Path) -> str:
    """The first verb whose configuration has the group, or else the nearest group around it."""
    for place in _around(group):
        for verb in VERBS:
            if place in dict(_defaults(str(conf / f"{verb}.yaml"))):
                return verb
    return "train"


def _chosen(leaf: Leaf, verb: str, conf: Path) -> str:
    """The override, as a list where the group takes one and beside the default where that must stay."""
    if leaf.group == "optimizer":
        return f"optimizer@model.generator_optimizer={leaf.name}"
    default = _default_of(leaf.group, verb, conf)
    if not isinstance(default, list) or leaf.group == "logger":  # a logger brings csv along
        return leaf.override
    kept = "default" in default
    part_of_default = kept and ("", leaf.name) in _defaults(str(conf / leaf.group / "default.yaml"))
    names = ["default"] if part_of_default else [*(["default"] if kept and leaf.name != "default" else []), leaf.name]
    return f"{leaf.group}=[{','.join(names)}]"


def _default_of(group: str, verb: str, conf: Path) -> object:
    """What a verb, or a preset of a model, chooses of a group."""
    top, _, inner = group.partition("/")
    if top == "model" and inner:
        chosen = [dict(_defaults(str(conf / "model" / f"{name}.yaml"))) for name in ("_gan", *_PRESETS)]
        return next((found[inner] for found in chosen if inner in found), None)
    return dict(_defaults(str(conf / f"{verb}.yaml"))).get(group)


def _preset(leaf: Leaf, conf: Path) -> list[str]:
    """The preset beside a part of a model, where the default one does not have its group."""
    top, _, inner = leaf.group.partition("/")
    if top != "model" or not inner:
        return []
    for preset in _PRESETS:
        if inner in _groups_of(conf / "model", preset):
            return [] if preset == _PRESETS[0] else [f"model={preset}"]
    return []


def _groups_of(folder: Path, preset: str) -> set[str]:
    """Groups that a preset is made of, those of the files that it builds on included."""
    found: set[str] = set()
    for key, value in _defaults(str(folder / f"{preset}.yaml")):
        found |= _groups_of(folder, value) if key == "" and isinstance(value, str) else {key}
    return found


def _around(group: str) -> Iterator[str]:
    """ "a/b/c", "a/b", "a"."""
    while group:
        yield group
        group = group.rpartition("/")[0]


def _top(verb: str, conf: Path) -> dict[str, object]:
    return _read(str(conf / f"{verb}.yaml"))


@cache
def _read(file: str) -> dict[str, object]:
    content: dict[str, object] = yaml.safe_load(Path(file).read_text("utf-8"))
    return content


def _defaults(file: str) -> list[tuple[str, object]]:
    """(group, choice) of a defaults list; ("", file) for another file that it builds on."""
    items = _read(file).get("defaults", [])
    found: list[tuple[str, object]] = []
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict):
            found += [
                (str(key).removeprefix("override ").removeprefix("/").partition("@")[0], item[key]) for key in item
            ]
        elif item != "_self_":
            found.append(("", item))
    return found
