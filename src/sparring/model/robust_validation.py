"""Robust accuracy of an averaged network on the same images of val throughout a run."""

import torch
from torch import Tensor, nn

from sparring.attack.evaluation.evaluate import evaluate, subset
from sparring.attack.evaluation.target import Target
from sparring.core.distributed import mean_over_images, rank_and_world
from sparring.core.measurement import FinalMetrics, robust_accuracy_name, share
from sparring.core.pixels import normalise
from sparring.core.randomness import seed_of
from sparring.core.types import TrainingData
from sparring.model.game import Game
from sparring.model.robust.base import Robust

ROBUST = "val/robust_accuracy"
BATCH = 256  # images attacked together


class RobustHeldOut:
    """Accuracy under the `validation` attack of a training method on up to `val_images` of val; nothing without an attack.

    Starting points depend on the run's seed and the image alone: between two validations only the network has changed.
    """

    def __init__(self, robust: Robust) -> None:
        self.robust = robust
        self._image = self._label = self._index = torch.empty(0)

    def prepare(self, data: TrainingData) -> None:
        """Take the images of val to attack, which stay uint8 on the CPU."""
        if self.robust.validation is None:
            return
        image, self._label = data.whole("val")
        self._index = subset(len(self._label), self.robust.val_images)
        self._image, self._label = image[self._index], self._label[self._index]

    def scalars(self, game: Game, network: nn.Module) -> dict[str, float]:
        """Robust accuracy of `network`, in 0..1: each device attacks its share of the images, so all of them must call it."""
        if not len(self._label):
            return {}
        rank, world = rank_and_world(game)
        rows = torch.arange(len(self._label)).tensor_split(world)[rank]
        (share,) = mean_over_images(self._correct(game, network, rows)[None], len(rows)).tolist()
        return {ROBUST: share}

    def final_metrics(self, game: Game, network: str) -> FinalMetrics:
        """The same on this device alone; network: name of the averaged network in the game."""
        attack = self.robust.validation
        if attack is None or not len(self._label):
            return FinalMetrics()
        correct = self._correct(game, getattr(game, network), torch.arange(len(self._label)))
        protocol = {
            "split": "val", "images": len(self._label), "network": network, "attack": type(attack).__name__,
            "norm": attack.norm, "epsilon": attack.epsilon, "steps": attack.steps,
        }  # fmt: skip
        measured = share(float(correct) / len(self._label), images=len(self._label), protocol=protocol)
        return FinalMetrics({robust_accuracy_name("val", type(attack).__name__.lower(), attack.epsilon): measured})

    def _correct(self, game: Game, network: nn.Module, rows: Tensor) -> Tensor:
        """How many of the images at `rows` (n,) are classified correctly without and with the attack, 0-d float32."""
        if not len(rows):
            return torch.tensor(0.0)
        assert self.robust.validation is not None
        image = normalise(self._image[rows].to(game.device)).to(game.weight_dtype())
        outcome = evaluate(
            self.robust.validation, Target(network, rows=None), image, self._label[rows].to(game.device),
            index=self._index[rows], seed=seed_of("robust validation", game.seed), batch_size=BATCH,
        )  # fmt: skip
        return outcome.correct.sum().float()
