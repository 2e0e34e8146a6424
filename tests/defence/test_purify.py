"""The purifier against least squares, and what it promises of its outcome."""

import pytest
import torch
from torch import Tensor, nn

from sparring.attack.evaluation.target import Target
from sparring.core.errors import ConfigError, DivergedError
from sparring.defence.base import Defended, Prior
from sparring.defence.inversion.search import descend
from sparring.defence.none import NoDefence
from sparring.defence.purify import Purified, Purify

SIDE, LATENT = 4, 3


class Affine(nn.Module):
    """G(z, y) = A z + b_y: 1 x 4 x 4 images, an offset per class."""

    def __init__(self, classes: int = 1) -> None:
        super().__init__()
        draws = torch.Generator().manual_seed(0)
        self.matrix = nn.Parameter(
            torch.linalg.qr(torch.randn(SIDE**2, LATENT, generator=draws))[0], requires_grad=False
        )
        self.offset = nn.Parameter(torch.randn(classes, SIDE**2, generator=draws), requires_grad=False)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return (latent @ self.matrix.T + self.offset[label]).view(-1, 1, SIDE, SIDE)

    def projected(self, image: Tensor, label: int) -> Tensor:
        """The nearest image of a class in closed form."""
        residual = image.flatten(1) - self.offset[label]
        solution = torch.linalg.lstsq(self.matrix, residual.T).solution
        return ((self.matrix @ solution).T + self.offset[label]).view_as(image)


def purify(**changes: object) -> Purify:
    fixed: dict[str, object] = {"generator": "run", "restarts": 2, "steps": 60, "lr": 4.0, "momentum": 0.3, "seed": 0}
    return Purify(**{**fixed, **changes})  # type: ignore[arg-type]


