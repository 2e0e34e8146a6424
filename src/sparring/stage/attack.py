"""`python attack.py run=logs/train/<run> attack=pgd`: what attacks leave of a classifier's accuracy.

conf/attack.yaml says what each key means. `config.attack` is one attack, or several by name.
"""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from sparring.attack import flags
from sparring.attack.base import Attack
from sparring.attack.epsilon import shown
from sparring.attack.evaluate import Outcome, distances, evaluate, per_class
from sparring.attack.probe import probe
from sparring.attack.target import Target
from sparring.build import build
from sparring.corruption.evaluate import probabilities
from sparring.corruption.score import expected_calibration_error
from sparring.data.augment import normalise
from sparring.environment import environment
from sparring.errors import ConfigError, DataError, DivergedError, SparringError
from sparring.randomness import generator
from sparring.report.attack import adversarial_picture, attack_report
from sparring.run_dir import RunDir, config_hash
from sparring.stage.corrupt import corruption_table
from sparring.stage.generate import device_named
from sparring.stage.load import Loaded
from sparring.stage.sample import check_at_least_one
from sparring.stage.threat import attach_sources, load, named_attacks, strengths
from sparring.types import Batch


@dataclass(frozen=True)
class Images:
    """What is attacked, on the target's device: image float32 [-1, 1], label, and index, the place in the split.

    pixels: the same images as uint8, on the CPU.
    """

    pixels: Tensor
    image: Tensor
    label: Tensor
    index: Tensor


def attack(config: DictConfig, run_dir: Path) -> dict[str, Any]:
    """Attack the classifier that `config` names; returns what result.json holds.

    Files: images/adversarial.png, result.json, report.html.

    Raises:
        CheckpointError: `config.run` is no run of a classifier. DataError: its data is not what it was trained on.
        ConfigError: an epsilon outside (0, 1], or an attack that does not apply. DivergedError: logits are not finite.
    """
    with RunDir.create(run_dir) as run:
        run.write_status("running", "", None, {}, None)
        try:
            result = _attack(config, run)
        except SparringError as error:
            run.write_status("failed", str(error), error.exit_code, {}, None)
            raise
        except KeyboardInterrupt:
            run.write_status("interrupted", "stopped by the user; nothing was kept", 130, {}, None)
            raise
        run.write_status("finished", f"{result['cost']['images']} images", 0, {}, None)
        attack_report(run.path)
    return result


def _attack(config: DictConfig, run: RunDir) -> dict[str, Any]:
    started = time.perf_counter()
    epsilons = strengths(config.epsilon)
    check_at_least_one(count=config.count, batch_size=config.batch_size, rows=config.rows or 1)
    loaded = load(str(config.run), config)
    attacks = attach_sources(named_attacks(config), loaded, config)
    device = device_named(config.device)
    target = Target(loaded.network.to(device), rows=config.rows).eval()
    for each in attacks.values():
        each.check(target)
    images, fingerprints = _images(config, loaded, device)
    probability, label = _clean(target, images, config.batch_size), images.label.cpu()
    clean = probability.argmax(1)
    plain = Batch(images.pixels, label)
    corruptions = corruption_table(config, loaded, target, plain, images.index.cpu(), device)
    outcomes = {name: _curve(name, each, epsilons, target, images, config) for name, each in attacks.items()}
    found = _flags(attacks, outcomes, target, images, config)
    write_picture(run.images / "adversarial.png", outcomes, images, clean, loaded.class_names)
    rows = {
        name: [_row(eps, each, images, len(loaded.class_names)) for eps, each in curve.items()]
        for name, curve in outcomes.items()
    }
    result = {
        "verb": "attack",
        "config_hash": config_hash(config),
        "data": {"fingerprints": fingerprints, "split": config.split},
        "classifier": loaded.origin,
        "classes": list(loaded.class_names),
        "clean": {"accuracy": float((clean == label).float().mean()),
                  "per_class": per_class(clean == label, label, len(loaded.class_names)),
                  "ece": expected_calibration_error(probability, label)},
        "attacks": rows,
        "worst": [_worst(eps, outcomes) for eps in epsilons] if len({each.norm for each in attacks.values()}) == 1 else [],
        "flags": found,
        "corruptions": corruptions,
        "protocol": _protocol(config, attacks),
        "cost": {"seconds": round(time.perf_counter() - started, 2), "images": len(images.label),
                 "queries": target.queries},
        "environment": environment(),
    }  # fmt: skip
    run.write_result(result)
    print(run.path / "report.html", file=sys.stderr)
    return result


def _images(config: DictConfig, loaded: Loaded, device: torch.device) -> tuple[Images, dict[str, str]]:
    """At most `count` images of the split, chosen once for all runs on the same data."""
    if config.split not in ("val", "test"):
        raise ConfigError(f"split={config.split} is not what a classifier is judged on; give test or val.")
    settings = RunDir.open(loaded.origin["run"]).config.data
    OmegaConf.update(settings, "cache_dir", config.paths.cache_dir)
    data = build(settings, section="data", extensions=list(config.extensions))
    data.setup("fit")
    fingerprints: dict[str, str] = data.fingerprints()
    trained_on = loaded.origin["fingerprints"]
    if trained_on and trained_on.get(config.split) != fingerprints[config.split]:
        raise DataError(
            f"The {config.split} images of {settings.name} are not those that {loaded.origin['run']} was made with; "
            "restore the data, or train again."
        )
    image, label = data.whole(config.split)
    order = torch.randperm(len(label), generator=generator("attack", "subset"))[: config.count]
    index = order.sort().values
    if not len(index):
        raise DataError(f"The {config.split} split of {settings.name} is empty; give split=test or split=val.")
    return Images(
        image[index], normalise(image[index]).to(device), label[index].to(device), index.to(device)
    ), fingerprints


