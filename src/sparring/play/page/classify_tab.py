"""The tab Classify: an image of the visitor's own, uploaded or drawn."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.play import html
from sparring.play.incoming import from_canvas, from_file
from sparring.play.own import Own, current
from sparring.play.page.guard import told
from sparring.play.page.runs import chosen, optional
from sparring.play.page.shared import EXTENT, SLIDERS, closer_look, ways
from sparring.play.studio import Studio

CANVAS = 280  # pixels of the drawing's side
FORGOTTEN = 3600  # seconds after which a visitor's image is dropped


class ClassifyTab:
    """Builds the tab inside of a `gr.Blocks`. run, classifier: the menus of the tab Play, whose networks are asked."""

    def __init__(self, studio: Studio, run: Any, classifier: Any) -> None:
        self.studio, self.own = studio, gr.State(None, time_to_live=FORGOTTEN)
        self.networks = [run, classifier]
        gr.Markdown("The networks are those of the tab Play.")
        with gr.Row():
            with gr.Column(scale=2, min_width=300):
                upload = gr.File(label="Upload an image", file_count="single", type="filepath", height=110)
                canvas = gr.Sketchpad(
                    label="Or draw one", canvas_size=(CANVAS, CANVAS), fixed_canvas=True, height=CANVAS + 110, layers=False,
                    brush=gr.Brush(default_size=18, colors=["#000000"], color_mode="fixed"), image_mode="RGBA", buttons=[],
                )  # fmt: skip
                ask = gr.Button("Ask about the drawing", variant="primary", size="sm")
            with gr.Column(scale=3, min_width=300):
                self.message = gr.HTML(padding=False)
                with gr.Row():
                    self.image, self.bars = gr.HTML(), gr.HTML()
        self._below()
        self._listen(upload, canvas, ask)

    def _below(self) -> None:
        offered, settings = self.studio.offered(), self.studio.settings
        with gr.Row():
            self.method = gr.Dropdown([], label="Attribution map of your image", filterable=False, min_width=160)
            self.epsilon = gr.Slider(
                0.01, 0.4, 0.1, step=0.01, label="Epsilon of the attack on your image", min_width=200
            )
        self.closer, self.attacked_bars = gr.HTML(), gr.HTML()
        gr.Markdown("### Find it in the generator, and change it there")
        with gr.Row():
            invert = gr.Button("Find its latent", size="sm")
            self.way = gr.Radio([], label="Directions to change it along")
        with gr.Row():
            with gr.Column(scale=2, min_width=280):
                self.moves = [gr.Slider(-EXTENT, EXTENT, 0, step=0.1, label=f"Change {n + 1}") for n in range(SLIDERS)]
            with gr.Column(scale=3, min_width=280):
                self.found = gr.HTML()
        gr.Markdown("### Enhance it")
        with gr.Row():
            typed = settings.enhancer
            self.enhancer = gr.Dropdown(
                optional(offered.enhancers, self.studio, typed, "none: train model=restorer or srgan"), label="Enhancer",
                value=str(self.studio.runs.find(typed)) if typed else "", filterable=False,
            )  # fmt: skip
            enhance = gr.Button("Enhance", size="sm")
        self.enhanced = gr.HTML()
        self.invert_button, self.enhance_button = invert, enhance

    def _listen(self, upload: Any, canvas: Any, ask: Any) -> None:
        hidden: dict[str, Any] = {"show_progress": "minimal", "api_visibility": "private"}
        said = [
            self.message,
            self.own,
            self.image,
            self.bars,
            self.closer,
            self.attacked_bars,
            self.found,
            self.enhanced,
        ]
        inputs = [*self.networks, self.method, self.epsilon]
        upload.upload(told(7)(self.uploaded), [upload, *inputs], said, **hidden)
        ask.click(told(7)(self.drawn), [canvas, *inputs], said, **hidden)
        gr.on(
            [self.method.input, self.epsilon.release], told(2)(self.looked), [self.own, *inputs],
            [self.message, self.closer, self.attacked_bars], **hidden,
        )  # fmt: skip
        found = [self.message, self.own, self.found]
        self.invert_button.click(
            told(2)(self.inverted), [self.own, *self.networks, self.way, *self.moves], found, **hidden
        )
        gr.on(
            [each.input for each in self.moves], told(2)(self.moved), [self.own, *self.networks, self.way, *self.moves], found,
            show_progress="hidden", trigger_mode="always_last", api_visibility="private",
        )  # fmt: skip
        self.way.input(
            told(SLIDERS)(self.directions), [*self.networks, self.way], [self.message, *self.moves], **hidden
        )
        self.enhance_button.click(
            told(1)(self.improved), [self.own, self.enhancer], [self.message, self.enhanced], **hidden
        )
        self.loading = told(2 + SLIDERS)(self.opened), self.networks, [self.message, self.method, self.way, *self.moves]

    # -- what happens ---------------------------------------------------------------------------------------------------

    def opened(self, run: str, classifier: str) -> list[Any]:
        """The menus for the networks of the tab Play."""
        gan, judge = self.studio.gan(run, chosen(classifier)), self.studio.judge(run, chosen(classifier))
        found, methods = ways(gan), [] if judge is None else judge.methods()
        first = found[0][1] if found else None
        return [
            gr.update(choices=methods, value=methods[0] if methods else None),
            gr.update(choices=found, value=first),
            *self.directions(run, classifier, first),
        ]

    def directions(self, run: str, classifier: str, way: str | None) -> list[Any]:
        """The sliders of one way, all at 0."""
        steps = [] if way is None else list(self.studio.gan(run, chosen(classifier)).steps(way).values())
        shown = [gr.update(label=f"{step.name} of your image", value=0, visible=True) for step in steps[:SLIDERS]]
        return shown + [gr.update(value=0, visible=False)] * (SLIDERS - len(shown))

    def uploaded(self, file: str | None, run: str, classifier: str, *how: Any) -> list[Any]:
        """An uploaded file, classified, explained and attacked."""
        if file is None:
            raise ConfigError("No file came: upload a PNG, JPEG or WebP image.")
        return self._asked(from_file(Path(file), self.studio.gan(run, chosen(classifier)).shape), run, classifier, *how)

    def drawn(self, canvas: dict[str, Any] | None, run: str, classifier: str, *how: Any) -> list[Any]:
        """A drawing, likewise."""
        composite = None if canvas is None else canvas.get("composite")
        if composite is None:
            raise ConfigError("Nothing is drawn yet: draw with the brush, or upload an image.")
        gan = self.studio.gan(run, chosen(classifier))
        dark = self.studio.training_images(run).dark
        return self._asked(from_canvas(composite, gan.shape, dark=dark), run, classifier, *how)

    def _asked(self, image: Tensor, run: str, classifier: str, method: str | None, epsilon: float) -> list[Any]:
        judge = self.studio.judge(run, chosen(classifier))
        figure = html.figure(image, "Your image, as the networks see it", "your image")
        if judge is None:
            own = Own(image, run, chosen(classifier), None)
            return [own, figure, html.note("No classifier: choose one in the tab Play."), "", "", "", ""]
        own = Own(image, run, chosen(classifier), judge.class_names[judge.answer(image)])
        return [
            own,
            figure,
            html.bars(judge.bars(image), "The classifier says"),
            *closer_look(judge, image, None, method, epsilon),
            "",
            "",
        ]

    def looked(self, own: Own | None, run: str, classifier: str, method: str | None, epsilon: float) -> list[Any]:
        """Attribution and attack again, of the same image."""
        judge = self.studio.judge(run, chosen(classifier))
        if own is None or judge is None:
            return ["", ""]
        return [*closer_look(judge, current(own, run, chosen(classifier)).image, None, method, epsilon)]

    def inverted(self, own: Own | None, run: str, classifier: str, way: str | None, *moves: float) -> list[Any]:
        """Search the image's latent, and show what the generator makes of it."""
        own, gan = current(own, run, chosen(classifier)), self.studio.gan(run, chosen(classifier))
        latent, error = gan.inverted(own.image, own.label(gan))
        found = replace(own, latent=latent)
        return [found, self._shown(found, run, classifier, way, moves, f"Found, off by {error:.1%} of the pixel range")]

    def moved(self, own: Own | None, run: str, classifier: str, way: str | None, *moves: float) -> list[Any]:
        """The found image, changed along directions."""
        if own is None or own.latent is None:
            raise ConfigError("Find the latent of an image first, with the button above.")
        return [own, self._shown(own, run, classifier, way, moves, "Found and changed")]

    def _shown(self, own: Own, run: str, classifier: str, way: str | None, moves: Any, caption: str) -> str:
        own = current(own, run, chosen(classifier))
        gan, judge = self.studio.gan(run, chosen(classifier)), self.studio.judge(run, chosen(classifier))
        assert own.latent is not None
        move = {f"{way}_{n + 1}": float(value) for n, value in enumerate(moves) if value}
        image = gan.redrawn(own.latent, own.label(gan), move)
        figures = html.row(html.figure(own.image, "Yours", "your image", kind="middle"),
                           html.figure(image, caption, "the generator's version of your image", kind="middle"))  # fmt: skip
        return figures + (
            "" if judge is None else html.bars(judge.bars(image), "Of the generator's version the classifier says")
        )

    def improved(self, own: Own | None, enhancer: str) -> str:
        """The image by the chosen enhancer."""
        if own is None:
            raise ConfigError("There is no image yet: upload or draw one.")
        if not enhancer:
            raise ConfigError("Choose a run of model=restorer or model=srgan first; train one with model=restorer.")
        better = self.studio.enhanced(enhancer, own.image)
        return html.row(
            html.figure(own.image, "Yours", "your image"), html.figure(better, "Enhanced", "your image, enhanced")
        )
