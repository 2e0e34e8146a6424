"""The Inception-v3 of published FIDs (Szegedy et al. 2016, figures 5 to 7; the TensorFlow graph of 2015-12-05).

Module names are those of the published state dict. It differs from the ImageNet model of torchvision: average pools do
not count the padding, the last block pools by maximum, and there are 1008 classes.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

DIM = 2048
Kernel = int | tuple[int, int]
Spec = tuple[str, int, Kernel] | tuple[str, int, Kernel, int]  # name, outputs, kernel, stride (1)


class ConvBN(nn.Module):
    """Convolution without bias, BatchNorm (epsilon 0.001), ReLU. Padding keeps the size at stride 1 unless `valid`."""

    def __init__(self, inputs: int, outputs: int, kernel: Kernel, stride: int = 1, *, valid: bool = False) -> None:
        super().__init__()
        height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (0, 0) if valid or stride > 1 else (height // 2, width // 2)
        self.conv = nn.Conv2d(inputs, outputs, (height, width), stride=stride, padding=padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Mixed(nn.Module):
    """Parallel chains of ConvBN on one input, their ends joined by channel; the pooled input comes last.

    chains: each a sequence of specs; a list of two specs at its end is a fork, both applied to what came before.
    pool: "average" or "max" of 3x3 at stride 1, with `pooled` channels after it; "stride" is the 3x3 maximum at stride 2.
    """

    def __init__(self, inputs: int, chains: Sequence[Sequence[Spec | list[Spec]]], pool: str, pooled: int = 0) -> None:
        super().__init__()
        self.pool = pool
        self.chains = [[self._step(step) for step in chain] for chain in chains]
        for chain in chains:
            before = inputs
            for step in chain:
                specs = step if isinstance(step, list) else [step]
                for name, outputs, *rest in specs:
                    self.add_module(name, ConvBN(before, outputs, *rest))  # type: ignore[arg-type]
                before = specs[0][1]
        if pooled:
            self.branch_pool = ConvBN(inputs, pooled, 1)

    @staticmethod
    def _step(step: Spec | list[Spec]) -> list[str]:
        return [spec[0] for spec in step] if isinstance(step, list) else [step[0]]

    def forward(self, x: Tensor) -> Tensor:
        ends: list[Tensor] = []
        for chain in self.chains:
            y = [x]
            for step in chain:
                y = [self.get_submodule(name)(y[0]) for name in step]
            ends += y
        return torch.cat([*ends, self._pooled(x)], dim=1)

    def _pooled(self, x: Tensor) -> Tensor:
        if self.pool == "stride":
            return F.max_pool2d(x, 3, stride=2)
        if self.pool == "max":
            return self.branch_pool(F.max_pool2d(x, 3, stride=1, padding=1))
        return self.branch_pool(F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False))


def _block_a(inputs: int, pooled: int) -> Mixed:
    double: list[Spec] = [("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)]
    return Mixed(
        inputs, [[("branch1x1", 64, 1)], [("branch5x5_1", 48, 1), ("branch5x5_2", 64, 5)], double], "average", pooled
    )


def _block_b(inputs: int) -> Mixed:
    double: list[Spec] = [("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3, 2)]
    return Mixed(inputs, [[("branch3x3", 384, 3, 2)], double], "stride")


def _block_c(inputs: int, inner: int) -> Mixed:
    row, column = (1, 7), (7, 1)
    single: list[Spec] = [("branch7x7_1", inner, 1), ("branch7x7_2", inner, row), ("branch7x7_3", 192, column)]
    double: list[Spec] = [
        ("branch7x7dbl_1", inner, 1), ("branch7x7dbl_2", inner, column), ("branch7x7dbl_3", inner, row),
        ("branch7x7dbl_4", inner, column), ("branch7x7dbl_5", 192, row),
    ]  # fmt: skip
    return Mixed(inputs, [[("branch1x1", 192, 1)], single, double], "average", 192)


def _block_d(inputs: int) -> Mixed:
    seven: list[Spec] = [
        ("branch7x7x3_1", 192, 1), ("branch7x7x3_2", 192, (1, 7)), ("branch7x7x3_3", 192, (7, 1)),
        ("branch7x7x3_4", 192, 3, 2),
    ]  # fmt: skip
    return Mixed(inputs, [[("branch3x3_1", 192, 1), ("branch3x3_2", 320, 3, 2)], seven], "stride")


def _block_e(inputs: int, pool: str) -> Mixed:
    row, column = (1, 3), (3, 1)
    single: list[Spec | list[Spec]] = [
        ("branch3x3_1", 384, 1), [("branch3x3_2a", 384, row), ("branch3x3_2b", 384, column)],
    ]  # fmt: skip
    double: list[Spec | list[Spec]] = [
        ("branch3x3dbl_1", 448, 1), ("branch3x3dbl_2", 384, 3),
        [("branch3x3dbl_3a", 384, row), ("branch3x3dbl_3b", 384, column)],
    ]  # fmt: skip
    return Mixed(inputs, [[("branch1x1", 320, 1)], single, double], pool, 192)


class InceptionV3(nn.Module):
    """Images (N, 3, 299, 299), (pixel - 128) / 128 -> features (N, 2048); `head` gives 1008 logits without the bias."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = ConvBN(3, 32, 3, 2)
        self.Conv2d_2a_3x3 = ConvBN(32, 32, 3, valid=True)
        self.Conv2d_2b_3x3 = ConvBN(32, 64, 3)
        self.Conv2d_3b_1x1 = ConvBN(64, 80, 1)
        self.Conv2d_4a_3x3 = ConvBN(80, 192, 3, valid=True)
        self.Mixed_5b = _block_a(192, 32)
        self.Mixed_5c = _block_a(256, 64)
        self.Mixed_5d = _block_a(288, 64)
        self.Mixed_6a = _block_b(288)
        self.Mixed_6b = _block_c(768, 128)
        self.Mixed_6c = _block_c(768, 160)
        self.Mixed_6d = _block_c(768, 160)
        self.Mixed_6e = _block_c(768, 192)
        self.Mixed_7a = _block_d(768)
        self.Mixed_7b = _block_e(1280, "average")
        self.Mixed_7c = _block_e(DIM, "max")
        self.fc = nn.Linear(DIM, 1008)

    def features(self, image: Tensor) -> Tensor:
        """Images (N, 3, 299, 299) -> (N, 2048)."""
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(image)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, stride=2)))
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(F.max_pool2d(x, 3, stride=2))))
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))))
        return self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x))).mean(dim=(2, 3))

    def head(self, features: Tensor) -> Tensor:
        """Without the bias, as the inception score of the TensorFlow graph is computed."""
        return features @ self.fc.weight.T

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.features(image))