def _clean(target: Target, images: Images, batch_size: int) -> Tensor:
    """Probabilities (N, K) without an attack, on the CPU."""
    probability = probabilities(target, images.pixels, batch_size)
    if not bool(probability.isfinite().all()):
        raise DivergedError("The classifier's logits are NaN or infinite: its weights are from a run that diverged.")
    return probability


def _curve(
    name: str, each: Attack, epsilons: list[float], target: Target, images: Images, config: DictConfig
) -> dict[float, Outcome]:
    curve = {}
    for epsilon in epsilons:
        curve[epsilon] = evaluate(
            each.at(epsilon), target, images.image, images.label,
            index=images.index, seed=config.seed, batch_size=config.batch_size,
        )  # fmt: skip
        print(
            f"{name:12} epsilon {shown(epsilon):18} accuracy {curve[epsilon].accuracy:6.1%}  {curve[epsilon].seconds:.1f} s",
            file=sys.stderr,
        )
    return curve


def _row(epsilon: float, outcome: Outcome, images: Images, num_classes: int) -> dict[str, Any]:
    fooled = outcome.clean & ~outcome.correct
    linf, l2 = distances(outcome.adversarial[fooled], images.image.cpu()[fooled])
    attacked = max(1, int(outcome.clean.sum()))
    return {
        "epsilon": epsilon,
        "shown": shown(epsilon),
        "accuracy": outcome.accuracy,
        "success_rate": outcome.success_rate,
        "per_class": per_class(outcome.correct, images.label.cpu(), num_classes),
        "mean_linf": float(linf.mean()) if len(linf) else None,
        "mean_l2": float(l2.mean()) if len(l2) else None,
        "queries_per_image": (outcome.forward_rows + outcome.gradient_rows) / attacked,
        "gradients_per_image": outcome.gradient_rows / attacked,
        "cpu_seconds": round(outcome.seconds, 3),
    }


def _worst(epsilon: float, outcomes: Mapping[str, Mapping[float, Outcome]]) -> dict[str, Any]:
    """An image counts where no attack fools the classifier."""
    standing = torch.stack([curve[epsilon].correct for curve in outcomes.values()]).all(0)
    return {"epsilon": epsilon, "shown": shown(epsilon), "accuracy": float(standing.float().mean())}


def _protocol(config: DictConfig, attacks: Mapping[str, Attack]) -> dict[str, Any]:
    plain = OmegaConf.to_container(config, resolve=True)
    assert isinstance(plain, dict)
    return {
        "attack": plain["attack"], "norm": {name: each.norm for name, each in attacks.items()}, "split": config.split,
        "count": config.count, "seed": config.seed, "rows": config.rows, "batch_norm": "eval", "weights": "averaged",
        "accuracy": "right before and after the attack, of all images",
    }  # fmt: skip


def _flags(
    attacks: Mapping[str, Attack],
    outcomes: Mapping[str, Mapping[float, Outcome]],
    target: Target,
    images: Images,
    config: DictConfig,
) -> list[str]:
    """Sentences about attacks that look weaker than they should be, each once."""
    norms = sorted({each.norm for each in attacks.values()})
    found: list[str | None] = []
    for norm in norms:
        curves = {name: curve for name, curve in outcomes.items() if attacks[name].norm == norm}
        for epsilon in next(iter(curves.values())):
            left = {name: curve[epsilon].accuracy for name, curve in curves.items()}
            white = {name: value for name, value in left.items() if attacks[name].needs_gradient}
            found.append(flags.black_box_wins(white, {name: left[name] for name in left.keys() - white.keys()}))
        found += [
            flags.not_falling([(eps, each.accuracy) for eps, each in curve.items()], name)
            for name, curve in curves.items()
        ]
        if config.probe:
            some = slice(0, config.probe)
            epsilons = list(next(iter(curves.values())))
            found += probe(
                target, images.image[some], images.label[some],
                norm=norm, epsilon=epsilons[len(epsilons) // 2], index=images.index[some], seed=config.seed,
            )  # fmt: skip
    return list(dict.fromkeys(sentence for sentence in found if sentence))


def write_picture(
    path: Path,
    outcomes: Mapping[str, Mapping[float, Outcome]],
    images: Images,
    clean: Tensor,
    class_names: tuple[str, ...],
) -> None:
    """The strongest attack at the smallest epsilon that fools half of the images, or else at the largest."""
    epsilons = list(next(iter(outcomes.values())))

    def strongest(epsilon: float) -> Outcome:
        return max((curve[epsilon] for curve in outcomes.values()), key=lambda each: each.success_rate)

    chosen = next((epsilon for epsilon in epsilons if strongest(epsilon).success_rate >= 0.5), epsilons[-1])
    adversarial_picture(path, strongest(chosen), images.image.cpu(), images.label.cpu(), class_names)
