"""Codes, images and the first layer of a space, for latents and for styles."""

import torch

from sparring.config.build import build
from sparring.direction.shared.space import Codes, Space
from tests.conftest import compose
from tests.direction.planted import planted_space


def test_codes_depend_on_seed_and_index_alone() -> None:
    space = planted_space()
    many, few = space.draw(6, seed=0, purpose="a"), space.draw(2, seed=0, purpose="a")
    torch.testing.assert_close(many.code[:2], few.code)
    assert many.label.tolist() == [0, 1, 0, 1, 0, 1]
    assert planted_space(label=1).draw(2, seed=0, purpose="a").label.tolist() == [1, 1]
    assert not torch.equal(space.draw(2, seed=1, purpose="a").code, few.code)


def test_the_first_weight_is_that_of_the_layer() -> None:
    space = planted_space()
    torch.testing.assert_close(space.first_weight(), space.generator.first.weight[:, :6].T, atol=1e-6, rtol=1e-5)


def test_norms_that_take_a_condition_shorter_than_the_code_are_no_first_layer() -> None:
    config = compose("model=sngan", "data.image_size=8", "model.generator.width=4")
    network = build(config.model.generator, section="model", given={
        "conditioning": build(config.model.conditioning, section="model")
    }).eval().requires_grad_(False)  # fmt: skip
    space = Space(network, config.model.latent_dim, 10, None, None, False, torch.device("cpu"))
    torch.testing.assert_close(space.first_weight(), network.first.weight.T, atol=1e-6, rtol=1e-5)


def test_styles_have_the_weights_of_all_layers_that_take_them() -> None:
    keys = ["model=stylegan2", "data.image_size=8", "model.generator.width=4", "model.generator.style_dim=6"]
    config = compose(*keys)
    network = build(config.model.generator, section="model", given={
        "conditioning": build(config.model.conditioning, section="model")
    }).eval().requires_grad_(False)  # fmt: skip
    space = Space(network, config.model.latent_dim, 10, None, None, True, torch.device("cpu"))
    layers = [module.affine.weight for module in network.modules() if hasattr(module, "affine")]
    assert space.first_weight().shape == (6, sum(len(weight) for weight in layers))
    codes = space.draw(3, seed=0, purpose="a")
    assert codes.code.shape == (3, 6)
    expected = network(codes.latent, codes.label).clamp(-1, 1)
    torch.testing.assert_close(space.images(codes), expected)
    moved = codes.moved(torch.ones(6))
    assert isinstance(moved, Codes)
    assert not torch.allclose(space.images(moved), expected)
