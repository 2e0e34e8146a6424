"""What people call the splits of a data set."""

from typing import TypeVar

T = TypeVar("T")
SPLIT_NAMES = {
    "train": ("train", "training", "trn"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing", "tst"),
}
_SPLIT_OF = {name: split for split, names in SPLIT_NAMES.items() for name in names}


def split_of(name: str) -> str | None:
    """ "train", "val" or "test" for a folder or a word that is called so in any spelling, else None."""
    return _SPLIT_OF.get(name.lower())


def stored_splits(groups: dict[str, T]) -> dict[str, T]:
    """Splits as they are stored: a val split without a test split is the test split, and val is then cut from train."""
    if "val" in groups and "test" not in groups:
        groups = {"test" if split == "val" else split: group for split, group in groups.items()}
    return {split: groups[split] for split in ("train", "val", "test") if split in groups}
