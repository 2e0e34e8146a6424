"""Published numbers beside ours, as a table."""

from collections.abc import Mapping

from sparring.core.errors import ConfigError
from sparring.study.published import READ, anchors
from sparring.study.tables.analysis import DASH, Table


def anchor_table(study: str, ours: Mapping[str, str], *, title: str = "Published numbers") -> Table:
    """ours | paper | same protocol? for every entry of the study. ours: by entry id; a dash where we measured nothing like it.

    Raises:
        ConfigError: `ours` names an entry that does not exist.
    """
    entries = anchors(study)
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
    return Table(
        title, columns, rows, "Where the protocol is not the same, the numbers show an order of magnitude, no rank."
    )
