"""Oversampling: the real training images once more, in place of generated ones."""

import torch

from sparring.data.mix.base import Context, Mix, Pool, per_class


class Replay(Mix):
    """The training images in use.

    Args:
        fraction: share of each batch that comes from the pool, 0 to 1.
        balanced: draw every class equally often (classic oversampling of rare classes), else as often as it occurs.
    """

    def __init__(self, *, fraction: float, balanced: bool) -> None:
        super().__init__(fraction=fraction)
        self.balanced = balanced

    def pool(self, context: Context) -> Pool:
        train = context.train
        positions = torch.arange(len(train))
        if self.balanced:
            groups = [(train.label == k).nonzero().flatten() for k in train.label.unique().tolist()]
            largest = max(map(len, groups))
            positions = torch.cat([group[torch.arange(largest) % len(group)] for group in groups])
        images = train.subset(positions)
        origin = {"balanced": self.balanced, "per_class": per_class(images.label, context.shape.num_classes)}
        return Pool(images, foreign=False, labelled=True, provenance=(), origin=origin)
