"""The page put together, and its server."""

import socket
import time
from pathlib import Path
from typing import Any

import gradio as gr

from sparring.core.errors import ConfigError
from sparring.core.terminal import say
from sparring.play.page.classify_tab import ClassifyTab
from sparring.play.page.compare_tab import CompareTab
from sparring.play.page.play_tab import PlayTab
from sparring.play.page.train_tab import TrainTab
from sparring.play.settings import PlaySettings
from sparring.play.studio import Studio
from sparring.play.training import Trainings

STYLE = Path(__file__).with_name("style.css")
FONTS, MONO = (
    ["system-ui", "Segoe UI", "Roboto", "sans-serif"],
    ["ui-monospace", "Menlo", "Consolas", "monospace"],
)  # of the computer
# Colours of Gradio's theme in light that have too little contrast for small text (WCAG 2.1, 1.4.3).
READABLE = {
    "color_accent": "*primary_700", "button_primary_background_fill": "*primary_700",
    "button_primary_background_fill_hover": "*primary_800", "button_primary_background_fill_dark": "*primary_700",
    "block_info_text_color": "*neutral_600", "block_info_text_color_dark": "*neutral_300",
    "block_label_text_color": "*neutral_700", "block_title_text_color": "*neutral_700", "body_text_color_subdued": "*neutral_600",
}  # fmt: skip
MOST_UPLOAD = "20mb"
FORGOTTEN = 3600  # seconds after which uploaded files are deleted
VISITORS = 100  # whose states are kept


def build(studio: Studio, trainings: Trainings) -> gr.Blocks:
    """The page; every visitor's choices are in their own session, the networks are shared."""
    with gr.Blocks(title="sparring play", analytics_enabled=False, delete_cache=(FORGOTTEN, FORGOTTEN)) as page:
        gr.Markdown("# sparring play")
        with gr.Tab("Play"):
            play = PlayTab(studio)
        with gr.Tab("Compare") as compare_opened:
            compare = CompareTab(studio)
        with gr.Tab("Train") as train_opened:
            train = TrainTab(studio, trainings)
        with gr.Tab("Classify") as classify_opened:
            classify = ClassifyTab(studio, play.run, play.classifier)
        hidden: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        opened = page.load(
            play.loading, [play.run, play.classifier], [play.message, *play.opening, *play.moves], **hidden
        )
        for step in play.steps_after_loading:
            opened = opened.then(*step, **hidden)
        menus, draw = compare.loading
        compare_opened.select(*menus, **hidden).then(*draw, **hidden)
        train_opened.select(*train.loading, **hidden).then(*train.toy_loading, **hidden)
        classify_opened.select(*classify.loading, **hidden)
    return page


def launched(page: gr.Blocks, settings: PlaySettings) -> str:
    """Serve the page from threads of this process; returns its address, where it answers now. `page.close()` ends it.

    Raises:
        ConfigError: the port is taken, or the address is none of this computer.
    """
    port = settings.port or _free_port(settings.host)
    theme = gr.themes.Default(primary_hue="blue", font=FONTS, font_mono=MONO).set(**READABLE)
    try:
        _, address, _ = page.launch(
            server_name=settings.host, server_port=port, share=False, inbrowser=settings.open_browser, prevent_thread_lock=True,
            quiet=True, show_error=False, ssr_mode=False, pwa=False, footer_links=[], theme=theme, css_paths=[STYLE],
            max_file_size=MOST_UPLOAD, state_session_capacity=VISITORS, enable_monitoring=False,
        )  # fmt: skip
    except OSError as error:
        raise ConfigError(
            f"port={port} on host={settings.host} cannot be had; give another port, or port=0 for a free one."
        ) from error
    return str(address)


def serve(page: gr.Blocks, settings: PlaySettings) -> None:
    """Serve the page until this thread is interrupted. Raises ConfigError as `launched`."""
    address = launched(page, settings)
    try:
        say(f"Playground: {address} (stop it with Ctrl-C)")
        while True:
            time.sleep(3600)
    finally:
        page.close(verbose=False)


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        try:
            probe.bind((host, 0))
        except OSError as error:
            raise ConfigError(f"host={host} is no address of this computer; give 127.0.0.1.") from error
        return int(probe.getsockname()[1])
