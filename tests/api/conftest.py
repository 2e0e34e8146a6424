"""Runs and caches of the notebook interface, away from the repository's."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

import sparring

TINY = [
    "data.image_size=8", "data.batch_size=8", "model.generator.width=8", "model.discriminator.width=8", "model.latent_dim=8",
    "trainer.max_steps=2", "trainer.log_every_n_steps=1", "trainer.accelerator=cpu", "report=false",
]  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def places(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Iterator[Path]:
    """The folder of run directories of the session."""
    logs = tmp_path_factory.mktemp("logs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARRING_LOG_DIR", str(logs))
        patch.setenv("SPARRING_CACHE_DIR", str(cache_dir))
        yield logs


@pytest.fixture(scope="session")
def gan(places: Path) -> sparring.Run:
    """Two iterations on digits of 8 x 8."""
    return sparring.train(TINY)


@pytest.fixture(scope="session")
def images() -> tuple[Tensor, Tensor]:
    """120 images of noise in three classes, uint8."""
    draws = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (120, 1, 8, 8), generator=draws, dtype=torch.uint8), torch.arange(120) % 3
