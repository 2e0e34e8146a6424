"""What the card says, of made-up networks; a real one's example is run in tests/stage/test_export.py."""

from typing import Any

import torch
from torch import nn

from sparring.export.card import card, description
from sparring.export.networks import Portable

RESULT: dict[str, Any] = {
    "verb": "export", "differences": {"classifier": {"pt2": 0.0}}, "files": {"classifier": {"pt2": "classifier.pt2"}},
    "config_hash": "c", "classes": ["cat", "dog"],
    "data": {"fingerprints": {"train": "0123456789abcdef", "outside": None}},
    "clock": {"iteration": 12, "images_seen": 3456},
    "metrics": {"accuracy": {"value": 0.5, "interval": [0.4, 0.6]}, "fd": {"value": 3.0, "interval": None}, "x": {"value": None}},
}  # fmt: skip
SETTINGS = {"data": {"channels": 3, "image_size": 32}}


def test_a_card_says_what_goes_in_what_comes_out_and_what_it_is_worth() -> None:
    classifier = Portable(
        "classifier", nn.Identity(), (torch.zeros(4, 3, 32, 32),), {"image": "(N, 3, 32, 32) float32, -1 to 1"},
        {"logits": "(N, 2) float32"}, "deadbeef",
    )  # fmt: skip
    weights = {"iteration": 12, "images_seen": 3456}
    content = description([classifier], name="mine", settings=SETTINGS, result=RESULT, weights=weights)
    assert content["networks"]["classifier"]["files"] == {"pt2": "classifier.pt2"}
    text = card(content, RESULT)
    assert text.startswith("---\nlibrary_name: pytorch\npipeline_tag: image-classification\n")
    for words in ("# mine", "12 iterations, 3,456 real images", "Classes: cat, dog", "train `0123456789ab`", "`deadbeef`",
                  "image = torch.rand(16, 3, 32, 32)", "| accuracy | 0.5 [0.4, 0.6] |", "| fd | 3 |"):  # fmt: skip
        assert words in text, words
    assert "| x |" not in text
    assert "outside `" not in text
    earlier = description(
        [classifier], name="mine", settings=SETTINGS, result=RESULT, weights={"iteration": 5, "images_seen": 99}
    )
    assert "5 iterations, 99 real images" in card(earlier, RESULT)
    assert "Nothing was measured of these weights." in card(earlier, RESULT)
    assert "accuracy" not in card(earlier, RESULT)
