"""What the framework costs: `train.py`'s iteration against a bare PyTorch loop of the same networks.

    python benchmarks/step.py [overrides]      for example: model=dcgan data=cifar10 data.path=<folder>
    python benchmarks/step.py --all [overrides]                    every GAN preset, as rows of a table

Both sides do the same work (latents, forward, loss, penalties, class losses, augmentation, backward, fused Adam, averaged
generator, batches by index out of one uint8 tensor) on copies of the same networks, in one process, in turns of one iteration,
so that whatever else the machine does meets both. One thread, CPU time. The framework's side is the real Trainer with its
default callbacks and the CSV logger; validation, checkpoints and sample grids are left out on both sides. The bare loop draws
from the global generator and logs nothing. Reported: the median over blocks of 25 iterations of the ratio, and its range.
"""

import argparse
import copy
import functools
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import lightning.pytorch as L
import torch
from omegaconf import DictConfig
from torch import Tensor

from sparring.callback.finite import Finite
from sparring.callback.progress import ProgressDisplay
from sparring.callback.scalars import Scalars
from sparring.callback.signals import Signals
from sparring.config.build import build
from sparring.config.compose import compose
from sparring.logger.csv import CSVLogger
from sparring.model.gan import GAN
from sparring.model.regularizer.base import Regularizer
from sparring.model.step.views import DiscriminatorOutput, DiscriminatorView, GeneratorView
from sparring.trained.runs import build_model

ROOT = Path(__file__).resolve().parent.parent
WARM_UP, BLOCK = 5, 25  # iterations; a block has as many as lie between two log lines
PRESETS = [
    "gan", "dcgan", "lsgan", "wgan", "wgan_gp", "dragan", "sngan", "projgan", "acgan", "sagan", "biggan", "contragan", "reacgan",
    "stylegan2", "stylegan2_ada", "r3gan", "rpgan",
]  # fmt: skip


class Loose:
    """Random numbers as a plain loop would draw them: from the global generator, for what is there."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def normal(self, purpose: str, *shape: int) -> Tensor:
        return torch.randn(self.rows, *shape)

    def uniform(self, purpose: str, *shape: int) -> Tensor:
        return torch.rand(self.rows, *shape)

    def of(self, *more: str) -> "Loose":
        return self


class Bare:
    """A plain loop over a model's networks, optimizers, loss, penalties and augmentation."""

    def __init__(self, model: GAN, images: Tensor, labels: Tensor, *, batch_size: int, flip: bool) -> None:
        self.model, self.images, self.labels, self.batch_size, self.flip = model, images, labels, batch_size, flip
        self.generator, self.discriminator = model.generator.train(), model.discriminator.train()
        self.optimizer_g, self.optimizer_d = model.configure_optimizers()
        self.draws: Any = Loose(batch_size)
        self.augment = functools.partial(model.augment, draws=self.draws)
        self.done = 0

    def iteration(self) -> None:
        for step in range(self.model.d_steps):
            self.discriminator_step(self.done * self.model.d_steps + step)
        self.generator_step(self.done)
        images = self.batch_size * self.model.d_steps
        self.model.averaging.update(self.model.ema, self.generator, images=images, images_seen=self.done * images)
        self.done += 1

    def discriminator_step(self, number: int) -> None:
        model = self.model
        due = list(self.due(number))
        (real, label), latent, fake_label = self.real(), self.latent(), self.fake_label()
        with torch.no_grad():
            fake = self.generator(latent, fake_label)
            real = model.augment.real(real, label, lambda label: self.generator(self.latent(), label), self.draws)
            real, fake = self.augment(real), self.augment(fake)
        wanted = {where for penalty in due for where in penalty.gradients_at}
        real_output = self.output(real.requires_grad_("real" in wanted), label)
        fake_output = self.output(fake.requires_grad_("fake" in wanted), fake_label)
        loss = model.loss.discriminator(real_output.logits, fake_output.logits).mean()
        for term in self.discriminator.head.discriminator_terms(real_output, fake_output).values():
            loss = loss + term.mean()
        view = DiscriminatorView(
            self.discriminator, self.generator, self.augment, fake_output, latent, self.draws, real=real_output
        )  # fmt: skip
        for penalty in due:
            if "discriminator" in penalty.terms:
                loss = loss + penalty.interval * penalty.discriminator(view).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer_d.step()
        self.optimizer_d.zero_grad()
        for penalty in due:
            penalty.after_step("discriminator", self.discriminator)
        model.augment.observe(real_output.logits)
        model.augment.after_step(images=self.batch_size)

    def generator_step(self, number: int) -> None:
        model = self.model
        due, latent, label, real_output = list(self.due(number)), self.latent(), self.fake_label(), None
        self.discriminator.requires_grad_(False)
        if model.loss.pairs or any(penalty.compares for penalty in due):
            real, real_label = self.real()
            label = real_label if model.loss.pairs else label
            with torch.no_grad():
                real_output = self.output(self.augment(real), real_label)
        image = self.generator(latent, label)
        fake_output = self.output(self.augment(image), label)
        loss = model.selection(
            model.loss.generator(fake_output.logits, real_output.logits if real_output else None),
            fake_output.logits,
            number,
        )
        for term in self.discriminator.head.generator_terms(fake_output).values():
            loss = loss + term.mean()
        view = GeneratorView(
            self.discriminator, self.generator, self.augment, fake_output, latent, self.draws, generated=image, real=real_output
        )  # fmt: skip
        for penalty in due:
            if "generator" in penalty.terms:
                loss = loss + penalty.interval * penalty.generator(view).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        self.discriminator.requires_grad_(True)
        self.optimizer_g.step()
        self.optimizer_g.zero_grad()
        for penalty in due:
            penalty.after_step("generator", self.generator)

    def real(self) -> tuple[Tensor, Tensor]:
        rows = torch.randint(len(self.labels), (self.batch_size,))
        image = self.images[rows].float() / 127.5 - 1
        if self.flip:
            image = torch.where(torch.rand(self.batch_size, 1, 1, 1) < 0.5, image.flip(3), image)
        return image, self.labels[rows]

    def latent(self) -> Tensor:
        return torch.randn(self.batch_size, self.model.latent_dim)

    def fake_label(self) -> Tensor:
        return torch.randint(self.model.num_classes, (self.batch_size,))

    def output(self, image: Tensor, label: Tensor) -> DiscriminatorOutput:
        features = self.discriminator.features(image)
        return DiscriminatorOutput(image, label, features, self.discriminator.head(features, label))

    def due(self, number: int) -> Iterator[Regularizer]:
        return (penalty for penalty in self.model.regularizers.values() if number % penalty.interval == 0)


