"""What threads of several visitors share: a turn per network, and what is loaded once."""

import threading
from contextlib import AbstractContextManager
from weakref import WeakKeyDictionary

from torch import nn

_turns: WeakKeyDictionary[nn.Module, threading.RLock] = WeakKeyDictionary()
_making = threading.Lock()


def turn(network: nn.Module) -> AbstractContextManager[bool]:
    """Inside, no other thread uses the network; the same thread may enter again.

    Explanations and the search for directions hang hooks on a network for a while, which passes of other threads would run into.
    Who needs a generator and a classifier takes the generator's turn first.
    """
    with _making:
        return _turns.setdefault(network, threading.RLock())
