"""The parts of `gpu.py` but the speed: does everything run on the device, does a step wait for it, is a run resumed exactly?"""

import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import lightning.pytorch as L
import torch
from gpu_check import NARROW, Check, difference, weights

import sparring.training.training as training_module

CONF = Path(__file__).resolve().parent.parent / "conf" / "model"
OTHERS = {  # with settings of their own; the rest are GANs
    "flow": ["model.velocity.width=16"],
    "ssgan": ["data.labels_per_class=10"],
    "classifier": ["model.backbone.width=8"],
    "degraded_classifier": ["model.backbone.width=8"],
    "restorer": [],
    "srgan": ["model.discriminator.width=8"],
}


def every_preset() -> list[str]:
    """All but advgan, which needs the run of another."""
    return sorted(each.stem for each in CONF.glob("[!_]*.yaml") if each.stem != "advgan")


def presets(check: Check) -> None:
    """All trainings, then with `speed=fast`."""
    chosen = {name: OTHERS.get(name, NARROW) for name in check.presets}
    for name, more in chosen.items():
        check.tried("presets", name, lambda n=name, m=more: _peak(check.train(n, f"model={n}", *m)))
    for name in ("rpgan", "sngan", "classifier") if "sngan" in chosen else ("rpgan",):
        keys = [f"model={name}", *OTHERS.get(name, NARROW), "speed=fast"]
        check.tried("fast", name, lambda n=name, k=keys: _peak(check.train(f"{n}_fast", *k)))
    attacked = [f"model.target={check.runs / 'classifier'}", "model.epsilon=0.2", "model.distill=dynamic"]
    check.tried("presets", "advgan", lambda: _peak(check.train("advgan", "model=advgan", *attacked)))


def _peak(result: dict[str, Any]) -> str:
    return f"peak {result['cost']['peak_memory_mb']} MB"


def stages(check: Check) -> None:
    """Generating, measuring and attacking; needs the runs of `presets`."""
    run, victim, few = f"run={check.runs / 'rpgan'}", f"run={check.runs / 'classifier'}", 40 if check.cpu else 400
    calls = {
        f"generate {way}": ("generate", [run, f"count={few}", f"sampling={way}"])
        for way in ("plain", "rejection", "langevin")
    }
    calls["evaluate"] = ("evaluate", [run, f"count={few}", "metric/features=pixels", "report=false"])
    for name in ("fgsm", "pgd", "apgd", "fab", "square"):
        calls[f"attack {name}"] = ("attack", [victim, f"attack={name}", "epsilon=0.2", "count=20"])
    calls["attack advgan"] = (
        "attack",
        [victim, "attack=advgan", f"attack.run={check.runs / 'advgan'}", "epsilon=0.2", "count=20"],
    )
    for what, (verb, overrides) in calls.items():
        check.tried(
            "stages", what, lambda w=what, v=verb, o=overrides: str(bool(check.use(v, w.replace(" ", "_"), *o)))
        )


def resume(check: Check) -> None:
    """Stopped half-way and gone on with, against a run in one go and a second one, which on a GPU differs by rounding, too."""
    for name in ("rpgan", "dcgan"):
        keys, half = [f"model={name}", *NARROW], [f"trainer.max_steps={check.steps}"]

        def work(name: str = name, keys: list[str] = keys, half: list[str] = half) -> str:
            whole = [f"trainer.max_steps={2 * check.steps}"]
            check.train(f"{name}_whole", *keys, *whole)
            check.train(f"{name}_again", *keys, *whole)
            check.train(f"{name}_parts", *keys, *half)
            check.train(f"{name}_parts", *keys, *whole, f"resume={check.runs / f'{name}_parts'}")
            first = weights(check, f"{name}_whole")
            parts, again = (difference(weights(check, f"{name}_{which}"), first) for which in ("parts", "again"))
            return f"resumed differs by {parts:.1e}, a second run by {again:.1e}"

        check.tried("resume", name, work)


def storage(check: Check) -> None:
    for where in ("device", "memory", "mmap"):
        keys = ["model=rpgan", *NARROW, f"data.storage={where}", "data.flip=true", "data.crop=2"]
        check.tried("storage", where, lambda w=where, k=keys: _peak(check.train(f"storage_{w}", *k)))


def waits(check: Check) -> None:
    """Waits for the device in five ordinary iterations, by torch's own detector."""
    if check.cpu:
        return
    real: Any = training_module.build_trainer

    class Watch(L.Callback):
        def on_train_batch_end(self, trainer: Any, module: Any, *_: Any) -> None:
            torch.cuda.set_sync_debug_mode("warn" if 3 <= module.clock.iteration < 8 else "default")

    def build(parts: Any, *rest: Any) -> L.Trainer:
        trainer: L.Trainer = real(parts, *rest)
        trainer.callbacks.insert(0, Watch())  # type: ignore[attr-defined]
        return trainer

    def work(name: str) -> str:
        training_module.build_trainer = build
        try:
            with warnings.catch_warnings(record=True) as found:
                warnings.simplefilter("always")
                check.train(f"waits_{name}", f"model={name}", *NARROW, "trainer.log_every_n_steps=1000")
        finally:
            training_module.build_trainer = real
            torch.cuda.set_sync_debug_mode("default")
        places = Counter(
            f"{Path(each.filename).name}:{each.lineno}" for each in found if "synchroniz" in str(each.message)
        )
        often = ", ".join(f"{place} {count / 5:g}" for place, count in places.most_common(4))
        return f"{places.total() / 5:g} an iteration {often}"

    for name in ("rpgan", "sngan", "stylegan2_ada", "gan_classifier"):
        check.tried("waits", name, lambda n=name: work(n))
