"""Handlers whose errors become a sentence on the page of the visitor who caused them."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import gradio as gr

from sparring.core.errors import SparringError
from sparring.play.html import message


def told(outputs: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Of a handler with `outputs` results: their list, with a message in front, which is empty where all went well.

    Where it raises an error that is meant for people, the message says it and everything else on the page stays.
    """

    def decorate(handler: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(handler)
        def guarded(*given: Any) -> list[Any]:
            try:
                made = handler(*given)
            except SparringError as error:
                return [message(str(error)), *[gr.skip()] * outputs]
            return ["", *(made if isinstance(made, tuple | list) else [made])]

        return guarded

    return decorate


def whole(given: Any, *, least: int = 0) -> int:
    """A number field's value as a whole number, at least `least`; an empty field counts as that."""
    return max(least, int(given)) if isinstance(given, int | float) and given == given else least
