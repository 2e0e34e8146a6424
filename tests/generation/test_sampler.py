"""The sampler on real networks: which numbers an image depends on, and which it does not."""

from collections.abc import Callable

import pytest
import scipy.stats
import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError, DivergedError
from sparring.generation.sampler import BLOCK, Sampler, Samples, class_rule, joined
from sparring.model.conditioning.concat import Concat
from sparring.model.conditioning.none import NoConditioning
from sparring.model.generator.conv import ConvGenerator
from sparring.model.generator.dcgan import DCGANGenerator
from sparring.model.generator.r3gan import R3GANGenerator
from sparring.sampling.latent.truncation import truncated


def dcgan() -> nn.Module:
    torch.manual_seed(0)
    conditioning = Concat(num_classes=10, embedding_dim=8, embedding_std=None)
    network = DCGANGenerator(channels=3, image_size=32, latent_dim=16, width=16, conditioning=conditioning)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.02)
            module.running_var.uniform_(0.001, 0.01)
    return network


def conv() -> nn.Module:
    torch.manual_seed(0)
    conditioning = Concat(num_classes=10, embedding_dim=8, embedding_std=None)
    return ConvGenerator(channels=1, image_size=16, latent_dim=16, width=32, conditioning=conditioning)


def r3gan() -> nn.Module:
    torch.manual_seed(0)
    conditioning = Concat(num_classes=10, embedding_dim=8, embedding_std=None)
    return R3GANGenerator(
        channels=3, image_size=16, latent_dim=16, width=16, growth=4, blocks=1, expansion=2, group_width=8,
        resample="bilinear", image_bias=True, conditioning=conditioning,
    )  # fmt: skip


class Mirror(nn.Module):
    """Shows its input: the label in the first pixel, the latent after it."""

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return torch.cat([label[:, None] / 127.5 - 1, latent.tanh()], dim=1)[:, None, None, :]


def mirror(**settings: object) -> Sampler:
    fixed: dict[str, object] = {"latent_dim": 4, "num_classes": 3, "count": 40, "seed": 0}
    return Sampler(Mirror(), **{**fixed, **settings})  # type: ignore[arg-type]


def drawn(sampler: Sampler) -> Samples:
    return joined(sampler)


@pytest.mark.parametrize("network", [dcgan, conv, r3gan])
def test_bytes_do_not_depend_on_batch_size_count_or_start(network: Callable[[], nn.Module]) -> None:
    settings = {"latent_dim": 16, "num_classes": 10, "seed": 3}
    generator = network()
    whole = drawn(Sampler(generator, count=70, batch_size=128, **settings))  # type: ignore[arg-type]
    assert len(whole.image.unique()) > 30  # not a flat grey that would hide a difference
    for batch_size in (1, 7, BLOCK, 64):
        sampler = Sampler(generator, count=70, batch_size=batch_size, **settings)  # type: ignore[arg-type]
        parts = list(sampler)
        assert len(parts) == len(sampler)
        assert [len(part) for part in parts[:-1]] == [batch_size] * (len(parts) - 1)
        assert torch.equal(joined(parts).image, whole.image)
        assert torch.equal(joined(parts).label, whole.label)
    fewer = drawn(Sampler(generator, count=5, **settings))  # type: ignore[arg-type]
    assert torch.equal(fewer.image, whole.image[:5])
    later = drawn(Sampler(generator, start=33, count=30, batch_size=7, **settings))  # type: ignore[arg-type]
    assert later.index.tolist() == list(range(33, 63))
    assert torch.equal(later.image, whole.image[33:63])


def test_every_forward_pass_has_the_same_shape_and_alignment() -> None:
    latents: list[Tensor] = []

    class Spy(Mirror):
        def forward(self, latent: Tensor, label: Tensor) -> Tensor:
            latents.append(latent)
            return super().forward(latent, label)

    settings = {"latent_dim": 4, "num_classes": 3, "seed": 0}
    drawn(Sampler(Spy(), start=BLOCK + 2, count=BLOCK, batch_size=5, **settings))  # type: ignore[arg-type]
    expected = mirror().latents(torch.arange(BLOCK, 3 * BLOCK))
    assert torch.equal(torch.stack(latents), expected.view(2, BLOCK, 4))


def test_seed_and_index_change_the_image_and_nothing_else_does() -> None:
    first = drawn(mirror(label=1))
    torch.manual_seed(5)
    assert torch.equal(drawn(mirror(label=1)).image, first.image)
    assert len(first.image.flatten(1).unique(dim=0)) == 40
    assert not torch.equal(drawn(mirror(label=1, seed=1)).image, first.image)
    # the label rule does not touch the latent
    assert torch.equal(drawn(mirror(label="balanced")).image[..., 1:], first.image[..., 1:])


