"""Published numbers to compare a study's results with; one YAML per study, each entry with its source."""

from pathlib import Path

import yaml

from sparring.core.errors import ConfigError

_KEYS = {"id", "setting", "value", "source", "read", "protocol", "same"}
READ = {"text": "", "plot": " (read off a plot)", "second-hand": " (quoted by others)"}


def published_numbers(study: str) -> list[dict[str, str]]:
    """The entries of `<study>.yaml`, in its order.

    Each entry has the keys
        id: unique in the file.
        setting: data and what is measured.
        value: with its unit.
        source: authors and year.
        read: where the value was read: "text" (the paper or its code), "plot", or "second-hand".
        protocol: how it was measured.
        same: whether our protocol is the same: "yes" or "no: <why>".

    Raises:
        ConfigError: there is no such file, or an entry is not complete.
    """
    file = Path(__file__).parent / f"{study}.yaml"
    if not file.exists():
        raise ConfigError(f"there are no published numbers for {study}; add {file}.")
    entries = yaml.safe_load(file.read_text("utf-8"))
    for entry in entries:
        if set(entry) != _KEYS or entry["read"] not in READ or not str(entry["same"]).startswith(("yes", "no: ")):
            raise ConfigError(
                f"{file}: {entry.get('id', entry)} must have {', '.join(sorted(_KEYS))}, see {__name__}.published_numbers."
            )
    return [{key: str(value) for key, value in entry.items()} for entry in entries]
