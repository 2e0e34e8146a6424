"""The last lines of each verb, from what its result.json holds."""

from typing import Any

import pytest

from sparring.report.figures import percent
from sparring.report.outcome import outcome, strongest


def share(value: float, low: float, high: float, **protocol: Any) -> dict[str, Any]:
    fixed = {"split": "test", "images": 355}
    return {"value": value, "std": None, "interval": [low, high], "direction": "higher", "protocol": fixed | protocol}


def distance(value: float | None, real: float | None, split: str = "test") -> dict[str, Any]:
    protocol = {"reference": {"split": split, "images": 355}, "std": "standard deviation over 3 sets"}
    metric = {"value": value, "std": 0.04, "interval": None, "direction": "lower", "protocol": protocol}
    return metric | ({} if real is None else {"reference": real})


TRAINED = {
    "verb": "train", "clock": {"iteration": 200, "images_seen": 12_800}, "parameters": {"network": 94_186},
    "cost": {"seconds": 4.0},
}  # fmt: skip
CLEAN = share(0.9634, 0.938, 0.979)
ECE = {"value": 0.021, "std": None, "interval": None, "direction": "lower", "protocol": {}}


def test_a_classifier() -> None:
    came = outcome({**TRAINED, "metrics": {"val/accuracy": share(1, 1, 1), "test/accuracy": CLEAN, "test/ece": ECE}})
    assert came.words == "The classifier gets 96.3 % of the test images right."
    assert came.figures == "test accuracy 96.3 % [93.8, 97.9] of 355 images, calibration error 2.1 %."


def test_a_robust_classifier_names_the_attack() -> None:
    robust = share(0.5, 0.4, 0.6, attack="PGD", steps=10, epsilon=8 / 255)
    came = outcome({**TRAINED, "metrics": {"test/accuracy": CLEAN, "val/robust_accuracy/pgd@8/255": robust}})
    assert came.figures.endswith("; val accuracy under PGD-10 at 8/255 50.0 % [40.0, 60.0].")


@pytest.mark.parametrize(
    ("value", "real", "words"),
    [
        (1.6, 0.16, "The samples are 10 times as far from real images as real images are from each other."),
        (0.16, 0.16, "The samples are as close to real images as real images are to each other."),
        (1.6, None, "The samples are at a Frechet distance of 1.6 from real images."),
    ],
)
def test_a_generator(value: float, real: float | None, words: str) -> None:
    metrics = {"val/fd_classifier_1000": distance(value, real, "val"), "val/kid_classifier_1000": distance(0.1, 0.0)}
    came = outcome({**TRAINED, "metrics": metrics})
    assert came.words == words
    assert came.figures.startswith(f"fd_classifier_1000 {value} ± 0.04 against val")


def test_a_training_in_which_nothing_is_measured() -> None:
    came = outcome({**TRAINED, "metrics": {}})
    assert came.words == "Trained for 200 iterations, 12,800 real images seen; nothing was measured."


def test_a_restorer_is_measured_against_bicubic_images() -> None:
    metrics = {"test/psnr": {"value": 21.456}, "test/bicubic_psnr": {"value": 19.0}}
    came = outcome({**TRAINED, "metrics": metrics})
    assert came.words == "Restored test images are nearer to the originals than bicubic ones."
    assert came.figures == "test PSNR 21.46 dB, bicubic 19.00 dB."


def test_a_perturber_stands_between_noise_and_pgd() -> None:
    under = {
        name: share(value, 0, 1, attack=name, epsilon=0.1)
        for name, value in (("noise", 0.95), ("pgd", 0.0), ("advgan", 0.3))
    }
    metrics = {
        "test/accuracy": CLEAN,
        **{f"test/robust_accuracy/{name}@25.5/255": each for name, each in under.items()},
    }
    came = outcome({**TRAINED, "metrics": metrics, "perturber": {}})
    assert came.words == "The perturber takes 66.3 points of accuracy from its target at epsilon 25.5/255."
    assert "0.0 % [0.0, 100.0] under PGD" in came.figures


