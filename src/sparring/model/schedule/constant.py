"""A constant learning rate."""

from sparring.model.schedule.base import Schedule


class Constant(Schedule):
    """The factor 1."""

    def __call__(self, progress: float) -> float:
        return 1.0
