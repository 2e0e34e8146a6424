"""Ray Tune calling sparring: `python examples/sweep/ray_tune.py`, with pip install 'ray[tune]==2.60.0'.

Each trial trains with its own values in a directory of its own, and reports the accuracy on val.
"""

import sys
from pathlib import Path

import ray
from ray import tune

LOGS = Path("logs/ray_tune").absolute()


def trial(settings: dict[str, float]) -> None:
    """One training, in a worker of Ray."""
    import sparring

    name = "_".join(f"{key.rpartition('.')[2]}-{value:.4g}" for key, value in settings.items())
    overrides = [f"{key}={value}" for key, value in settings.items()]
    run = sparring.train(
        "model=classifier", "data=digits", f"trainer.max_steps={STEPS}", f"trainer.val_check_interval={STEPS}", "report=false",
        *overrides, run_dir=LOGS / f"{name}_{tune.get_context().get_trial_id()}",
    )  # fmt: skip
    tune.report({"accuracy": float(run.history["val/accuracy"][-1]), "run": str(run.path)})


STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 600

if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False)
    search = {"model.optimizer.lr": tune.grid_search([0.002, 0.02]), "seed": tune.choice([1])}
    found = tune.Tuner(trial, param_space=search).fit()
    best = found.get_best_result(metric="accuracy", mode="max")
    print(f"Best on val: {best.metrics['accuracy']:.3f} with {best.config} in {best.metrics['run']}")