def test_an_evaluation_reports_test_and_says_what_the_deviation_is_over() -> None:
    metrics = {
        "train/fd_pixels_9": distance(1, 1, "train"),
        "test/fd_pixels_9": distance(2, 1),
        "test/agreement_pixels_9": share(0.87, 0, 1),
    }
    came = outcome({"verb": "evaluate", "metrics": metrics})
    assert came.words.endswith(
        "2 times as far from real images as real images are from each other; 87 % look like the class asked for."
    )
    assert came.figures == "fd_pixels_9 2 ± 0.04 against test (real images: 1); ± over 3 sets."


def test_an_evaluation_without_a_distance() -> None:
    came = outcome(
        {
            "verb": "evaluate",
            "metrics": {"test/kid_pixels_9": distance(0.5, 0.1), "test/fd_pixels_9": distance(None, None)},
        }
    )
    assert came.figures == "test/kid_pixels_9 0.5 ± 0.04."


def attacked(*under: tuple[str, float, float]) -> dict[str, Any]:
    metrics = {"test/accuracy": CLEAN}
    for name, epsilon, value in under:
        metrics[f"test/robust_accuracy/{name}@{255 * epsilon:.4g}/255"] = share(
            value, 0, 1, attack=name, epsilon=epsilon
        )
    return {"verb": "attack", "data": {"split": "test"}, "metrics": metrics}


def test_an_attack_tells_the_first_strength_that_breaks_the_classifier() -> None:
    came = outcome(attacked(("pgd", 0.2, 0.0), ("pgd", 8 / 255, 0.4), ("pgd", 2 / 255, 0.9)))
    assert (
        came.words == "Under pgd at 8/255 the classifier still gets 40.0 % of the images right, 96.3 % without attack."
    )
    assert "at worst 2/255 90.0 % [0.0, 100.0], 8/255 40.0 %" in came.figures


def test_all_attacks_together_win_over_an_equal_one() -> None:
    (worst,) = strongest(attacked(("pgd", 0.1, 0.3), ("fgsm", 0.1, 0.5), ("worst_case", 0.1, 0.3))["metrics"])
    assert worst["protocol"]["attack"] == "worst_case"
    (only,) = strongest(attacked(("fgsm", 0.1, 0.5), ("worst_case", 0.1, 0.5))["metrics"])
    assert only["protocol"]["attack"] == "fgsm"


def test_a_study_tells_its_primary_comparison() -> None:
    protocol = {"primary": True, "arm": "gan", "baseline": "aug", "measure": "test accuracy", "replicates": 6}
    metric = {"value": 1.25, "std": None, "interval": [0.5, 2.0], "protocol": protocol, "direction": "higher"}
    result = {
        "verb": "study",
        "metrics": {"a": metric},
        "analysis": {"conclusion": "It helps.", "verdict": "HELPS"},
        "cells": {},
    }
    came = outcome(result)
    assert came.words == "It helps."
    assert came.figures == "HELPS: gan - aug +1.25 [0.50, 2.00] points of test accuracy, 6 replicates."


def test_a_share_without_an_interval() -> None:
    assert percent({"value": 0.5}) == "50.0 %"


def test_samples_that_were_only_looked_at_and_a_remark() -> None:
    protocol = {"split": "train", "images": 200, "real_images_agreement": 0.94}
    seen = {"std": None, "interval": None, "protocol": protocol}
    metrics = {
        "train/diversity_pixels_200": {"value": 0.1, **seen},
        "train/agreement_pixels_200": {"value": 0.9, **seen},
    }
    came = outcome({**TRAINED, "metrics": metrics, "remarks": ["its samples have collapsed"]})
    assert came.words == (
        "Samples of a class differ 0.1 times as much as real ones; 90 % look like the class asked for. "
        "Its samples have collapsed."
    )
    assert came.figures == "diversity 0.1 of the real, agreement 0.9 (real images: 0.94), 200 samples in pixels."


