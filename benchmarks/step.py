"""What the framework costs: `train.py`'s iteration against a bare PyTorch loop of the same networks.

    python benchmarks/step.py [overrides]      for example: model=dcgan data=cifar10 data.path=<folder>

Both sides do the same work (latents, forward, loss, penalties, class losses, augmentation, backward, fused Adam,
averaged generator, batches by index out of one uint8 tensor) in one process, in alternating blocks, one thread, CPU
time. The framework's side is the real Trainer with its default callbacks and the CSV logger; checkpoints and sample
grids are left out on both sides. Reported: the median of the paired ratios and their range.
"""

import copy
import functools
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import lightning.pytorch as L
import torch
from hydra import compose, initialize_config_dir

from sparring.build import build, build_model
from sparring.callback.finite import Finite
from sparring.callback.progress import ProgressDisplay
from sparring.callback.scalars import Scalars
from sparring.callback.signals import Signals
from sparring.logger.csv import CSVLogger
from sparring.model.gan import GAN
from sparring.model.part import DiscriminatorView, GeneratorView, Judged, frozen

ROOT = Path(__file__).resolve().parent.parent
ROUNDS, STEPS, WARM_UP = 7, 20, 3


class Stopwatch(L.Callback):
    """CPU seconds of the iterations after the warm-up."""

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if trainer.global_step == WARM_UP:
            self.start = time.process_time()
        elif trainer.global_step == trainer.max_steps:
            self.seconds = time.process_time() - self.start


def framework(model: GAN, data: Any, folder: Path) -> float:
    """CPU seconds per iteration of the framework."""
    model.budget = STEPS
    data.clock = model.clock
    watch = Stopwatch()
    trainer = L.Trainer(
        max_steps=STEPS, max_epochs=-1, accelerator="cpu", logger=[CSVLogger(path=folder / "metrics.csv")],
        callbacks=[Finite(), Scalars(), Signals(), ProgressDisplay(seconds=1e9), watch], log_every_n_steps=10,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, limit_val_batches=0,
        use_distributed_sampler=False, default_root_dir=str(folder),
    )  # fmt: skip
    trainer.fit(model, datamodule=data)
    return watch.seconds / (STEPS - WARM_UP)


class Loose:
    """Random numbers as a plain loop would draw them: from the global generator, for what is there."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def normal(self, purpose: str, *shape: int) -> torch.Tensor:
        return torch.randn(self.rows, *shape)

    def uniform(self, purpose: str, *shape: int) -> torch.Tensor:
        return torch.rand(self.rows, *shape)

    def of(self, *more: str) -> "Loose":
        return self


def bare(model: GAN, images: torch.Tensor, labels: torch.Tensor, batch_size: int) -> float:
    """CPU seconds per iteration of a plain loop over the same players, losses, penalties and augmentation."""
    generator, discriminator, ema, loose = model.generator, model.discriminator, model.ema, Loose(batch_size)
    show: Any = functools.partial(model.augment, draws=loose)
    optimizer_g, optimizer_d = model.configure_optimizers()
    penalties = [(penalty, penalty.terms) for penalty in model.regularizers.values()]

    def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        rows = torch.randint(len(labels), (batch_size,))
        return images[rows].float() / 127.5 - 1, labels[rows], torch.randn(batch_size, model.latent_dim)

    def judged(image: torch.Tensor, label: torch.Tensor) -> Judged:
        features = discriminator.features(image)
        return Judged(image, label, features, discriminator.head(features, label))

    def discriminator_step(number: int) -> None:
        real, label, latent = batch()
        due = [(penalty, terms) for penalty, terms in penalties if number % penalty.interval == 0]
        with torch.no_grad():
            fake = generator(latent, label)
            shown, shown_label = model.augment.real(real, label, fake, label, loose)
            shown, fake = show(shown), show(fake)
        seen = judged(shown.requires_grad_(bool(due)), shown_label)
        forged = judged(fake.requires_grad_(bool(due)), label)
        view: Any = DiscriminatorView(discriminator, generator, show, forged, latent, loose, real=seen)  # type: ignore[arg-type]
        loss = model.loss.discriminator(seen.logits, forged.logits).mean()
        for term in discriminator.head.discriminator_terms(seen, forged).values():
            loss = loss + term.mean()
        for penalty, terms in due:
            if "discriminator" in terms:
                loss = loss + penalty.interval * penalty.discriminator(view).mean()
        loss.backward()
        optimizer_d.step()
        optimizer_d.zero_grad()
        for penalty, _ in due:
            penalty.after_step("discriminator", discriminator)
        model.augment.observe(seen.logits)
        model.augment.after_step(images=batch_size)

    def generator_step(number: int) -> None:
        with frozen(discriminator):
            real, label, latent = batch()
            with torch.no_grad():
                real_logits = discriminator(show(real), label) if model.loss.pairs else None
            image = generator(latent, label)
            forged = judged(show(image), label)
            loss = model.loss.generator(forged.logits, real_logits).mean()
            for term in discriminator.head.generator_terms(forged).values():
                loss = loss + term.mean()
            view: Any = GeneratorView(discriminator, generator, show, forged, latent, loose, plain=image)  # type: ignore[arg-type]
            for penalty, terms in penalties:
                if "generator" in terms and number % penalty.interval == 0:
                    loss = loss + penalty.interval * penalty.generator(view).mean()
            loss.backward()
        optimizer_g.step()
        optimizer_g.zero_grad()
        for penalty, _ in penalties:
            if number % penalty.interval == 0:
                penalty.after_step("generator", generator)

    for step in range(STEPS):
        if step == WARM_UP:
            start = time.process_time()
        for number in range(model.d_steps):
            discriminator_step(step * model.d_steps + number)
        generator_step(step)
        model.averaging.update(ema, generator, images=batch_size, images_seen=step * batch_size)
    return (time.process_time() - start) / (STEPS - WARM_UP)


def main(overrides: list[str]) -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, initialize_config_dir(str(ROOT / "conf"), version_base=None):
        places = [f"paths.root_dir={ROOT}", f"paths.cache_dir={folder}", f"paths.run_dir={folder}", "name=benchmark"]
        config = compose("train", overrides=[*places, *overrides])
        model = build_model(config)
        assert isinstance(model, GAN)
        data = build(config.data, section="data")
        data.streams, data.clock = model.streams, model.clock
        data.setup("fit")
        rows = torch.arange(len(data.train_labels))
        images, labels = data.train_images(rows), data.train_labels
        pairs = []
        for turn in range(ROUNDS):
            plain = lambda: bare(copy.deepcopy(model), images, labels, data.batch_size)  # noqa: E731
            ours = lambda: framework(copy.deepcopy(model), data, Path(folder))  # noqa: E731
            first, second = (plain, ours) if turn % 2 else (ours, plain)
            one, other = first(), second()
            pairs.append((one, other) if turn % 2 else (other, one))
    ratios = [ours / plain for plain, ours in pairs]
    plain, ours = (1000 * statistics.median(values) for values in zip(*pairs, strict=True))
    print(
        f"{' '.join(overrides) or 'defaults'}: bare loop {plain:.1f} ms, framework {ours:.1f} ms per iteration (CPU, one thread)"
    )
    print(f"ratio framework / bare: median {statistics.median(ratios):.3f} [{min(ratios):.3f} .. {max(ratios):.3f}]")


if __name__ == "__main__":
    main(sys.argv[1:])
