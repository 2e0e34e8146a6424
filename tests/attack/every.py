"""Every attack of conf/attack as its tests build it: with few steps, and with the networks that it needs."""

from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from sparring.attack.base import Attack
from sparring.attack.evaluation.target import Target
from sparring.config.build import build
from sparring.defence.base import Defended
from tests.attack.conftest import network
from tests.conftest import compose
from tests.leaves import single_leaves

LEAVES = single_leaves("attack")
# Further settings of some leaves: name -> leaf and its changes.
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "pgd_momentum": ("pgd", {"momentum": 1.0, "loss": "dlr"}),
    "pgd_trades": ("pgd", {"loss": "kl", "start": "near"}),
    "apgd_t": ("apgd", {"loss": "dlr", "targets": 3}),
    "bpda_draws": ("bpda", {"draws": 2}),
}
NAMES = [*LEAVES, *VARIANTS]
MOST = {"steps": 6, "restarts": 2, "queries": 30, "targets": 3}


def few_steps(node: DictConfig) -> None:
    """Cut the settings of an attack, and of the attacks within it, that cost time."""
    for key in list(node):
        if OmegaConf.is_missing(node, key):
            continue
        if isinstance(node[key], DictConfig):
            few_steps(node[key])
        elif key in MOST:
            node[key] = min(node[key], MOST[key])


def attack_of(name: str, norm: str = "linf", epsilon: float = 0.2, *, rows: int | None = None) -> Attack:
    """An attack of NAMES. rows: images per pass of the networks that it brings with it."""
    leaf, changes = VARIANTS.get(name, (name, {}))
    config = compose(f"attack={leaf}", "run=classifier", config="attack").attack
    few_steps(config)
    for key, value in {"norm": norm, "epsilon": epsilon, **changes}.items():
        config[key] = value
    if OmegaConf.is_missing(config, "run"):
        config.run = "other"
    return with_network(build(config, section="attack"), rows)


def with_network(attack: Attack, rows: int | None) -> Attack:
    """The attack with the network of `attack.run`, for those that work with another network than the one attacked."""
    leaf = type(attack).__module__.rpartition(".")[2]
    with torch.random.fork_rng():
        torch.manual_seed(5)
        if leaf == "transfer":
            return attack.attach(Target(network(), rows=rows))  # type: ignore[attr-defined]
        if leaf == "advgan":
            perturber = nn.Sequential(
                nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1), nn.Tanh()
            )
            return attack.attach(Target(perturber, rows=rows), trained_at=attack.epsilon)  # type: ignore[attr-defined]
    return attack


class Rounded(Defended):
    """A purifier that is fast and not continuous: pixels go to the nearest of 5 grey levels, `draw` shifts these."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def rounded(self, image: Tensor, draw: int) -> Tensor:
        return ((image * 2 + 0.3 * draw).round() - 0.3 * draw).detach() / 2

    def forward(self, image: Tensor) -> Tensor:
        return self.network(self.rounded(image, 0))

    def straight_through(self, image: Tensor, draw: int = 0) -> Tensor:
        return self.network(image + (self.rounded(image, draw) - image).detach())


def victim_of(attack: Attack, model: nn.Module) -> nn.Module:
    """What the attack is run on: the model, or the model behind a defence for an attack on defences."""
    return Rounded(model) if attack.bypasses else model
