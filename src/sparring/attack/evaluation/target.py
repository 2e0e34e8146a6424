"""A classifier as attacks see it: in passes of a fixed number of rows, and with every look counted."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sparring.core.settings import IN_FLIGHT


class Target(nn.Module):
    """`network` (images in [-1, 1] -> logits) for an evaluation.

    rows: every pass has this many rows, the last one filled up with copies; `None`: passes as they come. Kernels choose
        their blocking by the batch's shape, so logits differ in their last bits between batch sizes, and an attack's steps
        amplify that. With `rows`, the outcome of an image depends on the image, its label, index and seed alone.
    forward_rows, gradient_rows: images looked at without a graph, and images whose gradient was asked for.
    bypassable: whether the network has a `straight_through`: logits whose gradient takes a defence before the classifier for
        the identity (`defence.base.Defended`).
    """

    def __init__(self, network: nn.Module, *, rows: int | None) -> None:
        super().__init__()
        self.network, self.rows = network, rows
        self.differentiable = bool(getattr(network, "differentiable", True))
        self.bypassable = bool(getattr(network, "bypassable", False))
        self.forward_rows = self.gradient_rows = 0

    @property
    def queries(self) -> int:
        """Images seen by the network, those filled up not counted."""
        return self.forward_rows + self.gradient_rows

    def forward(self, image: Tensor) -> Tensor:
        return self._look(self.network, image)

    def straight_through(self, image: Tensor, draw: int = 0) -> Tensor:
        """Logits as of `forward`, where `draw` is 0; others are of the same defence with other random numbers."""
        return self._look(lambda part: self.network.straight_through(part, draw), image)  # type: ignore[operator]

    def by_choice(self, image: Tensor, draw: int = 0) -> Tensor:
        """As `defence.base.Defended` has it."""
        return self._look(lambda part: self.network.by_choice(part, draw), image)  # type: ignore[operator]

    def _look(self, network: Callable[[Tensor], Tensor], image: Tensor) -> Tensor:
        if torch.is_grad_enabled() and image.requires_grad:
            self.gradient_rows += len(image)
        else:
            self.forward_rows += len(image)
        if self.rows is None:
            return network(image)
        return torch.cat([self._pass(network, part) for part in image.split(self.rows)])

    def _pass(self, network: Callable[[Tensor], Tensor], image: Tensor) -> Tensor:
        assert self.rows is not None
        missing = self.rows - len(image)
        if not missing:
            return network(image)
        return network(torch.cat([image, image[:1].detach().expand(missing, -1, -1, -1)]))[: len(image)]


class UnitRange(nn.Module):
    """`network` (images in [-1, 1]) for outside tools that give images in [0, 1]."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network(image * IN_FLIGHT - 1)
