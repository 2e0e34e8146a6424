"""The learning rate stays as it is."""


class Constant:
    def __call__(self, progress: float) -> float:
        return 1.0
