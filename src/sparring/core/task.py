"""The images and classes that a network or a data set is about, and the refusal of two that differ."""

from dataclasses import dataclass

from sparring.core.errors import DataError

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
