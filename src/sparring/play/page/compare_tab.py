"""The tab Compare: two generators on the same latents."""

from typing import Any

import gradio as gr

from sparring.core.errors import ConfigError
from sparring.play import html
from sparring.play.choice import Choice
from sparring.play.page.guard import told, whole
from sparring.play.page.runs import menu
from sparring.play.page.shared import truncation_of, truncation_slider
from sparring.play.studio import Studio

GRID, COLUMNS, POINTS = 24, 6, 1024
SAME = ("channels", "image_size", "num_classes")  # of the data of two generators that can be compared


class CompareTab:
    """Builds the tab inside of a `gr.Blocks`."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        choices = menu(studio.offered().generators, studio, studio.settings.run)
        second = _alike([path for _, path in choices], studio)
        with gr.Row():
            self.one = gr.Dropdown(choices, value=choices[0][1], label="First generator", filterable=False)
            self.two = gr.Dropdown(choices, value=second, label="Second generator", filterable=False)
        with gr.Row():
            label = gr.Dropdown([], label="Class", filterable=False, min_width=120)
            seed = gr.Number(0, label="Seed", precision=0, minimum=0, step=1, min_width=120)
            truncation = truncation_slider(min_width=200)
        message = gr.HTML(padding=False)
        with gr.Row():
            first, other = gr.HTML(min_height=40), gr.HTML(min_height=40)
        inputs = [self.one, self.two, label, seed, truncation]
        quick: dict[str, Any] = {"show_progress": "hidden", "trigger_mode": "always_last", "queue": False}
        gr.on(
            [label.input, seed.input, truncation.input], told(2)(self.drawn), inputs, [message, first, other], api_name="compare",
            **quick,
        )  # fmt: skip
        opened = told(3)(self.opened), [self.one, self.two], [message, self.one, self.two, label]
        draw = told(2)(self.drawn), inputs, [message, first, other]
        gr.on([self.one.input, self.two.input], *opened, api_visibility="private").then(*draw, api_visibility="private")
        self.loading = (opened, draw)

    def opened(self, one: str, two: str) -> list[Any]:
        """The menus as the folder of runs is now, and the classes of the first generator."""
        choices = menu(self.studio.offered().generators, self.studio, one, two)
        names = self.studio.gan(one, None).class_names
        labels = [("all in turn", -1), *((name, index) for index, name in enumerate(names))]
        both = [gr.update(choices=choices), gr.update(choices=choices)]
        return [*both, gr.update(choices=labels, value=-1, visible=bool(names))]

    def drawn(self, one: str, two: str, label: int | None, seed: float, truncation: float) -> list[str]:
        """A grid of each; where they do not go together, a sentence in place of the second."""
        if one == two:
            raise ConfigError("Both menus name the same run: choose another one for the second.")
        pair = self.studio.check_pair(one, two)
        cut = truncation_of(truncation)
        choice = Choice(seed=whole(seed), label=None if label in (None, -1) else label, truncation=cut)
        sheets = []
        for gan in pair:
            if gan.shape[1] == 1:
                sheets.append(html.figure(gan.images(choice, POINTS), gan.path.name, f"points of {gan.path.name}"))
            else:
                sheets.append(
                    html.sheet(gan.images(choice, GRID), COLUMNS, gan.path.name, f"images of {gan.path.name}")
                )
        return sheets


def _alike(runs: list[str], studio: Studio) -> str:
    """Of the runs after the first one, the newest on images and classes like its own; the next one where there is none."""
    kinds = [[studio.runs.open(run).config["data"][key] for key in SAME] for run in runs]
    others = [run for run, kind in zip(runs[1:], kinds[1:], strict=True) if kind == kinds[0]]
    return [*others, *runs[1:], runs[0]][0]
