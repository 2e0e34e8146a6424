"""What callbacks do about a training that goes wrong, and the record of it: `decisions` in result.json."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import lightning.pytorch as L

from sparring.core.errors import CheckpointError
from sparring.core.sharding import divided, lay_out
from sparring.model.game import Game
from sparring.run.checkpoint import VerifiedCheckpointIO, previous_path

Kept = TypeVar("Kept", bound=L.Callback)
Action = Literal["warn", "stop", "rollback"]


@dataclass(frozen=True)
class Decision:
    """What was done about one trouble.

    Args:
        by: the callback. kind: of trouble. why: as a phrase.
        back_to: iteration of the state that the run went on from; None but for a rollback.
        rates: learning rates from then on, by player.
    """

    by: str
    iteration: int
    kind: str
    why: str
    action: Action
    back_to: int | None
    rates: dict[str, float]

    def plain(self) -> dict[str, Any]:
        """For a checkpoint and for result.json: `Decision(**plain)`."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """As a phrase."""
        if self.action == "warn":
            return f"went on at iteration {self.iteration} although {self.why}"
        if self.action == "stop":
            return f"stopped at iteration {self.iteration}: {self.why}"
        rates = ", ".join(f"{player} {rate:.3g}" for player, rate in self.rates.items())
        where = f"rolled back from iteration {self.iteration} to {self.back_to} ({self.kind}: {self.why})"
        return f"{where}; learning rates from there: {rates}"


def rates_of(module: Game) -> dict[str, float]:
    """Each player's learning rate before its schedule."""
    return {player: float(optimizer.param_groups[0]["initial_lr"]) for player, optimizer in module.players().items()}


def roll_back(
    trainer: L.Trainer,
    module: Game,
    file: Path,
    *,
    rate_factor: float = 1.0,
    good: Callable[[Any], bool] = lambda _: True,
) -> int:
    """Networks and optimizers of a saved state, with the rates of now times `rate_factor`; the iteration of that state.

    The clock goes on, and with it every draw: the run does not see the noise again that it failed on.

    Args:
        file: of the state. good: whether to go back to it, given its content; else the one saved before it is tried.

    Raises:
        CheckpointError: neither can be read, or neither is good. All devices read the same files, so all raise.
    """
    saved = VerifiedCheckpointIO().load_checkpoint(file)
    if not good(saved):
        saved = VerifiedCheckpointIO().load_checkpoint(previous_path(file))
        if not good(saved):
            raise CheckpointError(f"{file.parent} has no state whose samples were good")
    rates = [
        [group["initial_lr"] * rate_factor for group in optimizer.param_groups] for optimizer in trainer.optimizers
    ]
    module.load_state_dict(divided(saved["state_dict"], module))
    for optimizer, state, now in zip(trainer.optimizers, saved["optimizer_states"], rates, strict=True):
        optimizer.load_state_dict(state)
        lay_out(optimizer)
        for group, rate in zip(optimizer.param_groups, now, strict=True):
            group["initial_lr"] = group["lr"] = rate
    module.meter.clear()
    return int(saved["clock"]["iteration"])


def alert(trainer: L.Trainer, decision: Decision) -> None:
    """Tell the loggers that can wake somebody (W&B) what was decided."""
    for logger in trainer.loggers if trainer.is_global_zero else ():
        if hasattr(logger, "log_alert"):
            logger.log_alert(f"{decision.kind} ({decision.action})", f"{decision.by} {decision.sentence}")


def decisions_of(callbacks: Sequence[Any]) -> list[Decision]:
    """Those of all callbacks, in the order in which they were taken."""
    found = [each for callback in callbacks for each in getattr(callback, "decisions", ())]
    return sorted(found, key=lambda each: each.iteration)


def part_of(trainer: L.Trainer, kind: type[Kept]) -> Kept:
    """The trainer's callback of a kind."""
    return next(each for each in trainer.callbacks if isinstance(each, kind))  # type: ignore[attr-defined]


def log_scalars(trainer: L.Trainer, module: Game, scalars: dict[str, float]) -> None:
    """To all loggers, at the iteration of now."""
    for logger in trainer.loggers if trainer.is_global_zero else ():
        logger.log_metrics({"images_seen": module.clock.images_seen, **scalars}, step=module.clock.iteration)
