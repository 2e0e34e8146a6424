"""The gallery: a page for each group of conf/, an entry for each of its choices."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from sparring.site.command_line import command_line
from sparring.site.leaves import Leaf, all_leaves
from sparring.site.markdown import code, escaped, paragraph, toctree

TITLES = {
    "model": "Presets", "experiment": "Experiments", "experiment/study": "Pinned studies", "study": "Studies",
    "data": "Data sets", "data/mix": "Mixed data", "model/loss": "Losses", "model/regularizer": "Regularizers",
    "model/generator": "Generators", "model/discriminator": "Discriminators", "model/conditioning": "Conditioning",
    "model/head": "Heads", "model/augment": "Augmentations of D's images", "model/selection": "Selection",
    "model/schedule": "Schedules", "model/discriminator_attack": "Attacks on the discriminator",
    "model/backbone": "Classifiers", "model/transform": "Transforms of a classifier's images",
    "model/robust": "Adversarial training", "model/perturber": "Perturbers of AdvGAN", "model/enhancer": "Enhancers",
    "model/degradation": "Degradations", "model/velocity": "Velocity networks", "model/solver": "Solvers",
    "optimizer": "Optimizers", "attack": "Attacks", "defence": "Defences", "attribution": "Attribution methods",
    "direction": "Latent directions", "sampling": "Sampling", "metric": "Metrics",
    "metric/features": "Features of metrics", "callback": "Callbacks", "logger": "Loggers", "executor": "Executors",
    "trainer": "Trainers", "speed": "Speed", "debug": "Debugging", "paths": "Paths", "hydra": "Hydra",
}  # fmt: skip
_ABOVE = {"model": ["zoo_digits.png", "zoo_fashion_mnist.png"]}  # pictures of a whole group, in docs/


def page_name(group: str) -> str:
    return group.replace("/", "_")


def title(group: str) -> str:
    return TITLES.get(group, group)


def gallery(conf: Path, docs: Path) -> dict[str, str]:
    """The pages, by their name in the folder `gallery` of the site.

    Args:
        conf: folder of configurations.
        docs: folder with the pictures, which lies beside that of the gallery.
    """
    known = {group: list(found) for group, found in groupby(all_leaves(conf), key=lambda leaf: leaf.group)}
    order = sorted(known, key=lambda group: (list(TITLES).index(group) if group in TITLES else len(TITLES), group))
    pages = {f"{page_name(group)}.md": _page(group, known[group], conf, docs) for group in order}
    listed = "\n".join(f"- [{title(group)}]({page_name(group)}.md): {_names(known[group])}" for group in order)
    index = f"# Gallery\n\nEvery choice of `conf/`, with the command that chooses it.\n\n{listed}\n"
    return {"index.md": f"{index}\n{toctree('Gallery', map(page_name, order))}\n", **pages}


def _names(leaves: Sequence[Leaf]) -> str:
    return ", ".join(f"[{leaf.name.replace('_', ' ')}](#{leaf.anchor})" for leaf in leaves)


def _page(group: str, leaves: Sequence[Leaf], conf: Path, docs: Path) -> str:
    settings = f"[Settings of this group](../reference/{group.partition('/')[0]}.md)."
    intro = [f"# {title(group)}", f"`{group}=<choice>`, files in `conf/{group}/`. {settings}"]
    intro += [
        _picture(docs / name, f"samples of the presets, {name}")
        for name in _ABOVE.get(group, [])
        if (docs / name).is_file()
    ]
    return "\n\n".join([*intro, *(entry(leaf, conf, docs) for leaf in leaves)]) + "\n"


def entry(leaf: Leaf, conf: Path, docs: Path) -> str:
    """What it is, the command, its file, and pictures where there are some."""
    language = "python" if (command := command_line(leaf, conf)).startswith("sparring.") else "bash"
    own = [escaped(" ".join(leaf.comment))] if leaf.comment else []
    parts = [f"({leaf.anchor})=\n## {escaped(leaf.name)}", *map(paragraph, leaf.prose), *([] if leaf.prose else own)]
    parts += [
        code(command, language),
        code(leaf.text, "yaml"),
        *(_picture(file, leaf.override) for file in pictures(leaf, docs)),
    ]
    parts += [f"As it came out: {_links(found)}." for found in [results(leaf, docs)] if found]
    return "\n\n".join(parts)


def pictures(leaf: Leaf, docs: Path) -> Iterator[Path]:
    """Those that the file of the leaf names, that of a page which is called like it, and the first one of a study."""
    named = [docs / f"{name}.png" for name in ("digits", "fashion_mnist", "cifar10") if f"docs/{name}.png" in leaf.text]
    own = [docs / f"{leaf.name}.png"] if leaf.group in ("model", "study") and leaf.name in ("flow", "enhance") else []
    studies = sorted((docs / "studies").glob(f"{leaf.name}*.png"))[:1] if leaf.group.endswith("study") else []
    yield from (file for file in [*named, *own, *studies] if file.is_file())


def results(leaf: Leaf, docs: Path) -> list[Path]:
    """Pages of a study's runs."""
    return sorted((docs / "studies").glob(f"{leaf.name}*.md")) if leaf.group.endswith("study") else []


def _links(files: Sequence[Path]) -> str:
    return ", ".join(f"[{file.stem}](../docs/studies/{file.name})" for file in files)


def _picture(file: Path, what: str) -> str:
    place = "studies/" if file.parent.name == "studies" else ""
    return f"![{what}](../docs/{place}{file.name})"
