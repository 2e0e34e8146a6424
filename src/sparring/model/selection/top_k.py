"""Top-k training (Sinha et al. 2020, "Top-k training of GANs", section 3)."""

from torch import Tensor

from sparring.core.distributed import gather, own_rows
from sparring.core.errors import ConfigError
from sparring.model.selection.base import Selection
from sparring.model.step.recipe import Recipe


class TopK(Selection):
    """G learns from the k images of a batch, over all devices, with the largest logits.

    k = batch * max(decay^(iteration // every), least), rounded up: all images at first, fewer as D becomes reliable.

    Args:
        least: smallest share of the batch, (0, 1]. decay: (0, 1], applied after every `every` iterations. The paper has decay
            0.99 per epoch and least 0.5.

    Raises:
        ConfigError: a setting out of range.
    """

    def __init__(self, *, least: float, decay: float, every: int) -> None:
        if not (0 < least <= 1 and 0 < decay <= 1 and every >= 1):
            raise ConfigError(
                f"model.selection has least={least}, decay={decay} and every={every}; the first two are shares in (0, 1] and "
                "every counts iterations."
            )
        self.least, self.decay, self.every = least, decay, every

    def check(self, recipe: Recipe) -> None:
        recipe.refuse_parts("selection", self)

    def count(self, images: int, iteration: int) -> int:
        """k for a batch of `images`."""
        share = max(self.decay ** (iteration // self.every), self.least)
        return max(1, -int(-images * share // 1))

    def __call__(self, losses: Tensor, logits: Tensor, iteration: int) -> Tensor:
        whole = gather(logits.detach())
        count = self.count(len(whole), iteration)
        chosen = whole.new_zeros(len(whole)).index_fill_(0, whole.topk(count).indices, len(whole) / count)
        return (own_rows(chosen) * losses).mean()
