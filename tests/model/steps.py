"""A tiny GAN trained for some iterations on random images."""

import lightning.pytorch as L
import torch
from torch import nn

from sparring.core.types import Batch
from sparring.model.gan import GAN
from sparring.trained.runs import build_model
from tests.conftest import compose

TINY = ["data.image_size=8", "model.generator.width=4", "model.discriminator.width=4", "model.latent_dim=5"]
BATCH = 8


class Chunks:
    """What ImageData's train loader yields, with random images that never repeat."""

    def __init__(self, streams: dict[str, int], length: int) -> None:
        self.streams, self.length = streams, length
        self.drawn: list[torch.Tensor] = []

    def __len__(self) -> int:
        return self.length

    def __iter__(self):
        for _ in range(self.length):
            yield {name: [self.chunk() for _ in range(count)] for name, count in self.streams.items()}

    def chunk(self) -> Batch:
        number = len(self.drawn)
        draws = torch.Generator().manual_seed(number)
        self.drawn.append(torch.rand(BATCH, 1, 8, 8, generator=draws) * 2 - 1)
        return Batch(self.drawn[-1], torch.arange(BATCH) % 10)


def gan(*overrides: str) -> GAN:
    torch.manual_seed(0)
    model = build_model(compose(*TINY, *overrides))
    assert isinstance(model, GAN)
    return model


def fit(
    model: GAN, steps: int, *, epoch: int = 5, callbacks: list[L.Callback] | None = None
) -> tuple[L.Trainer, Chunks]:
    chunks = Chunks(model.streams, epoch)
    model.budget = steps
    trainer = L.Trainer(
        max_steps=steps, max_epochs=-1, accelerator="cpu", logger=False, enable_checkpointing=False, callbacks=callbacks,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(model, chunks)
    return trainer, chunks


def snapshot(network: nn.Module) -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in network.parameters()]
