"""`executor=inline`: every cell in this process, one after the other; for debugging and small studies."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

T = TypeVar("T")


class Inline(Executor):
    """`submit` runs the call at once and returns its finished future; an interruption of the program is not caught.

    Args:
        threads: of torch, as in a worker process: another number may add up floats in another order.
    """

    workers = 1

    def __init__(self, *, threads: int) -> None:
        import torch

        self._previous_threads = torch.get_num_threads()
        torch.set_num_threads(threads)

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        from sparring.core.errors import Interrupted

        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Interrupted:
            raise
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        import torch

        torch.set_num_threads(self._previous_threads)
