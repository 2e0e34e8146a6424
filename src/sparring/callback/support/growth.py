"""Whether weights grow faster than a run ages."""

from typing import Any


class Growth:
    """The largest singular values of the players' first layers, against those when the run was half as old.

    Args:
        most: times as large as then; None: any growth is allowed.
    """

    def __init__(self, most: float | None) -> None:
        self.most = most
        self._before: list[tuple[int, dict[str, float]]] = []  # (iteration, by player), each twice as late as the last

    def restart(self, iteration: int, values: dict[str, float]) -> None:
        """Measure growth from these values on."""
        self._before = [(iteration, values)]

    @property
    def started(self) -> bool:
        """Whether there are values to compare with."""
        return bool(self._before)

    def trouble(self, iteration: int, values: dict[str, float]) -> str:
        """What has grown too fast, as a phrase; empty where nothing has, and then the values are remembered, where it is time."""
        old, before = next((each for each in reversed(self._before) if 2 * each[0] <= iteration), self._before[0])
        for player, value in values.items():
            if self.most is not None and value > self.most * before[player] > 0:
                grown = f"{value:.3g}, at iteration {old} it was {before[player]:.3g}"
                return f"the largest singular value of the {player}'s first layer is {grown}"
        if iteration >= 2 * self._before[-1][0]:
            self._before.append((iteration, values))
        return ""

    def plain(self) -> list[list[Any]]:
        """For a checkpoint."""
        return [[iteration, values] for iteration, values in self._before]

    def load(self, plain: list[list[Any]]) -> None:
        """What `plain` gave."""
        self._before = [(iteration, dict(values)) for iteration, values in plain]
