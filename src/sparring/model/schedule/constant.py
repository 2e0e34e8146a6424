"""The learning rate stays as it is."""

from sparring.model.schedule.base import Schedule


class Constant(Schedule):
    def __call__(self, progress: float) -> float:
        return 1.0
