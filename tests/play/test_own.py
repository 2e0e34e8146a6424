"""A visitor's image belongs to the networks that it was given to."""

from dataclasses import replace

import pytest
import torch

from sparring.core.errors import ConfigError
from sparring.play.gan import Gan
from sparring.play.own import Own, current

OWN = Own(torch.zeros(1, 1, 8, 8, dtype=torch.uint8), "/runs/gan", "/runs/classifier", "3")


def test_an_image_of_other_networks_is_refused() -> None:
    assert current(OWN, "/runs/gan", "/runs/classifier") is OWN
    for run, classifier in (("/runs/other", "/runs/classifier"), ("/runs/gan", "/runs/other"), ("/runs/gan", None)):
        with pytest.raises(ConfigError, match="Other networks were chosen in the tab Play since your image came"):
            current(OWN, run, classifier)
    with pytest.raises(ConfigError, match="There is no image yet"):
        current(None, "/runs/gan", None)


def test_the_class_is_that_of_the_name(gan: Gan) -> None:
    assert OWN.label(gan) == gan.class_names.index("3")
    with pytest.raises(ConfigError, match="nothing says which one your image is: choose a classifier"):
        replace(OWN, answer=None).label(gan)
    with pytest.raises(ConfigError, match="draws no class cat"):
        replace(OWN, answer="cat").label(gan)
