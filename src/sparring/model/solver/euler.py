"""Euler's method: one look at the velocity per step."""

from torch import Tensor

from sparring.model.solver.base import Field, Solver


class Euler(Solver):
    """x(t + h) = x(t) + h v(x(t), t); the error falls with h."""

    def __call__(self, field: Field, start: Tensor) -> Tensor:
        image = start
        for now, then in self.intervals(start):
            image = image + (then - now) * field(image, now)
        return image
