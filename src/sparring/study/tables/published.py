"""Published numbers next to ours, as a table."""

from collections.abc import Mapping

from sparring.core.errors import ConfigError
from sparring.study.published import READ, published_numbers
from sparring.study.tables.analysis import Table
from sparring.study.tables.text import DASH


def published_table(study: str, ours: Mapping[str, str] | None = None) -> Table:
    """A row for every published number of a study.

    Args:
        study: name of the file in `study/published/`.
        ours: our number by the id of the entry; a dash where we measured nothing like it.

    Raises:
        ConfigError: `ours` names an entry that does not exist.
    """
    ours = ours or {}
    entries = published_numbers(study)
    unknown = set(ours) - {entry["id"] for entry in entries}
    if unknown:
        raise ConfigError(f"published/{study}.yaml has no {', '.join(sorted(unknown))}.")
    rows = tuple(
        (
            entry["setting"], ours.get(entry["id"], DASH), entry["value"], f"{entry['source']}{READ[entry['read']]}",
            entry["protocol"], entry["same"],
        )
        for entry in entries
    )  # fmt: skip
    columns = ("setting", "ours", "published", "source", "their protocol", "same protocol?")
    note = "Where the protocol is not the same, only orders of magnitude can be compared, not ranks."
    return Table("Published numbers", columns, rows, note)