class Turns(L.Callback):
    """After each of the framework's iterations one of the bare loop; sums both sides' CPU seconds by blocks."""

    def __init__(self, bare: Bare) -> None:
        self.bare = bare
        self.blocks: list[list[float]] = []

    def on_train_start(self, trainer: L.Trainer, module: Any) -> None:
        self.mark = time.process_time()

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        before = time.process_time()
        self.bare.iteration()
        after = time.process_time()
        timed = trainer.global_step - WARM_UP  # batch_idx starts anew in each pass over the data
        if timed > 0:
            if timed % BLOCK == 1:
                self.blocks.append([0.0, 0.0])
            self.blocks[-1][0] += before - self.mark
            self.blocks[-1][1] += after - before
        self.mark = time.process_time()


def measure(config: DictConfig, folder: Path, blocks: int) -> list[list[float]]:
    """CPU seconds of each block: [framework, bare loop]."""
    model = build_model(config)
    if type(model) is not GAN or config.model.accumulate > 1 or config.data.crop:
        raise SystemExit("The bare loop knows GANs of two players on whole batches of images that are not cropped.")
    data = build(config.data, section="data")
    data.streams, data.clock, model.budget = model.streams, model.clock, WARM_UP + blocks * BLOCK
    data.setup("fit")
    images, labels = data.train_images(torch.arange(len(data.train_labels))), data.train_labels
    bare = Bare(copy.deepcopy(model), images, labels, batch_size=data.batch_size, flip=data.flip)
    turns = Turns(bare)
    L.Trainer(
        max_steps=model.budget, max_epochs=-1, accelerator="cpu", logger=[CSVLogger(path=folder / "metrics.csv")],
        callbacks=[Finite(), Scalars(), Signals(), ProgressDisplay(seconds=1e9), turns],
        log_every_n_steps=config.trainer.log_every_n_steps, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, limit_val_batches=0, use_distributed_sampler=False, default_root_dir=str(folder),
    ).fit(model, datamodule=data)  # fmt: skip
    return turns.blocks


def compare(overrides: list[str], blocks: int) -> tuple[float, float, list[float]]:
    """(framework's, bare loop's milliseconds per iteration, ratio of each block)."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = measure(
            compose("train", [f"paths.cache_dir={ROOT / 'logs' / 'data'}", *overrides]), Path(folder), blocks
        )
    ours, plain = (1000 / BLOCK * statistics.mean(side) for side in zip(*seconds, strict=True))
    return ours, plain, [framework / bare for framework, bare in seconds]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("--all", action="store_true", help="every GAN preset instead of model=")
    parser.add_argument("--blocks", type=int, default=5, help=f"blocks of {BLOCK} iterations")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("| settings | bare loop, ms | framework, ms | ratio, median [range] |\n|---|---|---|---|", flush=True)
    for chosen in [[f"model={preset}"] for preset in PRESETS] if given.all else [[]]:
        ours, plain, ratios = compare([*chosen, *given.overrides], given.blocks)
        name = " ".join(chosen or given.overrides) or "defaults"
        interval = f"{statistics.median(ratios):.3f} [{min(ratios):.3f} .. {max(ratios):.3f}]"
        print(f"| {name} | {plain:.1f} | {ours:.1f} | {interval} |", flush=True)


if __name__ == "__main__":
    main()