def test_labels() -> None:
    assert drawn(mirror(label="balanced", count=7)).label.tolist() == [0, 1, 2, 0, 1, 2, 0]
    fixed = drawn(mirror(label=2))
    assert fixed.label.tolist() == [2] * 40
    assert fixed.image[:, 0, 0, 0].tolist() == [2] * 40  # and the network saw them
    free = drawn(mirror(num_classes=None))
    assert free.label.tolist() == [-1] * 40


def test_prior_labels_follow_the_prior_and_belong_to_the_image() -> None:
    prior = [0.6, 0.0, 0.4]
    labels = mirror(label="prior", class_prior=prior).labels(torch.arange(4000))
    counts = labels.bincount(minlength=3)
    assert counts[1] == 0
    assert scipy.stats.binomtest(int(counts[0]), 4000, 0.6).pvalue > 1e-3
    some = torch.tensor([3, 999, 17])
    assert torch.equal(mirror(label="prior", class_prior=prior).labels(some), labels[some])
    scaled = mirror(label="prior", class_prior=torch.tensor(prior) * 50).labels(torch.arange(100))
    assert torch.equal(scaled, labels[:100])  # counts serve as well as frequencies


def test_latents_are_standard_normal() -> None:
    z = mirror(latent_dim=64).latents(torch.arange(300)).flatten().numpy()
    assert scipy.stats.kstest(z, "norm").pvalue > 1e-3


@pytest.mark.parametrize("threshold", [0.04, 0.5, 2.0])
def test_truncated_latents_have_the_truncated_normal_distribution(threshold: float) -> None:
    z = mirror(latent_dim=64, truncation=threshold).latents(torch.arange(300)).flatten()
    assert float(z.abs().max()) <= threshold
    assert scipy.stats.kstest(z.numpy(), scipy.stats.truncnorm(-threshold, threshold).cdf).pvalue > 1e-3


def test_truncation_is_monotone_and_vanishes_at_infinity() -> None:
    z = torch.linspace(-4, 4, 101)
    assert (truncated(z, 0.7).diff() > 0).all()
    torch.testing.assert_close(truncated(z, 50.0), z)


def test_the_generator_is_put_back_as_it_was() -> None:
    network = dcgan().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    drawn(Sampler(network, latent_dim=16, num_classes=10, count=3, seed=0))
    assert network.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_an_unconditional_network_draws_without_labels() -> None:
    network = DCGANGenerator(channels=1, image_size=8, latent_dim=4, width=8, conditioning=NoConditioning())
    samples = drawn(Sampler(network, latent_dim=4, num_classes=None, count=3, seed=0))
    assert samples.image.shape == (3, 1, 8, 8)
    assert samples.label.tolist() == [-1, -1, -1]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"count": 0}, "count=0"),
        ({"count": 2.5}, "count=2.5"),
        ({"batch_size": -1}, "batch_size=-1"),
        ({"label": 3}, "classes 0 to 2"),
        ({"label": -1}, "classes 0 to 2"),
        ({"label": "cat"}, "label=cat is unknown"),
        ({"label": True}, "label=True is unknown"),
        ({"label": 1, "num_classes": None}, "trained without labels"),
        ({"label": "prior"}, "needs the training data's class frequencies"),
        ({"truncation": 0}, "truncation=0"),
        ({"truncation": -0.5}, "above 0"),
        ({"truncation": "much"}, "truncation=much"),
        ({"truncation": float("nan")}, "truncation=nan"),
    ],
)
def test_settings_out_of_range(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        mirror(**settings)


def test_broken_weights_are_refused() -> None:
    network = conv()
    next(network.parameters()).data.fill_(float("nan"))
    with pytest.raises(DivergedError, match="NaN"):
        drawn(Sampler(network, latent_dim=16, num_classes=10, count=3, seed=0))


def test_a_class_may_be_given_by_its_name() -> None:
    names = ("cat", "dog", "10")
    given = ("dog", "10", 2, "2", "7", "prior", "balanced")
    assert [class_rule(label, names) for label in given] == [1, 2, 2, 2, 7, "prior", "balanced"]
    assert (
        class_rule("1", ("1", "2", "3")) == 0
    )  # a class of this name wins over the index; in Python a number is an index
    assert class_rule(1, ("1", "2", "3")) == 1
    assert class_rule("3", ()) == 3
    with pytest.raises(
        ConfigError, match=r"label=dogg is no class of this run, did you mean dog\? It has 0 \(cat\), 1 \(dog\)"
    ):
        class_rule("dogg", names)
    with pytest.raises(
        ConfigError, match=r"label=bird is no class of this run\. It has 0 \(cat\), 1 \(dog\), 2 \(10\)\."
    ):
        class_rule("bird", names)
