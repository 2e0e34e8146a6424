"""Walks from latent to latent and from class to class, against the sampler's own images at their ends."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError, DivergedError
from sparring.generation.sampler import Sampler, joined
from sparring.generation.walk import ROWS, Walk, WalkSettings, arc, walks
from sparring.model.conditioning.concat import Concat
from sparring.sampling.langevin import Langevin
from tests.stage.test_generate import RUNS, trained

NAMES = ["zero", "one", "two"]


class Linear(nn.Module):
    """Images that are linear in latent and label."""

    def __init__(self) -> None:
        super().__init__()
        self.conditioning = Concat(num_classes=3, embedding_dim=0, embedding_std=None).make(4)
        self.first = nn.Linear(self.conditioning.features, 16)
        nn.init.normal_(self.first.weight, std=0.2, generator=torch.Generator().manual_seed(0))

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return self.first(self.conditioning(latent, label)).view(-1, 1, 4, 4)


def sampler(network: nn.Module, *, num_classes: int | None = 3, latent_dim: int = 4, **given: Any) -> Sampler:
    return Sampler(network, latent_dim=latent_dim, num_classes=num_classes, count=ROWS, seed=1, **given)


def walk(
    made: Sampler, *, interpolate: int | None = None, morph: tuple[str | int, ...] | None = None, frames: int = 3
) -> Walk:
    (only,) = walks(made, WalkSettings(interpolate, morph, frames), class_names=NAMES)
    return only


def images(made: Sampler) -> Tensor:
    return joined(made).image


def test_a_morph_begins_and_ends_at_the_classes_images() -> None:
    network = Linear()
    found = walk(sampler(network), morph=("one", 2, 0))
    assert (found.name, found.image.shape, found.stops) == ("morph", (ROWS, 5, 1, 4, 4), (0, 2, 4))
    for stop, label in zip(found.stops, (1, 2, 0), strict=True):
        assert torch.equal(found.image[:, stop], images(sampler(network, label=label)))
    half = (found.image[:, 0].float() + found.image[:, 2].float()) / 2
    inside = (found.image[:, (0, 2)] > 0).all(1) & (found.image[:, (0, 2)] < 255).all(1)  # not clamped
    assert inside.float().mean() > 0.5
    assert float((found.image[:, 1].float() - half)[inside].abs().max()) <= 1
    assert isinstance(network.conditioning, type(Linear().conditioning))  # put back


def test_an_interpolation_passes_images_of_the_sampler() -> None:
    network = Linear()
    found = walk(sampler(network, label=2), interpolate=2)
    assert torch.equal(found.image[:, 0], images(sampler(network, label=2)))
    assert torch.equal(found.image[:, 2], images(sampler(network, label=2, start=ROWS)))
    balanced = walk(sampler(network), interpolate=3)
    assert torch.equal(balanced.image[:, 0], images(sampler(network)))


@pytest.mark.parametrize("truncation", [None, 0.5])
def test_styles_are_walked_too(truncation: float | None, tmp_path: Any) -> None:
    from sparring.trained.runs import build_model

    trained(tmp_path / "run", "model=stylegan2", "model.generator.width=4")
    whole, tensors = RUNS["model=stylegan2", "model.generator.width=4"]
    network = build_model(whole).ema.eval()
    network.load_state_dict({name[4:]: value for name, value in tensors.items() if name.startswith("ema.")})
    given: dict[str, Any] = {"num_classes": 10, "latent_dim": 8, "truncation": truncation}
    found = walk(sampler(network, **given), morph=(3, 8))
    assert torch.equal(found.image[:, 0], images(sampler(network, label=3, **given)))
    assert torch.equal(found.image[:, -1], images(sampler(network, label=8, **given)))
    assert not torch.equal(found.image[:, 1], found.image[:, 0])


def test_an_arc_keeps_to_the_sphere() -> None:
    first, second = torch.tensor([[2.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 4.0], [3.0, 0.0]])
    torch.testing.assert_close(arc(first, second, 0.0), first)
    torch.testing.assert_close(arc(first, second, 1.0), second)
    root = 3 * 0.5**0.5  # halfway in angle, and in length
    torch.testing.assert_close(arc(first, second, 0.5), torch.tensor([[root, root], [2.0, 0.0]]))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"interpolate": 1}, "interpolate=1 is the number of latents"),
        ({"morph": (3,)}, "morph=.3. names the classes to pass"),
        ({"morph": (0, 1), "frames": 1}, "frames=1 from one stop"),
        ({"morph": (0, 3)}, "morph: 3 is out of range: the generator knows the classes 0 to 2"),
        ({"morph": (0, "ones")}, "morph: ones is no class of this run"),
        ({"morph": (0, "prior")}, "morph: prior is no class"),
    ],
)
def test_what_cannot_be_walked(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        walk(sampler(Linear()), **settings)


def test_generators_and_sampling_that_cannot_be_walked() -> None:
    class Other(nn.Module):
        def forward(self, latent: Tensor, label: Tensor) -> Tensor:
            return latent.view(-1, 1, 2, 2)

    with pytest.raises(ConfigError, match="Other takes it in another way"):
        walk(sampler(Other()), morph=(0, 1))
    assert walk(sampler(Other()), interpolate=2).image.shape == (ROWS, 3, 1, 2, 2)
    with pytest.raises(ConfigError, match="trained without labels; use interpolate="):
        walk(sampler(Other(), num_classes=None), morph=(0, 1))
    with pytest.raises(ConfigError, match="Langevin chooses its own"):
        walk(sampler(Other(), sampling=Langevin(steps=1, step=0.1), discriminator=Other()), interpolate=2)
    broken = Linear()
    broken.first.weight.data.fill_(float("nan"))
    with pytest.raises(DivergedError, match="NaN or infinity"):
        walk(sampler(broken), interpolate=2)
