"""The tab Play: an image of a generator, what a classifier says of it, and what stands behind both."""

import time
from typing import Any

import gradio as gr

from sparring.play import html
from sparring.play.choice import Choice
from sparring.play.page.guard import told, whole
from sparring.play.page.runs import chosen, menu, optional
from sparring.play.page.shared import (
    EXTENT,
    NO_TRUNCATION,
    SLIDERS,
    closer_look,
    labels_of,
    truncation_of,
    truncation_slider,
    ways,
)
from sparring.play.studio import Studio

GRID, COLUMNS, POINTS = 16, 8, 512
FRAMES = 9  # of a walk
SETTLING = 0.4  # seconds


class PlayTab:
    """Builds the tab inside of a `gr.Blocks`; `load` fills it when a page is opened."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        settings, offered = studio.settings, studio.offered()
        with gr.Row():
            self.run = gr.Dropdown(menu(offered.generators, studio, settings.run), label="Generator", filterable=False)
            self.classifier = gr.Dropdown(
                optional(offered.classifiers, studio, settings.classifier, "its own, if it has one"), label="Classifier",
                value=str(studio.runs.find(settings.classifier)) if settings.classifier else "", filterable=False,
            )  # fmt: skip
        self.message = gr.HTML(padding=False)
        with gr.Row():
            with gr.Column(scale=2, min_width=280, elem_classes="below-when-narrow"):
                self._controls()
            with gr.Column(scale=3, min_width=280):
                with gr.Row():
                    self.image, self.bars = gr.HTML(), gr.HTML()
                self.grid = gr.HTML()
                self.recipe = gr.Textbox(
                    label="The command that draws this grid",
                    interactive=False,
                    lines=2,
                    buttons=["copy"],
                    elem_classes="command",
                )
        self._closer()
        self.choices = [
            self.run,
            self.classifier,
            self.label,
            self.seed,
            self.truncation,
            self.toward,
            self.share,
            self.way,
            *self.moves,
        ]
        self._listen()

    def _controls(self) -> None:
        settings = self.studio.settings
        gan = self.studio.gan(settings.run, settings.classifier)
        labels, found = labels_of(gan), ways(gan)
        self.label = gr.Dropdown(
            labels, value=0 if labels else None, label="Class", filterable=False, visible=bool(labels)
        )
        self.seed = gr.Number(0, label="Seed", precision=0, minimum=0, step=1)
        self.truncation = truncation_slider(buttons=["reset"])
        with gr.Row():
            self.toward = gr.Number(1, label="Other seed", precision=0, minimum=0, step=1, min_width=110)
            self.share = gr.Slider(0, 1, 0, step=0.02, label="Share of the way to it", min_width=150, buttons=["reset"])
        self.way = gr.Radio(found, value=found[0][1] if found else None, label="Directions")
        self.moves = [
            gr.Slider(-EXTENT, EXTENT, 0, step=0.1, label=f"Direction {n + 1}", buttons=["reset"])
            for n in range(SLIDERS)
        ]

    def _closer(self) -> None:
        gr.Markdown("### A closer look")
        judge = self.studio.judge(self.studio.settings.run, self.studio.settings.classifier)
        methods = [] if judge is None else judge.methods()
        with gr.Row():
            self.method = gr.Dropdown(
                methods, value=methods[0] if methods else None, label="Attribution map", filterable=False, min_width=160,
                visible=bool(methods),
            )  # fmt: skip
            self.epsilon = gr.Slider(
                0.01, 0.4, 0.1, step=0.01, label="Epsilon of the attack, share of the pixel range", min_width=200
            )
        with gr.Row():
            self.closer, self.attacked_bars = gr.HTML(), gr.HTML()
        gr.Markdown("### Nearest training images")
        self.nearest = gr.HTML()
        self.walk_button = gr.Button("Draw the way to the other seed", size="sm")
        self.walk = gr.HTML()

    # -- what happens ---------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        sliders = [self.truncation, self.share, *self.moves]
        others = [self.label, self.seed, self.toward]
        drawn = [self.message, self.image, self.bars, self.grid, self.recipe]
        looked = [self.message, self.closer, self.attacked_bars, self.nearest]
        quick: dict[str, Any] = {"show_progress": "hidden", "trigger_mode": "always_last", "queue": False}
        inputs = [*self.choices, self.method, self.epsilon]
        gr.on(
            [each.input for each in [*sliders, *others]],
            told(4)(self.draw),
            self.choices,
            drawn,
            api_name="draw",
            **quick,
        )
        gr.on(
            [each.input for each in (*sliders, *others, self.method, self.epsilon)], told(3)(self.settled), inputs, looked,
            api_name="look", show_progress="hidden", trigger_mode="always_last", concurrency_limit=2,
        )  # fmt: skip
        gr.on(
            [self.run.input, self.classifier.input], told(9 + SLIDERS)(self.opened), [self.run, self.classifier],
            [self.message, *self.opening, *self.moves], api_visibility="private", show_progress="minimal",
        ).then(told(4)(self.draw), self.choices, drawn, api_visibility="private").then(
            told(3)(self.look), inputs, looked, api_visibility="private", show_progress="hidden"
        )  # fmt: skip
        self.way.input(
            told(SLIDERS)(self.directions), [self.run, self.classifier, self.way], [self.message, *self.moves],
            api_visibility="private",
        ).then(told(4)(self.draw), self.choices, drawn, api_visibility="private", show_progress="hidden")  # fmt: skip
        self.walk_button.click(told(1)(self.walked), self.choices, [self.message, self.walk], api_visibility="private")
        self.loading = told(9 + SLIDERS)(self.opened)
        self.steps_after_loading = (
            (told(4)(self.draw), self.choices, drawn), (told(3)(self.look), inputs, looked)
        )  # fmt: skip

    @property
    def opening(self) -> list[Any]:
        """What changes with the generator, besides the sliders of its directions."""
        return [
            self.run, self.classifier, self.label, self.truncation, self.share, self.way, self.method, self.walk, self.seed,
        ]  # fmt: skip

    def opened(self, run: str, classifier: str) -> list[Any]:
        """The controls for a generator: its classes, its directions, what its classifier can explain."""
        gan, judge = self.studio.gan(run, chosen(classifier)), self.studio.judge(run, chosen(classifier))
        offered, labels, found = self.studio.offered(), labels_of(gan), ways(gan)
        first = found[0][1] if found else None
        methods = [] if judge is None else judge.methods()
        return [
            gr.update(choices=menu(offered.generators, self.studio, run)),
            gr.update(choices=optional(offered.classifiers, self.studio, chosen(classifier), "its own, if it has one")),
            gr.update(choices=labels, value=0 if labels else None, visible=bool(labels)),
            gr.update(value=NO_TRUNCATION, visible=gan.truncates), 0, gr.update(choices=found, value=first),
            gr.update(choices=methods, value=methods[0] if methods else None, visible=bool(methods)), "", gr.skip(),
            *self.directions(run, classifier, first),
        ]  # fmt: skip

    def directions(self, run: str, classifier: str, way: str | None) -> list[Any]:
        """The sliders of one way of finding directions, all at 0."""
        steps = [] if way is None else list(self.studio.gan(run, chosen(classifier)).steps(way).values())
        names = [step.name for step in steps[:SLIDERS]]
        shown = [gr.update(label=name, value=0, visible=True) for name in names]
        return shown + [gr.update(value=0, visible=False)] * (SLIDERS - len(names))

    def choice(self, *given: Any) -> Choice:
        """The values of the controls, in their order after the two runs, as a choice."""
        label, seed, truncation, toward, share, way, *moves = given
        return Choice(
            seed=whole(seed), label=label, truncation=truncation_of(truncation), toward=whole(toward),
            share=round(float(share), 4), move={f"{way}_{n + 1}": float(value) for n, value in enumerate(moves) if value},
        )  # fmt: skip

    def draw(self, run: str, classifier: str, *given: Any) -> list[Any]:
        """Image, bars, grid and command; the quick part, on every move of a slider."""
        gan, judge = self.studio.gan(run, chosen(classifier)), self.studio.judge(run, chosen(classifier))
        choice = self.choice(*given)
        points = gan.shape[1] == 1
        images = gan.images(choice, POINTS if points else GRID)
        name = gan.class_names[choice.label] if choice.label is not None else None
        what = "points" if points else "image"
        alt = f"generated {what}" + (f" of class {name}" if name else "")
        shown = html.figure(images, f"{what.capitalize()} of seed {choice.seed}", alt)
        shown += html.saving(images, f"{gan.path.name}_seed{choice.seed}.png", gan.recipe(choice, 1))
        if points:
            return [shown, "", "", gan.recipe(choice, POINTS)]
        answers = html.note("No classifier: choose one above.")
        if judge is not None:
            answers = html.bars(judge.bars(images[:1]), "The classifier says", asked=name)
        grid = html.sheet(images, COLUMNS, "The same choices for the next latents", f"grid of {GRID} generated images")
        return [shown, answers, grid, gan.recipe(choice, len(images))]

    def settled(self, *given: Any) -> list[Any]:
        """`look`, a moment later: of all moves in between only the last is looked at, and drawing comes first."""
        time.sleep(SETTLING)
        return self.look(*given)

    def look(self, run: str, classifier: str, *given: Any) -> list[Any]:
        """Attribution, attack and nearest training images; the slow part."""
        *given_choice, method, epsilon = given
        gan, judge = self.studio.gan(run, chosen(classifier)), self.studio.judge(run, chosen(classifier))
        choice = self.choice(*given_choice)
        if gan.shape[1] == 1:
            return [html.note("A single point has nothing to look closer at."), "", ""]
        image, training = gan.images(choice, 1), self.studio.training_images(run)
        closer, attacked_bars = html.note("Explanations and attacks need a classifier: choose one above."), ""
        if judge is not None:
            closer, attacked_bars = closer_look(judge, image, choice.label, method, epsilon)
        found = training.nearest(image, self.studio.settings.neighbours)
        return [closer, attacked_bars, html.neighbours(found, training.class_names)]

    def walked(self, run: str, classifier: str, *given: Any) -> str:
        """The way from the seed to the other one."""
        gan, choice = self.studio.gan(run, chosen(classifier)), self.choice(*given)
        if gan.shape[1] == 1:
            return html.note("The way of one point is no picture.")
        frames = gan.walk(choice, FRAMES)
        return html.sheet(
            frames,
            FRAMES,
            f"From seed {choice.seed} to seed {choice.toward}",
            f"{FRAMES} images from one seed to another",
        )
