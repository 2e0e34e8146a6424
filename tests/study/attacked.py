"""Made-up results of attack.py, for the analyses of studies that evaluate classifiers with it."""

from typing import Any

KINDS = ("fog", "jpeg")


def attacked(
    clean: float, robust: dict[str, float], *, epsilons: tuple[float, ...] = (0.2,), corrupted: float = 0.5, ece: float = 0.1,
    flags: tuple[str, ...] = (),
) -> dict[str, Any]:  # fmt: skip
    """result.json of a classifier with accuracy `clean`, and `robust` accuracy by attack at every strength, in [0, 1].

    corrupted: accuracy under the first kind at every severity; under the second it is 0.1 less.
    """
    table = {
        kind: [{"severity": s, "accuracy": corrupted - 0.1 * i, "ece": 2 * ece} for s in range(1, 6)]
        for i, kind in enumerate(KINDS)
    }
    attacks = {
        name: [
            {"epsilon": eps, "accuracy": value, "success_rate": 1 - value / clean, "mean_linf": eps, "mean_l2": 1.0,
             "queries_per_image": 51.0, "gradients_per_image": 50.0, "cpu_seconds": 2.0}
            for eps in epsilons
        ]
        for name, value in robust.items()
    }  # fmt: skip
    return {
        "clean": {"accuracy": clean, "ece": ece}, "attacks": attacks, "flags": list(flags),
        "corruptions": {"table": table, "mean_accuracy": corrupted - 0.05, "mean_ece": 2 * ece},
        "cost": {"seconds": 3.0, "images": 100},
    }  # fmt: skip
