"""What visitors do on the page, in a real browser."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PATIENCE = 90_000  # milliseconds; a busy machine is slow


def opened(browser: Any, address: str, *, tab: str = "Play", **context: Any) -> Any:
    """A new visitor's page, once its first image is there."""
    page = browser.new_context(**context).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    page.wait_for_selector("figure.small img")  # the last of what is drawn when the page is opened
    if tab != "Play":
        page.get_by_role("tab", name=tab).click()
    return page


def test_nothing_outside_is_asked_and_nothing_fails(browser: Any, address: str) -> None:
    context = browser.new_context()
    page, outside, errors = context.new_page(), [], []
    page.set_default_timeout(PATIENCE)
    page.on("request", lambda request: outside.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.wait_for_selector("figure.small img")
    for tab in ("Compare", "Train", "Classify"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(1500)
    assert [url for url in outside if not url.startswith((address, "data:", "blob:", "ws://127.0.0.1"))] == []
    assert errors == []
    assert context.cookies() == [] or all(each["domain"].startswith("127.") for each in context.cookies())


def test_a_slider_moves_by_keyboard_and_changes_image_bars_and_command(browser: Any, address: str) -> None:
    page = opened(browser, address)
    large = page.locator("figure.large img").first
    before, bars = large.get_attribute("src"), page.locator("table.bars").first.inner_text()
    slider = page.get_by_role("slider", name=re.compile("sefa 1")).first
    slider.focus()
    for _ in range(30):
        slider.press("ArrowRight")
    command = page.locator(".command textarea")
    page.wait_for_function("document.querySelector('.command textarea').value.includes('move=[sefa_1:3]')")
    assert large.get_attribute("src") != before
    assert page.locator("table.bars").first.inner_text() != bars
    assert "generate" in command.input_value()
    assert "seed=0" in command.input_value()
    moved = large.get_attribute("src")
    page.wait_for_function(f"document.querySelector('figure.middle img').src == {moved!r}")  # the closer look follows


def test_visitors_do_not_mix(browser: Any, address: str) -> None:
    one, two = (opened(browser, address, tab="Train") for _ in range(2))
    for page in (one, two):
        page.wait_for_selector("figure.toy svg")
    one.get_by_role("button", name="Step D").click()
    one.get_by_text("After 1 D steps and 0 G steps").wait_for()
    two.get_by_role("button", name="Step G").click()
    two.get_by_text("After 0 D steps and 1 G steps").wait_for()
    one.get_by_role("button", name="10 iterations").click()
    one.get_by_text("After 11 D steps and 10 G steps").wait_for()
    assert two.get_by_text("After 0 D steps and 1 G steps").is_visible()


def test_a_wrong_file_gets_a_sentence_and_an_image_is_classified_and_inverted(
    browser: Any, address: str, tmp_path: Path
) -> None:
    page = opened(browser, address, tab="Classify")
    page.get_by_role("button", name="Find its latent").click()
    page.get_by_text("There is no image yet: upload or draw one.").wait_for()
    (tmp_path / "notes.png").write_text("no image")
    page.locator("input[type=file]").first.set_input_files(str(tmp_path / "notes.png"))
    page.get_by_text("notes.png is no image that can be read; give a PNG, JPEG or WebP file.").wait_for()
    page.get_by_label("Clear").first.click() if page.get_by_label("Clear").count() else None
    pixels = np.zeros((40, 40), np.uint8)
    pixels[5:35, 17:23] = 255
    Image.fromarray(pixels).save(tmp_path / "one.png")
    page = opened(browser, address, tab="Classify")
    page.locator("input[type=file]").first.set_input_files(str(tmp_path / "one.png"))
    page.get_by_text("Your image, as the networks see it").wait_for()
    page.get_by_text(re.compile("After the attack it says")).last.wait_for()
    page.get_by_role("button", name="Find its latent").click()
    page.get_by_text(re.compile(r"Found, off by \d")).wait_for()


def test_a_drawing_is_classified(browser: Any, address: str) -> None:
    page = opened(browser, address, tab="Classify")
    page.get_by_role("button", name="Ask about the drawing").click()
    page.get_by_text("Nothing is drawn yet").wait_for()
    page.get_by_label("Brush").first.click()
    box = page.locator("canvas").first.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y - 50)
    page.mouse.down()
    page.mouse.move(x, y + 50, steps=10)
    page.mouse.up()
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Ask about the drawing").click()
    page.get_by_text("Your image, as the networks see it").wait_for()


# Of Gradio itself: its drawing canvas, whose inner parts the page does not make.
NOT_OURS = ("canvas", ".image-container")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_labels_and_roles_are_in_order(browser: Any, address: str, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = opened(browser, address, color_scheme=scheme, viewport={"width": 1280, "height": 1000})
    found = {}
    for tab in ("Play", "Compare", "Train", "Classify"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(2500)
        options = {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
        result = Axe().run(page, context={"exclude": [[each] for each in NOT_OURS]}, options=options)
        for rule in result.response["violations"]:
            found[f"{tab}: {rule['id']}"] = [node["html"][:160] for node in rule["nodes"]][:4]
    assert found == {}


def test_the_page_fits_a_phone(browser: Any, address: str) -> None:
    page = opened(browser, address, viewport={"width": 400, "height": 900})
    for tab in ("Play", "Compare", "Train", "Classify"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
