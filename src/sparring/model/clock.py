"""The one clock of a run, by which every interval, schedule and logged curve counts."""

from dataclasses import asdict, dataclass


@dataclass
class Clock:
    """How far a run has come.

    iteration: finished rounds of D steps plus the G step.
    images_seen: real images shown to the discriminator in its own steps, over all devices.
    """

    iteration: int = 0
    images_seen: int = 0

    def advance(self, *, images: int) -> None:
        """Count one finished iteration that showed `images` real images."""
        self.iteration += 1
        self.images_seen += images

    def state_dict(self) -> dict[str, int]:
        return asdict(self)

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.iteration, self.images_seen = state["iteration"], state["images_seen"]