def test_samples_at_the_end_of_a_training() -> None:
    seen = {"std": None, "interval": None, "protocol": {"split": "train", "images": 200}}
    metrics = {
        "train/diversity_pixels_200": {"value": 0.8, **seen},
        "train/agreement_pixels_200": {"value": 0.9, **seen},
        "test/fd_pixels_8x8_500": distance(0.2, 0.1),
    }
    came = outcome({**TRAINED, "metrics": metrics})
    assert came.words.endswith(
        "times as far from real images as real images are from each other; 90 % look like the class asked for."
    )
    assert came.figures == "fd_pixels_8x8_500 0.2 ± 0.04 against test (real images: 0.1), diversity 0.8 of the real."
    better = {**metrics, "val/fd_classifier_1000": distance(5.0, 1.0, "val")}
    assert outcome({**TRAINED, "metrics": better}).figures.startswith("fd_classifier_1000 5 ± 0.04 against val")


def test_an_explanation() -> None:
    def row(method: str, gain: float, *, control: bool, beats: bool) -> dict[str, Any]:
        return {
            "method": method,
            "control": control,
            "beats": {"edges": beats},
            "gain": {"value": gain, "low": 0.0, "high": 1.0},
        }

    table = [row("gradient", 0.2, control=False, beats=True), row("lime", 0.1, control=False, beats=False)]
    result = {"verb": "explain", "metrics": {}, "cost": {"images": 64}, "attributions": {"table": table}}
    came = outcome({**result, "attributions": {"table": [*table, row("edges", 0.9, control=True, beats=False)]}})
    assert came.words.startswith("1 of 2 methods point at what the network looks at")
    assert came.figures == "best gradient, insertion minus deletion +0.200 [0.000, 1.000], 64 images."
    searched = outcome({**result, "counterfactuals": {"validity": 0.75, "images": 16}})
    assert searched.figures.endswith(", 64 images; 75% of 16 counterfactuals valid.")


def test_an_explanation_of_a_generator() -> None:
    def direction(name: str, moved: float, *, control: bool) -> dict[str, Any]:
        return {"name": name, "control": control, "pixel_change": {"value": moved}}

    ways = {
        "sefa": [direction("sefa 1", 0.3, control=False), direction("sefa 2", 0.2, control=False)],
        "random": [direction("random 1", 0.08, control=True)],
    }
    came = outcome({"verb": "explain", "metrics": {}, "generator": {"directions": ways}})
    assert came.words == "2 directions were found; images change most along sefa 1."
    assert came.figures == "a pixel by 0.300 of its range, along random ones by at most 0.080."
    alone = outcome({"verb": "explain", "metrics": {}, "generator": {"directions": {"random": ways["random"]}}})
    assert alone.words == "Random directions alone were drawn."


def test_an_enhancement() -> None:
    def version(name: str, psnr: float | None, accuracy: float | None) -> dict[str, Any]:
        return {
            "version": name,
            "psnr": psnr,
            "psnr_interval": [psnr - 1, psnr + 1] if psnr else None,
            "accuracy": accuracy,
        }

    rows = [version("bicubic", 13.0, 0.5), version("enhanced", 18.5, 0.75), version("original", None, 0.95)]
    metrics = {f"test/accuracy/{row['version']}": share(row["accuracy"], 0.4, 0.96) for row in rows}
    result = {
        "verb": "enhance", "metrics": metrics, "cost": {"images": 40}, "comparison": rows, "protocol": {"split": "test"}
    }  # fmt: skip
    came = outcome(result)
    assert came.words == (
        "Enhanced images are nearer to the originals than bicubic ones, and the classifier gets more of them right."
    )
    assert came.figures == (
        "PSNR 18.50 dB [17.50, 19.50], bicubic 13.00 dB, 40 images; accuracy 75.0 % [40.0, 96.0], bicubic 50.0 % [40.0, 96.0], "
        "originals 95.0 % [40.0, 96.0]."
    )
    plain = outcome({**result, "comparison": [version("bicubic", 13.0, None), version("enhanced", 12.0, None)]})
    assert plain.words == "Enhanced images are no nearer to the originals than bicubic ones."
    files = outcome({**result, "comparison": None, "files": {"folder": "enhanced"}})
    assert files.words == "40 images were enhanced."


def test_a_verb_without_words_of_its_own() -> None:
    assert outcome({"verb": "flip", "metrics": {}}).words == "0 values were measured."
