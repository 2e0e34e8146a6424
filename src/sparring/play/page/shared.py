"""What the tabs share: choices of a menu for a generator, the slider of truncation, and the closer look at one image."""

from typing import Any

import gradio as gr
from torch import Tensor

from sparring.play import html
from sparring.play.gan import Gan
from sparring.play.judge import Judge

SLIDERS = 5  # directions of one way
EXTENT = 4.0  # standard deviations
NO_TRUNCATION = 3.0  # right end of the slider: as good as none
WORDS = {
    "sefa": "first layer (SeFa)", "pca": "principal components", "boundary": "towards a class", "random": "random (control)",
}  # fmt: skip


def labels_of(gan: Gan) -> list[tuple[str, int]]:
    """(name, index) of the classes that a generator knows."""
    return [(name, index) for index, name in enumerate(gan.class_names)]


def ways(gan: Gan) -> list[tuple[str, str]]:
    """(words, name) of the ways of finding directions that apply to a generator."""
    return [(WORDS.get(way, way), way) for way in gan.ways()]


def truncation_slider(**more: Any) -> gr.Slider:
    """From 0.1 to NO_TRUNCATION, where it begins."""
    info = f"{NO_TRUNCATION:g} is none"
    return gr.Slider(0.1, NO_TRUNCATION, NO_TRUNCATION, step=0.1, label="Truncation", info=info, **more)


def truncation_of(value: float) -> float | None:
    """What the slider says; None at its right end."""
    return value if value < NO_TRUNCATION else None


def closer_look(judge: Judge, image: Tensor, label: int | None, method: str | None, epsilon: float) -> tuple[str, str]:
    """(figures, bars) of an image (1, C, H, W) uint8: its attribution map, its adversarial twin and the change."""
    attacked = judge.attacked(image, label, float(epsilon))
    figures = [html.figure(image, "As it is", "the image", kind="middle")]
    if method:
        shown = judge.explained(image, method)
        caption = f"{method.replace('_', ' ')}: orange speaks for the answer, blue against"
        figures.append(html.figure(shown, caption, f"attribution map by {method}", kind="middle"))
    figures += [
        html.figure(attacked.image, f"Attacked within {epsilon:g}", "the image after the attack", kind="middle"),
        html.figure(
            attacked.change, "The change, stretched", "the change that the attack made, around grey", kind="middle"
        ),
    ]
    return html.row(*figures), html.bars(attacked.bars, "After the attack it says")
