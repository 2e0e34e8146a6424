"""What attacks cost: PGD against a bare loop, and an ensemble on survivors against a naive one.

    python benchmarks/attack.py

A small network trained on scikit-learn's digits for a few seconds, one thread, CPU time. PGD and the loop make the same
steps on the same images (the loop: pure torch, no checks, no exact ball) in alternating order; reported: the median of the
paired ratios and their range. The ensemble is that of conf/attack/ensemble.yaml with 500 queries of Square; the naive one
runs every attack in full on every image and takes the worst afterwards. A query is one image that the network classifies.
"""

import os
import statistics
import time

os.environ["OMP_NUM_THREADS"] = "1"

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring.attack.apgd import APGD
from sparring.attack.base import Attack
from sparring.attack.ensemble import Ensemble
from sparring.attack.evaluation.target import Target
from sparring.attack.fab import FAB
from sparring.attack.pgd import PGD
from sparring.attack.square import Square

ROUNDS, BATCH, STEPS, EPSILON = 9, 256, 20, 0.2


def digits() -> tuple[Tensor, Tensor]:
    from sklearn.datasets import load_digits

    pixels, label = load_digits(return_X_y=True)
    return torch.tensor(pixels, dtype=torch.float32).view(-1, 1, 8, 8) / 8 - 1, torch.tensor(label)


def trained(image: Tensor, label: Tensor, width: int) -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1), nn.ReLU(),
        nn.Conv2d(width, 2 * width, 3, padding=1, stride=2), nn.ReLU(),
        nn.Flatten(), nn.Linear(32 * width, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    for _ in range(300):
        rows = torch.randint(len(label), (64,))
        optimizer.zero_grad()
        cross_entropy(model(image[rows]), label[rows]).backward()
        optimizer.step()
    return model.eval().requires_grad_(False)


def bare(model: nn.Module, image: Tensor, label: Tensor) -> Tensor:
    radius, step = 2 * EPSILON, 2 * EPSILON * 2.5 / STEPS
    x = (image + (2 * torch.rand_like(image) - 1) * radius).clamp(-1, 1)
    for _ in range(STEPS):
        x.requires_grad_()
        (gradient,) = torch.autograd.grad(cross_entropy(model(x), label, reduction="sum"), x)
        x = x.detach() + step * gradient.sign()
        x = (image + (x - image).clamp(-radius, radius)).clamp(-1, 1)
    return x


def seconds(work: object, *arguments: object, **named: object) -> float:
    start = time.process_time()
    work(*arguments, **named)  # type: ignore[operator]
    return time.process_time() - start


def compare_pgd(model: nn.Module, image: Tensor, label: Tensor, width: int) -> None:
    image, label, index = image[:BATCH], label[:BATCH], torch.arange(BATCH)
    attack = PGD(
        norm="linf", epsilon=EPSILON, steps=STEPS, step_size=None, start="uniform", restarts=1, loss="cross_entropy", momentum=0.0
    )  # fmt: skip
    pairs = []
    for turn in range(ROUNDS + 1):
        plain = lambda: seconds(bare, model, image, label)  # noqa: E731
        ours = lambda turn=turn: seconds(attack, model, image, label, index=index, seed=turn)  # noqa: E731
        first, second = (plain, ours) if turn % 2 else (ours, plain)
        one, other = first(), second()
        if turn:  # the first round warms up
            pairs.append((one, other) if turn % 2 else (other, one))
    ratios = [other / one for one, other in pairs]
    loop, framework = (1000 * statistics.median(values) for values in zip(*pairs, strict=True))
    target = Target(model, rows=None)
    attack(target, image, label, index=index, seed=0)
    print(
        f"PGD-{STEPS}, {BATCH} images, width {width}: bare loop {loop:.0f} ms, ours {framework:.0f} ms; "
        f"ratio median {statistics.median(ratios):.3f} [{min(ratios):.3f} .. {max(ratios):.3f}]; "
        f"gradients {target.gradient_rows} for {STEPS * BATCH} of the loop, other queries {target.forward_rows}"
    )


def compare_ensemble(model: nn.Module, image: Tensor, label: Tensor) -> None:
    image, label, index = image[:BATCH], label[:BATCH], torch.arange(BATCH)

    def parts() -> dict[str, Attack]:
        shared = {"norm": "linf", "epsilon": EPSILON}
        return {
            "apgd_ce": APGD(**shared, steps=100, restarts=1, loss="cross_entropy", targets=0),  # type: ignore[arg-type]
            "apgd_t": APGD(**shared, steps=100, restarts=1, loss="dlr", targets=9),  # type: ignore[arg-type]
            "fab_t": FAB(**shared, steps=100, restarts=1, targets=9),  # type: ignore[arg-type]
            "square": Square(**shared, queries=500, area=0.8),  # type: ignore[arg-type]
        }

    target = Target(model, rows=None)
    ensemble = Ensemble(norm="linf", epsilon=EPSILON, attacks=parts())
    together = seconds(ensemble, target, image, label, index=index, seed=0)
    queries = target.queries
    each = Target(model, rows=None)
    alone = sum(seconds(attack, each, image, label, index=index, seed=0) for attack in parts().values())
    full = BATCH * (101 + 9 * 101 + 9 * 200 + 500)
    print(
        f"ensemble, {BATCH} images, epsilon {EPSILON}: {queries} queries, {together:.2f} s; every attack on every image, each "
        f"leaving fooled images alone: {each.queries} queries, {alone:.2f} s ({each.queries / queries:.1f}x); "
        f"naive, every attack in full: {full} queries ({full / queries:.1f}x)"
    )


def main() -> None:
    torch.set_num_threads(1)
    image, label = digits()
    for width in (16, 64):
        model = trained(image, label, width)
        compare_pgd(model, image[-600:], label[-600:], width)
    compare_ensemble(model, image[-600:], label[-600:])


if __name__ == "__main__":
    main()
