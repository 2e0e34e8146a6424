"""Published numbers that a study's results stand beside; one YAML per study, each entry with where it was read."""

from pathlib import Path

import yaml

from sparring.core.errors import ConfigError

KEYS = {"id", "setting", "value", "source", "read", "protocol", "same"}
READ = {"text": "", "plot": " (read off a plot)", "second-hand": " (quoted by others)"}


def anchors(study: str) -> list[dict[str, str]]:
    """The entries of `<study>.yaml`, in its order.

    id: unique. setting: data and what is measured. value: with its unit. source: authors, year. read: "text" (in the paper or
    its code), "plot", or "second-hand". protocol: how they measured. same: "no: why" or "yes".

    Raises:
        ConfigError: there is no such file, or an entry is not complete.
    """
    file = Path(__file__).parent / f"{study}.yaml"
    if not file.exists():
        raise ConfigError(f"there are no published numbers for {study}; add {file}.")
    entries = yaml.safe_load(file.read_text("utf-8"))
    for entry in entries:
        if set(entry) != KEYS or entry["read"] not in READ or not str(entry["same"]).startswith(("yes", "no: ")):
            raise ConfigError(
                f"{file}: {entry.get('id', entry)} must have {', '.join(sorted(KEYS))}, see {__name__}.anchors."
            )
    return [{key: str(value) for key, value in entry.items()} for entry in entries]
