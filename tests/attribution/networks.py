"""Networks whose attributions are known in closed form. Images are (N, C, H, W)."""

import torch
from torch import Tensor, nn


class TwoInputs(nn.Module):
    """relu(relu(x1) - 1 - relu(x2)) of images (N, 1, 1, 2), the example of Sundararajan et al. 2017, figure 3."""

    def forward(self, image: Tensor) -> Tensor:
        x1, x2 = image.flatten(1).relu().unbind(1)
        return (x1 - 1 - x2).relu()[:, None]


class SameFunction(nn.Module):
    """The same function by other means: relu(relu(x1) - relu(x2) - 1) split in two stages."""

    def forward(self, image: Tensor) -> Tensor:
        x1, x2 = image.flatten(1).relu().unbind(1)
        return ((x1 - 1).relu() - x2).relu()[:, None]


class Linear(nn.Module):
    """Two logits: the sum of weight * image, and its negative; weight: (C, H, W)."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, image: Tensor) -> Tensor:
        logit = (image * self.weight).flatten(1).sum(1)
        return torch.stack([logit, -logit], 1)


class Convolutions(nn.Module):
    """Two convolutions and a linear layer, with weights from a seed."""

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.head = nn.Linear(8, 3)  # registered first, used last
        self.first, self.second = nn.Conv2d(channels, 4, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1, stride=2)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.second(self.first(image).relu_()).relu_().mean((2, 3)))
