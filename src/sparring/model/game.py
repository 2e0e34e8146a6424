"""Game: the interface of everything that `train.py` trains to the train stage and the callbacks.

Players with an optimizer each, under manual optimization, on one clock. A GAN has two players, a classifier is a game of one;
stages and callbacks treat all alike.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sparring.core.distributed import average_gradients, rank_and_world
from sparring.core.errors import ConfigError
from sparring.core.measurement import FinalMetrics
from sparring.core.randomness import generator as random_generator
from sparring.core.sharding import check_gradients, lay_out, settle
from sparring.core.types import Batch, TrainedNetwork, TrainingData
from sparring.model.clock import Clock
from sparring.model.compiled import CompiledNetworks
from sparring.model.meter import Meter
from sparring.model.schedule.base import Schedule
from sparring.model.step.draws import EVERY, Draws

OptimizerFactory = Callable[..., Optimizer]


class Game(CompiledNetworks):
    """Base of the LightningModules: players, clock, meter, schedules, and draws that do not depend on the device count.

    Subclasses register each player's network under the player's own name (`self.discriminator = ...`), and write
    `training_step`: `begin_iteration(first chunk)`, the players' steps (`manual_backward`, `step_player(name)`), and
    `clock.advance(images=...)`.

    budget: iterations that the run is planned for, over which schedules run; set by the stage before training.

    Args:
        players: optimizer factory of each player. The first player's optimizer alone moves Lightning's `global_step`, so
            `trainer.max_steps` counts iterations: it steps exactly once in each, the others any number of times.
        streams: chunks of `data.batch_size` real images per iteration, by their name in the training batch.
        schedule: of learning rates and other settings, for all players.
        accumulate: parts that a chunk is processed in.

    Raises:
        ConfigError: fewer than one part.
    """

    draws_images = False  # has `ema`, `latent_dim`, `num_classes`, `conditional`: sample grids and generate.py work
    published_images: float | None = None  # iterations times batch that the recipe was published with
    uses_labels = True  # whether it learns from labels; the record of its training images says so
    headline: ClassVar[Mapping[str, str]] = {}  # scalars of the progress line -> their names there
    sharded: ClassVar[Mapping[str, str]] = {}  # players that trainer=fsdp divides -> their averages

    def __init__(
        self,
        *,
        players: Mapping[str, OptimizerFactory],
        streams: Mapping[str, int],
        schedule: Schedule,
        accumulate: int,
        seed: int,
    ) -> None:
        super().__init__()
        if accumulate < 1:
            raise ConfigError(f"model.accumulate={accumulate} must be at least 1.")
        self.automatic_optimization = False
        self.factories, self.streams, self.schedule = dict(players), dict(streams), schedule
        self.accumulate, self.seed = accumulate, seed
        self.clock, self.meter = Clock(), Meter()
        self.budget = 1
        self._batch_size: int | None = None

    # -- for stages and callbacks ----------------------------------------------------------------------------------------

    @property
    def batch_size(self) -> int:
        """Images in one chunk over all devices; known from `prepare` or the first batch on."""
        if self._batch_size is None:
            raise RuntimeError("The batch size is not known yet: call prepare(data), or begin_iteration(chunk).")
        return self._batch_size

    @batch_size.setter
    def batch_size(self, images: int) -> None:
        self._batch_size = images

    def prepare(self, data: TrainingData) -> None:
        """Take over what only the opened data knows; called once, after `data.setup`, before training."""
        self.batch_size = data.batch_size

    def check_data(self, *, channels: int, image_size: int) -> None:
        """Raise ConfigError where the networks do not fit each other or images of this shape; before any data is read."""

    def classifiers(self) -> dict[str, tuple[str, str]]:
        """(run directory, checkpoint) of each classifier that it needs, by setting; the stage loads them."""
        return {}

    def enhancers(self) -> dict[str, str]:
        """Run directory of each enhancer that it needs, by setting; the stage loads them."""
        return {}

    def attach(self, setting: str, loaded: TrainedNetwork) -> None:
        """Take over the network of `classifiers()[setting]` or `enhancers()[setting]`: same classes and images as the data."""

    def networks(self) -> dict[str, nn.Module]:
        """Networks to save in `weights.safetensors`, as `<name>.<tensor>`; averaged networks included."""
        return {player: getattr(self, player) for player in self.factories}

    def extra_tensors(self) -> dict[str, Tensor]:
        """Further tensors for `weights.safetensors`."""
        return {}

    def validation_scalars(self) -> dict[str, float]:
        """Scalars of a pass over the val split, by name; the same on every device."""
        return {}

    def final_metrics(self, data: TrainingData) -> FinalMetrics:
        """What `result.json` reports of a run that reached its budget; may read the test split, once."""
        return FinalMetrics()

    def conclusion(self, final: FinalMetrics) -> str:
        """The meaning of `final_metrics` for the run's last sentence; empty where the numbers speak for themselves."""
        return ""

    def players(self) -> dict[str, Any]:
        """Each player's optimizer as Lightning wraps it."""
        optimizers = self.optimizers()
        return dict(zip(self.factories, optimizers if isinstance(optimizers, list) else [optimizers], strict=True))

    def weight_dtype(self) -> torch.dtype:
        """float32, or another type by the trainer's precision."""
        return next(self.parameters()).dtype

    @property
    def progress(self) -> float:
        """Share [0, 1] of the run's budget that is spent, for schedules."""
        return self.clock.iteration / self.budget

    # -- for steps ------------------------------------------------------------------------------------------------------

    def begin_iteration(self, chunk: Batch) -> None:
        """Learning rates of this iteration; `chunk` is any chunk of the batch."""
        self.mark_iteration()
        progress = self.progress
        for number, (player, optimizer) in enumerate(self.players().items()):
            if number > 0:
                # Lightning installs these counters anew for every batch; only the first player's may move global_step.
                optimizer._on_before_step = optimizer._on_after_step = _nothing
            schedule = self.schedule_of(player)
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * schedule(progress)
                schedule.adjust(group, progress)
        if self._batch_size is None:
            self._batch_size = len(chunk.label) * rank_and_world(self)[1]

    def schedule_of(self, player: str) -> Schedule:
        """The schedule of the player's optimizer."""
        return self.schedule

    def backward_part(self, loss: Tensor) -> None:
        """Gradients of the mean loss of one of `accumulate` parts of a chunk."""
        self.manual_backward(loss / self.accumulate if self.accumulate > 1 else loss)

    def step_player(self, player: str, *, counted: bool = True) -> None:
        """Average the player's gradients over the devices, step, clear.

        Args:
            counted: False for a further step of the first player in an iteration, which must not move `global_step`.
        """
        optimizer = self.players()[player]
        parameters = list(getattr(self, player).parameters())
        check_gradients(parameters)
        average_gradients(parameters)
        with nullcontext() if counted else _uncounted(optimizer):
            optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def note(self, values: Mapping[str, Tensor]) -> None:
        """Collect 0-d tensors for the loggers."""
        for name, value in values.items():
            self.meter.add(name, value)

    def random(self, *purpose: str | int) -> torch.Generator:
        """A random generator on this device, seeded by the run's seed and a purpose."""
        return random_generator(self.seed, *purpose, device=self.device)

    def draws(self, *purpose: str | int, rows: slice = EVERY) -> Draws:
        """Random numbers of a purpose for `rows` of this device's share of the batch."""
        rank, world = rank_and_world(self)
        return Draws(self.seed, purpose, self.batch_size, rank, world, self.device, self.weight_dtype(), rows)

    def share(self, whole: Tensor) -> Tensor:
        """This device's rows of a tensor drawn for the whole batch."""
        rank, world = rank_and_world(self)
        if world == 1:
            return whole
        rows = len(whole) // world
        return whole[rank * rows : (rank + 1) * rows]

    # -- Lightning -------------------------------------------------------------------------------------------------------

    def configure_optimizers(self) -> list[Optimizer]:
        optimizers = [self._optimizer(player) for player in self.factories]
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["initial_lr"] = group["lr"]
        return optimizers

    def _optimizer(self, player: str) -> Optimizer:
        try:
            return self.factories[player](getattr(self, player).parameters())
        except (TypeError, ValueError) as error:  # a setting that the class does not have, or out of its range
            raise ConfigError(f"The optimizer of the {player} cannot be made: {error}.") from error

    def on_train_start(self) -> None:
        self.meter.to(self.device)  # a resumed run restored it on the CPU
        for optimizer in self.trainer.optimizers:
            lay_out(optimizer)

    def on_validation_start(self) -> None:
        settle(self)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["clock"] = self.clock.state_dict()
        checkpoint["meter"] = self.meter.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.clock.load_state_dict(checkpoint["clock"])
        self.meter.load_state_dict(checkpoint["meter"])


@contextmanager
def _uncounted(optimizer: Any) -> Iterator[None]:
    """Steps of `optimizer`, as Lightning wraps it, leave its counter alone."""
    counters = optimizer._on_before_step, optimizer._on_after_step
    optimizer._on_before_step = optimizer._on_after_step = _nothing
    try:
        yield
    finally:
        optimizer._on_before_step, optimizer._on_after_step = counters


def _nothing() -> None:
    """In place of Lightning's counters."""
