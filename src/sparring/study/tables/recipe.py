"""A training as the command that starts it and as a file of the configuration."""

from collections.abc import Sequence

import yaml
from omegaconf import OmegaConf

from sparring.core.program import command
from sparring.study.tables.grids import Text

GROUPS = ("model", "data", "trainer", "callback", "logger")  # of train.yaml, besides those with a slash
FOLDER = "conf"  # of the study's directory: what --config-dir names


def training_texts(overrides: Sequence[str], *, name: str) -> list[Text]:
    """Two texts of the same training.

    Args:
        overrides: of train.py.
        name: of the experiment that the file becomes.
    """
    typed = command("train", *overrides)
    return [
        Text("Train at the recommended setting", typed),
        Text(
            "The same as a recipe",
            experiment_yaml(overrides, header=f"The setting that study={name} recommends: {typed}"),
            f"{FOLDER}/experiment/{name}.yaml",
        ),
    ]


def experiment_yaml(overrides: Sequence[str], *, header: str) -> str:
    """A file for `conf/experiment/`: choices of groups become its defaults list, settings its content.

    Overrides that a file cannot hold (`~key`) are named in a comment.

    Args:
        overrides: as on the command line of train.py.
        header: a line for its top.
    """
    choices, values, rest = [], [], []
    for item in overrides:
        key, _, value = item.partition("=")
        if key.startswith("~"):
            rest.append(item)
        elif "." in key.partition("@")[0] or ("/" not in key and key not in GROUPS):
            values.append(item.lstrip("+"))
        else:
            choices.append({f"override /{key.lstrip('+')}": yaml.safe_load(value)})
    lines = ["# @package _global_", f"# {header}"]
    lines += [f"# not in this file, add it to the command line: {item}" for item in rest]
    body = "\n".join(lines) + "\n"
    if choices:
        body += yaml.safe_dump({"defaults": choices}, sort_keys=False, default_flow_style=False)
    return body + OmegaConf.to_yaml(OmegaConf.from_dotlist(values))
