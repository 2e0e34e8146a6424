"""What a run's page says of a classifier: accuracies, and each class beside the one it is most often taken for."""

from collections.abc import Iterator
from typing import Any

from sparring.core.settings import epsilon_text


def accuracies(result: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(label, value, small print) on test, the reported number, and on val, which choices are made by; robust where measured."""
    for split, words in (("test", "Test accuracy"), ("val", "Validation accuracy")):
        found = (result.get("metrics") or {}).get(split)
        if isinstance(found, dict) and "accuracy" in found:
            yield words, f"{found['accuracy']:.2%}", f"{found['images']:,} images, calibration error {found['ece']:.2%}"
    yield from _robust(result)


def _robust(result: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Under the attack of model/robust on val: at the end, and where it was best."""
    found, best = (result.get("metrics") or {}).get("robust"), (result.get("validation") or {}).get("best")
    if not isinstance(found, dict):
        return
    what = (
        f"{found['images']:,} images, {found['attack']} of {found['steps']} steps at {epsilon_text(found['epsilon'])}"
    )
    kept = f"; best {best['value']:.2%} at iteration {best['iteration']:,}" if best else ""
    yield "Robust validation accuracy", f"{found['accuracy']:.2%}", what + kept


def per_class(result: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(class, accuracy on test and what it is most often taken for); nothing for a run without a classifier."""
    found = (result.get("metrics") or {}).get("test")
    if not isinstance(found, dict) or "confusion" not in found:
        return
    names = result["classes"]
    for k, (share, counts) in enumerate(zip(found["per_class"], found["confusion"], strict=True)):
        text = "no test image" if share is None else f"{share:.2%} of {sum(counts):,}"
        wrong = {other: count for other, count in enumerate(counts) if other != k and count}
        if wrong:
            worst = max(wrong, key=lambda other: wrong[other])
            text += f", most often taken for {names[worst]} ({wrong[worst]:,})"
        yield str(names[k]), text
