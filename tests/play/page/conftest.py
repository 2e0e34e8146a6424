"""The page in Debian's Chromium, where Gradio, Playwright and Chromium are installed; what is missing is said."""

import importlib.util
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from sparring.play.studio import Studio
from sparring.play.training import Trainings

HOW = (
    "the browser tests need gradio, playwright, axe-playwright-python and Chromium: pip install 'gradio>=6.31,<7' playwright "
    "axe-playwright-python, and apt-get install chromium"
)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MISSING = [name for name in ("gradio", "playwright", "axe_playwright_python") if importlib.util.find_spec(name) is None]


@pytest.fixture(scope="module")
def address(studio: Studio) -> Iterator[str]:
    """The page of an untrained GAN and a classifier, served by this process."""
    if MISSING or CHROMIUM is None:
        pytest.skip(HOW)
    from dataclasses import replace

    from sparring.play.page.app import build, launched

    page = build(studio, Trainings(studio.settings.log_dir, studio.settings.cache_dir))
    try:
        yield launched(page, replace(studio.settings, port=0, open_browser=False))
    finally:
        page.close(verbose=False)


@pytest.fixture(scope="module")
def browser(address: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield started
        finally:
            started.close()
