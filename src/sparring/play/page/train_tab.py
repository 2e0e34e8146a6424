"""The tab Train: a training as its files tell it, a short one started here, and a GAN on points stepped by hand."""

from typing import Any

import gradio as gr

from sparring.core.errors import ConfigError
from sparring.data.toy2d import SHAPES
from sparring.play import html
from sparring.play.page.guard import told, whole
from sparring.play.page.runs import menu
from sparring.play.studio import Studio
from sparring.play.toy import LOSSES, ToyGame
from sparring.play.toy_picture import svg
from sparring.play.training import DATA, MODELS, MOST_STEPS, Trainings
from sparring.play.watch import watched

SECONDS, TOY_SECONDS = 2.0, 0.4  # between two looks at the files; between two pictures of a game that plays by itself
TOGETHER, FORGOTTEN = 10, 3600  # iterations of a picture; seconds after which a visitor's game is dropped


class TrainTab:
    """Builds the tab inside of a `gr.Blocks`; `looking` is to be active while it is open."""

    def __init__(self, studio: Studio, trainings: Trainings) -> None:
        self.studio, self.trainings = studio, trainings
        gr.Markdown("### Watch a training")
        runs = menu(studio.offered().trainings, studio)
        with gr.Row():
            self.run = gr.Dropdown(runs, value=runs[0][1] if runs else None, label="Training run", filterable=False)
        self.looking = gr.Timer(SECONDS, active=False)
        self.seen, self.shown = gr.HTML(min_height=40), gr.State("")
        with gr.Accordion("Start a short training", open=True):
            with gr.Row():
                self.model = gr.Dropdown(list(MODELS), value=MODELS[0], label="Model", filterable=False, min_width=120)
                self.data = gr.Dropdown(list(DATA), value=DATA[0], label="Data", filterable=False, min_width=120)
                self.steps = gr.Number(
                    studio.settings.train_steps,
                    label=f"Iterations, up to {MOST_STEPS}",
                    precision=0,
                    minimum=1,
                    min_width=120,
                )
                self.seed = gr.Number(1, label="Seed of the training", precision=0, minimum=0, min_width=120)
            with gr.Row():
                start, stop = gr.Button("Start", variant="primary", size="sm"), gr.Button("Stop and save", size="sm")
            self.message = gr.HTML(padding=False)
        self._listen(start, stop)
        self._toy()

    def _listen(self, start: Any, stop: Any) -> None:
        hidden: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        start.click(
            told(2)(self.started),
            [self.model, self.data, self.steps, self.seed],
            [self.message, self.run, self.looking],
            **hidden,
        )
        stop.click(told(0)(self.stopped), None, [self.message], **hidden)
        for event in (self.looking.tick, self.run.input):
            event(self.look, [self.run, self.shown], [self.seen, self.shown], **hidden)
        self.loading = self.listed, [self.run], [self.run, self.looking]

    def listed(self, run: str | None) -> list[Any]:
        """The menu as the folder of runs is now."""
        runs = menu(self.studio.offered().trainings, self.studio, run)
        return [gr.update(choices=runs, value=run or (runs[0][1] if runs else None)), gr.Timer(active=True)]

    def look(self, run: str | None, before: str) -> list[Any]:
        """What the files say, where that is something new."""
        if not run:
            return [html.note("No training yet: start one below."), ""]
        path = self.studio.runs.find(run)
        now = html.training(watched(path, self.trainings.last_words(path)))
        return [gr.skip(), gr.skip()] if now == before else [now, now]

    def started(self, model: str, data: str, steps: float, seed: float) -> list[Any]:
        """Start one and watch it."""
        path = self.trainings.start(model, data, whole(steps), whole(seed))
        runs = [(path.name, str(path)), *menu(self.studio.offered().trainings, self.studio)]
        return [gr.update(choices=runs, value=str(path)), gr.Timer(active=True)]

    def stopped(self) -> list[Any]:
        """Stop the one that was started from a page."""
        if not self.trainings.stop():
            raise ConfigError("No training that was started here is running.")
        return []

    # -- the game on points ---------------------------------------------------------------------------------------------

    def _toy(self) -> None:
        gr.Markdown("### A GAN on points, one player at a time")
        self.game = gr.State(None, time_to_live=FORGOTTEN)
        with gr.Row():
            with gr.Column(scale=2, min_width=260):
                shape = gr.Radio(list(SHAPES), value=SHAPES[0], label="Points")
                loss = gr.Dropdown(list(LOSSES), value=LOSSES[0], label="Loss", filterable=False)
                rate = gr.Slider(0.0005, 0.01, 0.002, step=0.0005, label="Learning rate")
                with gr.Row():
                    step_d, step_g = (
                        gr.Button("Step D", size="sm", min_width=90),
                        gr.Button("Step G", size="sm", min_width=90),
                    )
                    both = gr.Button(f"{TOGETHER} iterations", size="sm", min_width=120)
                with gr.Row():
                    again = gr.Button("Start again", size="sm", min_width=90)
                    playing = gr.Checkbox(False, label="Play by itself", min_width=140)
            with gr.Column(scale=3, min_width=280):
                message, picture = gr.HTML(), gr.HTML(min_height=40)
        timer = gr.Timer(TOY_SECONDS, active=False)
        chosen, shown = [self.game, shape, loss, rate], [message, self.game, picture]
        hidden: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        for event, what in (
            (step_d.click, "discriminator"),
            (step_g.click, "generator"),
            (both.click, "both"),
            (timer.tick, "both"),
        ):
            event(told(2)(self._stepping(what)), chosen, shown, **hidden)
        gr.on([again.click, shape.input, loss.input, rate.release], told(2)(self.begun), chosen[1:], shown, **hidden)
        playing.change(lambda on: gr.Timer(active=on), playing, timer, **hidden)
        self.toy_loading = told(2)(self.begun), chosen[1:], shown

    def begun(self, shape: str, loss: str, rate: float) -> list[Any]:
        """A game from the start."""
        game = ToyGame(shape, loss, float(rate), runs=self.studio.runs)
        return [game, svg(game.view())]

    def _stepping(self, what: str) -> Any:
        def stepped(game: ToyGame | None, shape: str, loss: str, rate: float) -> list[Any]:
            if game is None:
                game, _ = self.begun(shape, loss, rate)
            if what == "both":
                game.play(TOGETHER)
            else:
                game.step("discriminator" if what == "discriminator" else "generator")
            return [game, svg(game.view())]

        return stepped
