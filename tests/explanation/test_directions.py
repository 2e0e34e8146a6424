"""What moves along a direction, on a generator whose factor is known; what its units are for."""

import pytest
import torch

from sparring.core.errors import ConfigError
from sparring.direction.base import Direction
from sparring.direction.boundary import ClassBoundary
from sparring.direction.sefa import SeFa
from sparring.explanation.ablation import ablation_record
from sparring.explanation.directions import STEPS, found_directions, movement, strip
from tests.direction.planted import FACTOR, planted_space


def along(number: int) -> torch.Tensor:
    return torch.eye(6, dtype=torch.float64)[number]


def test_the_planted_factor_moves_the_logits_and_others_hardly() -> None:
    space = planted_space()
    codes = space.draw(32, seed=0, purpose="test")
    factor, other = (movement(space, codes, along(number), extent=2.0) for number in (FACTOR, 0))
    bright, dark = factor["logit_change"]
    assert bright["low"] > 0.8
    assert dark["high"] < -0.8
    assert abs(other["logit_change"][0]["value"]) < 0.2
    assert factor["path_length"]["value"] > 4 * other["path_length"]["value"]
    assert factor["pixel_change"]["value"] > 0.4
    assert movement(planted_space(classifier=False), codes, along(0), extent=1.0)["logit_change"] is None


def test_a_strip_goes_from_end_to_end_through_the_image_itself() -> None:
    space = planted_space()
    code = space.draw(1, seed=0, purpose="test")
    images = strip(space, code, along(FACTOR), extent=2.0)
    assert images.shape == (STEPS, 1, 4, 4)
    assert bool((images.mean((1, 2, 3)).diff() > 0).all())
    torch.testing.assert_close(images[STEPS // 2], space.images(code)[0])


def test_a_way_that_does_not_apply_is_left_out_of_a_table_and_refused_alone() -> None:
    space, ways = (
        planted_space(classifier=False),
        {"sefa": SeFa(), "boundary": ClassBoundary(codes=50, share=0.1, conditional=False)},
    )
    settings = {"count": 2, "codes": 4, "extent": 1.0, "seed": 0}
    found, sentences = found_directions(ways, space, listed=True, **settings)  # type: ignore[arg-type]
    assert list(found) == ["sefa"]
    assert "boundary was left out" in sentences[0]
    alone: dict[str, Direction] = {"boundary": ways["boundary"]}
    with pytest.raises(ConfigError, match="give classifier="):
        found_directions(alone, space, listed=False, **settings)  # type: ignore[arg-type]


class Units(torch.nn.Module):
    """latent (N, 2), label -> images (N, 1, 4, 4): a layer of three units, of which the last alone makes the image."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = torch.nn.Conv2d(2, 3, 1)
        self.enlarge = torch.nn.Upsample(scale_factor=2)
        torch.nn.init.ones_(self.maps.weight)

    def forward(self, latent: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        units = self.maps(latent.tanh()[:, :, None, None].expand(-1, -1, 2, 2))
        return self.enlarge(units[:, 2:]).tanh()


def test_the_unit_that_makes_the_image_is_found() -> None:
    space = planted_space()
    space = type(space)(**{**vars(space), "generator": Units().eval(), "latent_dim": 2})
    record = ablation_record(space, layer=None, units=2, codes=8, seed=0)
    assert record is not None
    assert (record["layer"], record["units"]) == ("maps", 3)
    assert record["rows"][0]["unit"] == 2
    assert record["rows"][1]["size"] == 0
    with pytest.raises(ConfigError, match=r"layer=map is no layer .* did you mean maps\? they are maps, enlarge"):
        ablation_record(space, layer="map", units=2, codes=8, seed=0)
    assert ablation_record(planted_space(classifier=False), layer=None, units=2, codes=8, seed=0) is None
