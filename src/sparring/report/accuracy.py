"""What a run's page says of a classifier: accuracies, and each class beside the one it is most often taken for."""

from collections.abc import Iterator
from typing import Any

from sparring.core.settings import epsilon_text


def accuracies(result: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(label, value, small print) on test, the reported number, and on val, which choices are made by; robust where measured."""
    for split, words in (("test", "Test accuracy"), ("val", "Validation accuracy")):
        metrics = result.get("metrics") or {}
        accuracy, ece = metrics.get(f"{split}/accuracy"), metrics.get(f"{split}/ece")
        if accuracy and ece:
            images = accuracy["protocol"]["images"]
            yield words, f"{accuracy['value']:.2%}", f"{images:,} images, calibration error {ece['value']:.2%}"
    yield from _robust(result)


def _robust(result: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Under the attack of model/robust on val: at the end, and where it was best."""
    best = (result.get("validation") or {}).get("best")
    note = f"; best {best['value']:.2%} at iteration {best['iteration']:,}" if best else ""
    for name, metric in (result.get("metrics") or {}).items():
        if name.startswith("val/robust_accuracy/"):
            it = metric["protocol"]
            steps = f" of {it['steps']} steps" if "steps" in it else ""
            what = f"{it['images']:,} images, {it['attack']}{steps} at {epsilon_text(it['epsilon'])}"
            yield "Robust validation accuracy", f"{metric['value']:.2%}", what + note


def per_class(result: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(class, accuracy on test and what it is most often taken for); nothing for a run without a classifier."""
    test = (result.get("classification") or {}).get("test")
    if test is None:
        return
    names = result["classes"]
    for k, (share, counts) in enumerate(zip(test["per_class"], test["confusion"], strict=True)):
        text = "no test image" if share is None else f"{share:.2%} of {sum(counts):,}"
        wrong = {other: count for other, count in enumerate(counts) if other != k and count}
        if wrong:
            worst = max(wrong, key=lambda other: wrong[other])
            text += f", most often taken for {names[worst]} ({wrong[worst]:,})"
        yield str(names[k]), text
