"""Networks made in Python: adapted without a change to what they compute, and refused where they cannot take part."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.model.backbone.cnn import CNN
from sparring.model.conditioning.concat import Concat
from sparring.model.conditioning.none import NoConditioning
from sparring.model.discriminator.mlp import MLPDiscriminator
from sparring.model.generator.mlp import MLPGenerator
from sparring.model.given import Place, adapted, class_name
from sparring.model.head.none import UnconditionalHeadMaker
from sparring.model.head.projection import Projection
from tests.api.networks import OwnDiscriminator, OwnGenerator

CONDITIONAL = Place(1, 8, 3, 8, Concat(num_classes=3, embedding_dim=4, embedding_std=None), Projection(num_classes=3))
UNCONDITIONAL = Place(1, 8, 3, 8, NoConditioning(), UnconditionalHeadMaker())
CLASSIFIER = Place(1, 8, 3, 0, None, None)
LATENT, LABEL, IMAGE = torch.randn(5, 8), torch.tensor([0, 1, 2, 0, 1]), torch.rand(5, 1, 8, 8) * 2 - 1


def latent_alone() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8)))


def test_a_generator_gets_the_label_where_the_configuration_shows_it() -> None:
    net, plain = OwnGenerator(), latent_alone()
    assert torch.equal(adapted("generator", net, CONDITIONAL)(LATENT, LABEL), net(LATENT, LABEL))
    assert torch.equal(adapted("generator", plain, UNCONDITIONAL)(LATENT, LABEL), plain(LATENT))


def test_a_discriminator_s_features_are_what_the_head_reads() -> None:
    net = OwnDiscriminator()
    own: Any = adapted("discriminator", net, CONDITIONAL)
    output = own.forward_with_features(IMAGE, LABEL)
    assert torch.equal(output.features, net(IMAGE))
    assert torch.equal(output.logits, own.head(net(IMAGE), LABEL))


@pytest.mark.parametrize("tail", [nn.Linear(64, 1), nn.Sequential(nn.Linear(64, 1), nn.Flatten(0))])
def test_a_discriminator_s_own_logit_stays_as_it_is(tail: nn.Module) -> None:
    net = nn.Sequential(nn.Flatten(), tail)
    own = adapted("discriminator", net, UNCONDITIONAL)
    assert torch.equal(own(IMAGE, LABEL), net(IMAGE).reshape(5))
    assert sum(weight.numel() for weight in own.parameters()) == 65  # no head was added


def test_a_backbone_is_called_as_it_is_and_has_no_features() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    own: Any = adapted("backbone", net, CLASSIFIER)
    assert torch.equal(own(IMAGE), net(IMAGE))
    with pytest.raises(ConfigError, match="gives logits alone, and features are asked for"):
        own.features(IMAGE)


def test_networks_of_the_package_s_own_classes_keep_what_they_can() -> None:
    head = CONDITIONAL.head
    assert head is not None
    made: dict[str, nn.Module] = {
        "generator": MLPGenerator(
            channels=1, image_size=8, latent_dim=8, width=8, layers=1, batch_norm=False,
            conditioning=Concat(num_classes=3, embedding_dim=4, embedding_std=None),
        ),
        "discriminator": MLPDiscriminator(
            channels=1, image_size=8, width=8, layers=1, pieces=2, spectral_norm=False, head=head
        ),
        "backbone": CNN(channels=1, num_classes=3, width=8),
    }  # fmt: skip
    for name, network in made.items():
        assert type(adapted(name, network, CONDITIONAL)) is type(network)


def test_the_network_given_and_torch_s_random_numbers_stay_as_they_are() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, 3)).train()
    before, state = {name: value.clone() for name, value in net.state_dict().items()}, torch.get_rng_state()
    own = adapted("backbone", net, CLASSIFIER)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(module.training for module in net.modules())
    assert all(module.training for module in own.modules())
    assert not {id(weight) for weight in own.parameters()} & {id(weight) for weight in net.parameters()}


class NeedsLabel(nn.Module):
    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return z


class Silent(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise AssertionError


class Locked(nn.Module):
    def __deepcopy__(self, memo: object) -> "Locked":
        raise TypeError("holds a lock")


def double(net: nn.Module) -> nn.Module:
    """The same network, whose output is float64."""

    class Double(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return net(x).double()

    return Double()


@pytest.mark.parametrize(
    ("name", "network", "place", "sentence"),
    [
        ("generator", "dcgan", CONDITIONAL, "generator is of the type str; give a torch.nn.Module"),
        ("generator", Locked(), CONDITIONAL, "generator=Locked cannot be copied: holds a lock"),
        ("generator", latent_alone(), CONDITIONAL, "takes a latent alone and model.conditioning=concat shows it labels: add"),
        ("generator", NeedsLabel(), UNCONDITIONAL, "takes 2 arguments, and model.conditioning=none shows it latents alone"),
        ("generator", OwnGenerator(size=16), CONDITIONAL, r"draws images of shape \(1, 16, 16\), and the data have \(1, 8, 8\)"),
        ("generator", OwnGenerator(latent_dim=4), CONDITIONAL, "take latents of model.latent_dim=8 and labels 0 to 2: mat1"),
        ("generator", OwnGenerator(classes=2), CONDITIONAL, "and labels 0 to 2: index out of range in self"),
        ("discriminator", nn.Identity(), CONDITIONAL, r"returns \(2, 1, 8, 8\) for 2 images: return features"),
        ("discriminator", nn.Sequential(nn.Flatten(), nn.Linear(64, 1)), CONDITIONAL,
         "leaves model.head=projection nothing to read: return features"),
        ("discriminator", Silent(), CONDITIONAL, r"discriminator=Silent cannot take images of shape \(1, 8, 8\): AssertionError"),
        ("discriminator", double(OwnDiscriminator()), CONDITIONAL, "returns torch.float64 of shape"),
        ("discriminator", MLPDiscriminator(channels=1, image_size=8, width=8, layers=1, pieces=2, spectral_norm=False,
                                           head=UnconditionalHeadMaker()), CONDITIONAL, "brings a head of the class LinearHead"),
        ("backbone", nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), CLASSIFIER, r"return logits \(2, 3\)"),
        ("backbone", nn.LSTM(8, 3), CLASSIFIER, "backbone=LSTM cannot take images of shape"),
    ],
)  # fmt: skip
def test_what_cannot_take_part_is_refused_in_one_sentence(name: str, network: Any, place: Place, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as caught:
        adapted(name, network, place)
    assert "\n" not in str(caught.value)


def test_a_record_names_the_class() -> None:
    assert class_name(OwnGenerator()) == "tests.api.networks.OwnGenerator"
