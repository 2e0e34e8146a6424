"""Pieces of the page."""

import base64
import io
import re

import torch
from PIL import Image

from sparring.play import html
from sparring.play.neighbours import Nearest
from sparring.play.toy import ToyView
from sparring.play.toy_picture import SIDE, svg

EVIL = "<script>alert('x')</script>"


def test_names_of_strangers_are_escaped() -> None:
    image = torch.zeros(1, 1, 4, 4, dtype=torch.uint8)
    found = Nearest(image, torch.tensor([0]), torch.tensor([0.1]))
    made = [
        html.bars({EVIL: 0.7, "b": 0.3}, EVIL, asked=EVIL), html.figure(image, EVIL, EVIL + "'"), html.message(EVIL),
        html.neighbours(found, [EVIL]), html.note(EVIL), html.saving(image, f"{EVIL}'.png", EVIL),
    ]  # fmt: skip
    for each in made:
        assert "<script" not in each
        assert re.search(r"alt='[^']*'[^>\s]", each) is None  # no text breaks out of its quotes


def test_bars_name_the_answer_and_the_class_asked_for() -> None:
    made = html.bars({"cat": 0.25, "dog": 0.75}, "It says", asked="cat")
    assert "It says: <b>dog</b>" in made
    assert "cat (asked for)" in made
    assert "width:75.0%" in made
    many = html.bars({str(k): (k + 1) / 5050 for k in range(100)}, "It says")
    assert many.count("<tr") == 10
    assert "and 90 less probable classes" in many


def test_the_saved_image_is_the_image() -> None:
    image = torch.arange(16, dtype=torch.uint8).view(1, 1, 4, 4)
    address = re.search(r"base64,([^']*)'", html.saving(image, "a.png", "generate run=x"))
    assert address is not None
    with Image.open(io.BytesIO(base64.b64decode(address[1]))) as saved:
        assert list(saved.tobytes()) == list(range(16))
        assert saved.text["recipe"] == "generate run=x"  # type: ignore[attr-defined]


def test_arrows_of_the_toy_start_at_their_points_and_point_upwards_where_y_grows() -> None:
    view = ToyView(
        torch.tensor([[1.0, 1.0]]),
        torch.tensor([[0.0, 0.0]]),
        torch.tensor([[0.0, 2.0]]),
        torch.zeros(3, 3),
        (4, 5),
        (0.5, None),
    )
    drawn = svg(view)
    assert "After 4 D steps and 5 G steps: loss of D 0.500, of G -" in drawn
    assert f"<circle cx='{SIDE:.1f}' cy='0.0'" in drawn
    arrow = re.search(r"class='pull' d='M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)", drawn)
    assert arrow is not None
    assert [float(each) for each in arrow.groups()] == [SIDE / 2, SIDE / 2, SIDE / 2, SIDE / 2 - 34]