def images(count: int) -> Tensor:
    return torch.randn(count, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def defended(classes: int | None, **changes: object) -> Purified:
    torch.manual_seed(0)
    classifier = nn.Sequential(nn.Flatten(), nn.Linear(SIDE**2, 8), nn.Tanh(), nn.Linear(8, 3)).requires_grad_(False)
    made = purify(**changes).defend(classifier, Prior(Affine(classes or 1), LATENT, classes))
    assert isinstance(made, Purified)
    return made


def test_the_nearest_image_is_that_of_least_squares() -> None:
    generator, image = Affine(), images(5)
    result = defended(None).rebuild(image)
    torch.testing.assert_close(result.image, generator.projected(image, 0), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(result.error, (result.image - image).square().mean((1, 2, 3)))
    torch.testing.assert_close(generator(result.latent, result.label), result.image)


def test_an_image_that_the_generator_made_is_found() -> None:
    generator = Affine()
    image = generator(
        torch.randn(5, LATENT, generator=torch.Generator().manual_seed(2)), torch.zeros(5, dtype=torch.int64)
    )
    result = defended(None).rebuild(image)
    assert float(result.error.max()) < 1e-8


def test_the_class_is_the_one_that_rebuilds_best() -> None:
    generator, image = Affine(classes=3), images(40)
    result = defended(3).rebuild(image)
    distances = torch.stack([(generator.projected(image, each) - image).square().mean((1, 2, 3)) for each in range(3)])
    assert torch.equal(result.label, distances.argmin(0))
    assert len(result.label.unique()) == 3
    torch.testing.assert_close(result.error, distances.amin(0), atol=1e-5, rtol=1e-4)


def test_one_step_is_momentum_gradient_descent() -> None:
    generator, image = Affine(), images(1)
    start = torch.ones(1, LATENT)
    result = descend(generator, image, start, torch.zeros(1, dtype=torch.int64), steps=2, lr=0.5, momentum=0.3).best()
    matrix, target = generator.matrix, image.flatten() - generator.offset[0]

    def slope(z: Tensor) -> Tensor:
        return 2 * matrix.T @ (matrix @ z - target) / SIDE**2

    first = -0.5 * slope(start[0])
    second = 0.3 * first - 0.5 * slope(start[0] + first)  # the last fifth of two steps is none of them
    torch.testing.assert_close(result.latent[0], start[0] + first + second)


def test_starts_belong_to_seed_and_restart_and_every_class_gets_as_many() -> None:
    prior = Prior(Affine(3), LATENT, 3)
    latent, label = purify(restarts=4).starts(prior, 0)
    assert label.bincount().tolist() == [4, 4, 4]
    assert len(latent.unique(dim=0)) == 12
    torch.testing.assert_close(latent[:6], purify(restarts=2).starts(prior, 0)[0], rtol=0, atol=0)
    assert not torch.equal(latent, purify(restarts=4, seed=1).starts(prior, 0)[0])
    assert not torch.equal(latent, purify(restarts=4).starts(prior, 1)[0])


def test_an_image_s_logits_do_not_depend_on_the_others() -> None:
    model, image = Target(defended(3), rows=4), images(11)
    whole = model(image)
    assert torch.equal(whole, torch.cat([model(part) for part in image.split(3)]))
    assert torch.equal(whole.flip(0), model(image.flip(0)))
    assert torch.equal(whole, model(image))
    with torch.inference_mode():
        assert torch.equal(whole, model(image))


def test_no_gradient_flows_through_it_but_the_classifier_s_at_the_purified_image() -> None:
    model = defended(None)
    image = images(6).requires_grad_()
    assert not model(image).requires_grad
    logits = model.straight_through(image)
    assert torch.equal(logits, model(image))
    (gradient,) = torch.autograd.grad(logits[:, 1].sum(), image)
    # By hand: the weights of the two layers at the projection onto the generator's images.
    first, second = model.network[1], model.network[3]
    flat = Affine().projected(image.detach(), 0).flatten(1)
    hidden = torch.tanh(flat @ first.weight.T + first.bias)
    expected = ((1 - hidden.square()) * second.weight[1]) @ first.weight
    torch.testing.assert_close(gradient.flatten(1), expected, atol=1e-4, rtol=1e-3)


def test_the_choice_is_climbed_by_the_distances_to_the_nearest_images_of_each_class() -> None:
    model, generator = defended(3), Affine(classes=3)
    image = images(20).requires_grad_()
    logits = model.by_choice(image)
    assert torch.equal(logits.argmax(1), model(image).argmax(1))
    for row in range(len(image)):  # by hand, from the projections and what the classifier says of them
        one = image[row : row + 1].detach()
        rebuilt = torch.cat([generator.projected(one, each) for each in range(3)])
        classes, distances = model.network(rebuilt).argmax(1), (rebuilt - one).square().mean((1, 2, 3))
        for each in classes.unique().tolist():
            best = int(torch.where(classes == each, distances, torch.inf).argmin())
            torch.testing.assert_close(logits[row, each], -distances[best], atol=1e-4, rtol=1e-3)
            (gradient,) = torch.autograd.grad(logits[row, each], image, retain_graph=True)
            expected = -2 * (one[0] - rebuilt[best]) / SIDE**2
            torch.testing.assert_close(gradient[row], expected, atol=1e-4, rtol=1e-3)
            assert not bool(gradient[torch.arange(len(image)) != row].any())


def test_bad_settings_are_one_sentence() -> None:
    for changes, sentence in [
        ({"restarts": 0}, "restarts=0 is no whole number"),
        ({"steps": 1.5}, "steps=1.5 is no whole number"),
        ({"lr": 0.0}, r"defence\.lr=0\.0 must be above 0"),
        ({"momentum": 1.0}, r"defence\.momentum=1\.0 from 0 to below 1"),
    ]:
        with pytest.raises(ConfigError, match=sentence):
            purify(**changes)
    with pytest.raises(ConfigError, match="needs the generator of run=run"):
        purify().defend(nn.Identity(), None)
    with pytest.raises(DivergedError, match=r"diverged with defence\.lr=10000\.0; give a smaller one"):
        defended(None, lr=1e4, steps=200)(images(2))


def test_no_defence_is_the_classifier() -> None:
    network = nn.Identity()
    assert NoDefence().defend(network, None) is network
    assert not isinstance(network, Defended)
