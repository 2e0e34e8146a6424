"""What busy neighbours do to a training step, by how long an OpenMP thread spins before it sleeps while it waits.

    python benchmarks/contention.py

One RpGAN step of the default networks on 16x16 images, batch 64; each setting in a process of its own, alternating, first on
the machine as it is, then with two busy processes per core. `train.py` sets GOMP_SPINCOUNT=1000 unless it is set.
"""

import os
import statistics
import subprocess
import sys
import time

import torch

SETTINGS = {
    "one thread": {"OMP_NUM_THREADS": "1"},
    "OpenMP's default": {},
    "spin 1000 (ours)": {"GOMP_SPINCOUNT": "1000"},
    "no spinning": {"GOMP_SPINCOUNT": "0"},
}
ROUNDS, STEPS = 3, 10


def step_ms() -> float:
    """Median wall milliseconds of one step, in this process."""
    from sparring.model.conditioning.concat import Concat
    from sparring.model.discriminator.conv import ConvDiscriminator
    from sparring.model.generator.conv import ConvGenerator
    from sparring.model.head.projection import Projection
    from sparring.model.regularizer.base import squared_gradient_norm
    from sparring.model.step.views import frozen

    shape = {"channels": 1, "image_size": 16, "width": 16}
    generator = ConvGenerator(latent_dim=64, conditioning=Concat(num_classes=10, embedding_dim=64), **shape)
    discriminator = ConvDiscriminator(spectral_norm=False, head=Projection(num_classes=10), **shape)
    label, times = torch.arange(64) % 10, []
    for _ in range(STEPS):
        start = time.perf_counter()
        real = torch.randn(64, 1, 16, 16, requires_grad=True)
        fake = generator(torch.randn(64, 64), label).detach().requires_grad_()
        logits = discriminator(real, label), discriminator(fake, label)
        penalty = squared_gradient_norm(real, logits[0]) + squared_gradient_norm(fake, logits[1])
        (torch.nn.functional.softplus(logits[1] - logits[0]) + penalty).mean().backward()
        with frozen(discriminator):
            discriminator(generator(torch.randn(64, 64), label), label).mean().backward()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def in_process(settings: dict[str, str]) -> float:
    done = subprocess.run(
        [sys.executable, __file__, "step"], env={**os.environ, **settings}, check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def main() -> None:
    for load in ("as the machine is", "two busy processes per core"):
        count = 0 if load.startswith("as") else 2 * (os.cpu_count() or 1)
        neighbours = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
        try:
            rounds = [[in_process(settings) for settings in SETTINGS.values()] for _ in range(ROUNDS)]
        finally:
            for neighbour in neighbours:
                neighbour.kill()
        medians = [statistics.median(values) for values in zip(*rounds, strict=True)]
        print(f"{load}: " + ", ".join(f"{name} {ms:.0f} ms" for name, ms in zip(SETTINGS, medians, strict=True)))


if __name__ == "__main__":
    print(step_ms()) if sys.argv[1:] == ["step"] else main()
