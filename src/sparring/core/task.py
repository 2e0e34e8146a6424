"""The images and classes that a network or a data set is about, the class that is meant by a name, and the refusal of two tasks
that differ."""

from collections.abc import Sequence
from dataclasses import dataclass

from sparring.core.errors import ConfigError, DataError
from sparring.core.wording import near

_NAMED = 10  # classes that a message lists


@dataclass(frozen=True)
class Task:
    """channels, image_size: of every image (C, S, S). class_names: in the order of the label indices."""

    channels: int
    image_size: int
    class_names: tuple[str, ...]

    @property
    def shape(self) -> str:
        return f"{self.channels} x {self.image_size} x {self.image_size}"


def check_same_task(name: str, task: Task, *, other: str, wanted: Task, needs: str) -> None:
    """Refuse `name` where its images or classes are not those of `other`.

    needs: who needs what, as in "transfer needs a classifier".

    Raises:
        DataError: names both sides.
    """
    if task.shape != wanted.shape:
        raise DataError(
            f"{name} sees images of {task.shape} and {other} has {wanted.shape}; {needs} of the same images."
        )
    if task.class_names != wanted.class_names:
        raise DataError(
            f"{name} knows the classes {', '.join(task.class_names[:_NAMED])} and {other} has "
            f"{', '.join(wanted.class_names[:_NAMED])}; {needs} of the same classes."
        )


def class_index(given: str | int, class_names: Sequence[str], *, key: str) -> int:
    """The class that is meant by its name or, where no class has this name, by its index.

    Args:
        key: the setting that gives it, for messages.

    Raises:
        ConfigError: there is no such class; the message lists those that there are.
    """
    text = str(given)
    if text in class_names:
        return list(class_names).index(text)
    if text.isdecimal() and int(text) < len(class_names):
        return int(text)
    names = ", ".join(f"{index} ({name})" if str(index) != name else name for index, name in enumerate(class_names))
    raise ConfigError(f"{key}={given} is no class of this run{near(text, class_names) or '.'} It has {names}.")


def class_words(index: int, class_names: Sequence[str]) -> str:
    """`class 8`, or `class 2 (dog)` where the name is another."""
    name = class_names[index] if index < len(class_names) else str(index)
    return f"class {index}" if name == str(index) else f"class {index} ({name})"
