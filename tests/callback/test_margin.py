"""How far apart a discriminator's logits of real and of generated images are."""

import json

import pytest
import torch

from sparring.callback.support.margin import Margin
from sparring.model.meter import Meter


def test_the_margin_is_the_mean_difference_of_what_was_seen_and_survives_a_checkpoint() -> None:
    margin, other, meter = Margin(), Margin(), Meter()
    margin.see(meter)  # a classifier's step has no such logits
    assert margin.read() is None
    for real, fake in ((1.0, 0.5), (0.25, 0.75), (0.0, 1.5)):
        meter.add("logits/real", torch.tensor(real))
        meter.add("logits/fake", torch.tensor(fake))
        margin.see(meter)
        other.load(json.loads(json.dumps(margin.plain())))
        margin.load(margin.plain())
    assert margin.read() == other.read() == pytest.approx(-0.5)
    assert (margin.below, margin.read()) == (1, None)
