"""Does it pay to train the replicates of a study as one stacked network? CPU milliseconds of a training step, alone and stacked.

    PYTHONPATH=src:. python -m benchmarks.stacked
    PYTHONPATH=src:. python -m benchmarks.stacked --replicates 10 --batch 100 data.image_size=16

For each network (the classifier; generator and discriminator of a GAN preset): forward pass, backward pass and Adam's update for
each replicate after another, against `torch.func.vmap` over the stacked parameters, in turns on one thread. Both run bare PyTorch
on the same networks and inputs; BatchNorm takes the batch's statistics in both.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from sparring.config.build import build
from sparring.config.compose import compose


class Step(nn.Module):
    """A network with a loss: image or latent, label -> scalar."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, given: Tensor, label: Tensor) -> Tensor:
        out: Tensor = self.network(given, label)
        return nn.functional.softplus(-out).mean()


class Unlabelled(nn.Module):
    """A classifier that is called with a label, too."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, given: Tensor, _: Tensor) -> Tensor:
        out: Tensor = self.network(given)
        return out


def networks(overrides: list[str], preset: str) -> dict[str, tuple[Callable[[], nn.Module], bool]]:
    """Name -> (maker of a network, whether it takes latents)."""

    def made(choice: str, part: str) -> nn.Module:
        model = build(compose("train", [f"model={choice}", "data=digits", *overrides]).model, section="model")
        return Step(Unlabelled(model.network) if part == "network" else getattr(model, part))

    return {
        "classifier": (lambda: made("classifier", "network"), False),
        f"{preset}, discriminator": (lambda: made(preset, "discriminator"), False),
        f"{preset}, generator": (lambda: made(preset, "generator"), True),
    }


def steps(make: Callable[[], nn.Module], given: Tensor, label: Tensor) -> dict[str, Callable[[], None]]:
    """given, label: one batch per replicate, stacked."""
    alone = [make() for _ in given]
    for module in (each for network in alone for each in network.modules()):
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.track_running_stats, module.running_mean, module.running_var = False, None, None
    optimizers = [torch.optim.Adam(each.parameters()) for each in alone]
    stacked = {name: value.detach().clone().requires_grad_() for name, value in stack_module_state(alone)[0].items()}
    buffers = dict(alone[0].named_buffers())
    together = torch.optim.Adam(stacked.values())

    def loss(parameters: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        out: Tensor = functional_call(alone[0], (parameters, buffers), (x, y))
        return out

    def one_by_one() -> None:
        for network, optimizer, x, y in zip(alone, optimizers, given, label, strict=True):
            optimizer.zero_grad()
            network(x, y).backward()
            optimizer.step()

    def at_once() -> None:
        together.zero_grad()
        vmap(loss, randomness="different")(stacked, given, label).sum().backward()
        together.step()

    return {"alone": one_by_one, "stacked": at_once}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=6)
    parser.add_argument("--batch", type=int, default=50, help="images of a replicate (default: %(default)s)")
    parser.add_argument("--preset", default="rpgan", help="GAN (default: %(default)s)")
    parser.add_argument("--turns", type=int, default=15, help="steps of each kind, in turns (default: %(default)s)")
    parser.add_argument("overrides", nargs="*", help="of the configuration; data.image_size=8 where it is not given")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    sized = any(item.startswith("data.image_size=") for item in chosen.overrides)
    overrides = [*([] if sized else ["data.image_size=8"]), *chosen.overrides]
    config = compose("train", [f"model={chosen.preset}", "data=digits", *overrides])
    shape = (config.data.channels, config.data.image_size, config.data.image_size)
    print(f"| step of {chosen.replicates} replicates | alone, ms | stacked, ms | stacked / alone |\n|---|---|---|---|")
    for name, (make, latent) in networks(overrides, chosen.preset).items():
        rows = (chosen.replicates, chosen.batch)
        given = torch.randn(*rows, config.model.latent_dim) if latent else torch.rand(*rows, *shape) * 2 - 1
        ways = steps(make, given, torch.randint(config.data.num_classes, rows))
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for turn in range(chosen.turns + 2):
            for way, step in ways.items():
                start = time.process_time()
                step()
                if turn > 1:
                    seconds[way].append(1e3 * (time.process_time() - start))
        one, all_ = (median(seconds[way]) for way in ("alone", "stacked"))
        ratios = sorted(b / a for a, b in zip(*seconds.values(), strict=True))
        low, high = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
        print(f"| {name} | {one:.1f} | {all_:.1f} | {median(ratios):.2f} [{low:.2f}, {high:.2f}] |", flush=True)


if __name__ == "__main__":
    main()
