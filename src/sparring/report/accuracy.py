"""A classifier on the page of its run: accuracies, and each class with the one it is most often confused with."""

from collections.abc import Iterator
from typing import Any

from sparring.core.settings import epsilon_text


def accuracies(result: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(label, value, small print) on test, the reported number, and on val, used for choices; robust accuracy if measured."""
    for split, label in (("test", "Test accuracy"), ("val", "Validation accuracy")):
        metrics = (result.get("metrics") or {}).get(split)
        if isinstance(metrics, dict) and "accuracy" in metrics:
            small = f"{metrics['images']:,} images, calibration error {metrics['ece']:.2%}"
            yield label, f"{metrics['accuracy']:.2%}", small
    yield from _robust(result)


def _robust(result: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Under the attack of model/robust on val: at the end, and at the best checkpoint."""
    robust, best = (result.get("metrics") or {}).get("robust"), (result.get("validation") or {}).get("best")
    if not isinstance(robust, dict):
        return
    attack = f"{robust['attack']} of {robust['steps']} steps at {epsilon_text(robust['epsilon'])}"
    best_text = f"; best {best['value']:.2%} at iteration {best['iteration']:,}" if best else ""
    small = f"{robust['images']:,} images, {attack}{best_text}"
    yield "Robust validation accuracy", f"{robust['accuracy']:.2%}", small


def per_class(result: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(class, accuracy on test and most frequent confusion); nothing for a run without a classifier."""
    metrics = (result.get("metrics") or {}).get("test")
    if not isinstance(metrics, dict) or "confusion" not in metrics:
        return
    names = result["classes"]
    for k, (recall, counts) in enumerate(zip(metrics["per_class"], metrics["confusion"], strict=True)):
        text = "no test image" if recall is None else f"{recall:.2%} of {sum(counts):,}"
        errors = {other: count for other, count in enumerate(counts) if other != k and count}
        if errors:
            most = max(errors, key=lambda other: errors[other])
            text += f", most often taken for {names[most]} ({errors[most]:,})"
        yield str(names[k]), text
