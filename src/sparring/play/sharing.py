"""What threads of several visitors share: a turn per network, and what is loaded once."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from torch import nn

from sparring.core.types import TrainedNetwork
from sparring.trained.networks import TrainedGenerator
from sparring.trained.runs import Checkpoint, Given, Runs

MOST = 24  # networks, data sets and what is built of them, that are kept

_turns: WeakKeyDictionary[nn.Module, threading.RLock] = WeakKeyDictionary()
_making = threading.Lock()


def turn(network: nn.Module) -> AbstractContextManager[bool]:
    """Inside, no other thread uses the network; the same thread may enter again.

    Explanations and the search for directions hang hooks on a network for a while, which passes of other threads would run into.
    Who needs a generator and a classifier takes the generator's turn first.
    """
    with _making:
        return _turns.setdefault(network, threading.RLock())


class Kept:
    """Values by key, each made once; who waits for one that is being made does not hold up the others.

    Args:
        most: values that are kept; beyond, those that were asked for longest ago are dropped.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._entries: OrderedDict[Hashable, tuple[threading.RLock, list[Any]]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The value of the key, of `make` where there is none yet; an error of `make` is kept by nobody."""
        with self._lock:
            making, made = self._entries.setdefault(key, (threading.RLock(), []))
            self._entries.move_to_end(key)
            while len(self._entries) > self.most:
                self._entries.popitem(last=False)
        with making:
            if not made:
                made.append(make())
            return made[0]


@dataclass(frozen=True)
class SharedRuns(Runs):
    """Earlier runs whose generators and classifiers are loaded once, however they were typed."""

    kept: Kept = field(default_factory=lambda: Kept(MOST))

    def classifier(self, given: Given, *, checkpoint: Checkpoint = "last") -> TrainedNetwork:
        """As that of `Runs`."""
        plain = super().classifier
        found: TrainedNetwork = self.kept.get(
            ("classifier", self.find(given), checkpoint), lambda: plain(given, checkpoint=checkpoint)
        )
        return found

    def generator(self, given: Given, *, weights: str = "ema", checkpoint: Checkpoint = "last") -> TrainedGenerator:
        """As that of `Runs`."""
        plain = super().generator
        found: TrainedGenerator = self.kept.get(
            ("generator", self.find(given), weights, checkpoint),
            lambda: plain(given, weights=weights, checkpoint=checkpoint),
        )
        return found
