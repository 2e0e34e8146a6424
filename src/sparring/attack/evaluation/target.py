"""A classifier as attacks query it: in passes of a fixed number of rows, and with all queries counted."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sparring.core.settings import IN_FLIGHT


class Target(nn.Module):
    """A classifier under evaluation: images (N, C, H, W) in [-1, 1] -> logits (N, K).

    forward_rows, gradient_rows: images queried without a graph, and images whose gradient was asked for.
    bypassable: whether the network has a `straight_through`: logits whose gradient takes a defence before the classifier for
        the identity (`defence.base.Defended`).

    Args:
        network: images (N, C, H, W) in [-1, 1] -> logits (N, K).
        rows: every pass has this many rows, the last one filled up with copies; None: passes as they come. Kernels choose
            their blocking by the batch's shape, so logits differ in their last bits between batch sizes, and an attack's
            steps amplify that. With `rows`, the result of an image depends on the image, its label, index and seed alone.
    """

    def __init__(self, network: nn.Module, *, rows: int | None) -> None:
        super().__init__()
        self.network, self.rows = network, rows
        self.differentiable = bool(getattr(network, "differentiable", True))
        self.bypassable = bool(getattr(network, "bypassable", False))
        self.forward_rows = self.gradient_rows = 0

    @property
    def queries(self) -> int:
        """Images that the network was queried with, without those that fill a pass up."""
        return self.forward_rows + self.gradient_rows

    def forward(self, image: Tensor) -> Tensor:
        return self._query(self.network, image)

    def straight_through(self, image: Tensor, draw: int = 0) -> Tensor:
        """Logits (N, K) as of `forward` for draw 0; other draws are of the same defence with other random numbers."""
        return self._query(lambda part: self.network.straight_through(part, draw), image)  # type: ignore[operator]

    def by_choice(self, image: Tensor, draw: int = 0) -> Tensor:
        """As `defence.base.Defended` has it."""
        return self._query(lambda part: self.network.by_choice(part, draw), image)  # type: ignore[operator]

    def _query(self, network: Callable[[Tensor], Tensor], image: Tensor) -> Tensor:
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
    """A network of images in [-1, 1] for outside tools, which give images (N, C, H, W) in [0, 1]."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network(image * IN_FLIGHT - 1)
