"""Networks that were made in Python and not from a configuration: what they must take and return, and who shows them labels.

`model/conditioning` decides whether a generator sees labels and `model/head` what becomes of a discriminator's features, as for
networks of the configuration. Every network is tried out on two images before anything is trained.
"""

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.core.randomness import generator as random_generator
from sparring.model.backbone.base import Backbone
from sparring.model.conditioning.base import ConditioningMaker
from sparring.model.discriminator.base import Discriminator
from sparring.model.generator.base import Generator
from sparring.model.head.base import Head, HeadMaker
from sparring.model.step.recipe import leaf_name

NETWORKS = ("generator", "discriminator", "backbone")
TRIED = 2  # images in the trial


@dataclass(frozen=True)
class Place:
    """What a configuration asks of a network.

    Args:
        latent_dim: 0 where the model has no latents.
        conditioning, head: None where the model has no such part.
    """

    channels: int
    image_size: int
    num_classes: int
    latent_dim: int
    conditioning: ConditioningMaker | None
    head: HeadMaker | None

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.channels, self.image_size, self.image_size


class GivenNetwork(nn.Module):
    """Base of the adapters: `network` has been tried out, on the CPU, where it may hold tensors that are no parameters."""


class GivenGenerator(GivenNetwork):
    """`network` (latent (N, L), and label (N,) where `conditional`) -> images (N, C, H, W) in [-1, 1]."""

    def __init__(self, network: nn.Module, *, conditional: bool) -> None:
        super().__init__()
        self.network, self.conditional = network, conditional

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return self.network(latent, label) if self.conditional else self.network(latent)


class GivenDiscriminator(GivenNetwork, Discriminator):
    """`network`: images (N, C, H, W) in [-1, 1] -> features (N, F), which `head` reads, or logits (N,) or (N, 1)."""

    def __init__(self, network: nn.Module, head: Head) -> None:
        super().__init__()
        self.network, self.head = network, head

    def features(self, image: Tensor) -> Tensor:
        return self.network(image).reshape(len(image), -1)


class LogitHead(Head):
    """The one feature is the logit."""

    def forward(self, features: Tensor, label: Tensor) -> Tensor:
        return features.squeeze(1)


class GivenBackbone(GivenNetwork):
    """`network`: images (N, C, H, W) in [-1, 1] -> logits (N, K)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def prepare(self, image: Tensor) -> None:
        """It takes nothing from the training images before the first step."""

    def features(self, image: Tensor) -> Tensor:
        """Raises ConfigError."""
        raise ConfigError(
            f"backbone={type(self.network).__name__} gives logits alone, and features are asked for here: derive its class from "
            "sparring.model.backbone.base.Backbone."
        )

    def forward(self, image: Tensor) -> Tensor:
        return self.network(image)


def adapted(name: str, network: object, place: Place) -> nn.Module:
    """A copy of `network` as player `name` of a game.

    Raises:
        ConfigError: it is no network, fails on images of the data's shape, returns another shape, or does not go with the
            configuration's labels.
    """
    if not isinstance(network, nn.Module):
        raise ConfigError(f"{name} is of the type {type(network).__name__}; give a torch.nn.Module.")
    try:
        own = copy.deepcopy(network).cpu()
    except Exception as error:
        raise ConfigError(f"{name}={type(network).__name__} cannot be copied: {_reason(error)}.") from error
    return _ADAPT[name](own, place)


def class_name(network: nn.Module) -> str:
    """Where its class is from, for a record."""
    return f"{type(network).__module__}.{type(network).__qualname__}"


def _generator(network: nn.Module, place: Place) -> nn.Module:
    conditional = place.conditioning is not None and place.conditioning.conditional
    shown, least, most = type(network).__name__, *_arguments(network)
    if conditional and most < 2:
        raise ConfigError(
            f"generator={shown} takes a latent alone and model.conditioning={leaf_name(place.conditioning)} shows it labels: add "
            "model/conditioning=none and model/head=none, or give it a forward(latent, label)."
        )
    if not conditional and least > 1:
        raise ConfigError(
            f"generator={shown} takes {least} arguments, and model.conditioning=none shows it latents alone: leave "
            "model/conditioning=none out, or give it a forward(latent)."
        )
    made = network if isinstance(network, Generator) else GivenGenerator(network, conditional=conditional)
    latent = torch.randn(TRIED, place.latent_dim, generator=random_generator("given network"))
    label = torch.tensor([0, place.num_classes - 1])
    takes = f"latents of model.latent_dim={place.latent_dim}"
    if conditional:
        takes += f" and labels 0 to {place.num_classes - 1}"
    image = _tried(f"generator={shown}", takes, lambda: made(latent, label), made)
    if image.shape != (TRIED, *place.shape):
        raise ConfigError(
            f"generator={shown} draws images of shape {tuple(image.shape[1:])}, and the data have {place.shape} (channels, "
            "height, width): let its last layer give these."
        )
    return made


def _discriminator(network: nn.Module, place: Place) -> nn.Module:
    shown, image = type(network).__name__, _images(place)
    assert place.head is not None
    call = network.features if isinstance(network, Discriminator) else network
    features = _tried(f"discriminator={shown}", f"images of shape {place.shape}", lambda: call(image), network)
    if features.ndim > 2 or len(features) != TRIED:
        raise ConfigError(
            f"discriminator={shown} returns {tuple(features.shape)} for {TRIED} images: return features (N, F), which model/head "
            "reads, or one logit each with model/head=none."
        )
    if isinstance(network, Discriminator):
        return _with_head(network, type(place.head.make(features.shape[1])))
    if features.numel() > TRIED:
        return GivenDiscriminator(network, place.head.make(features.shape[1]))
    if leaf_name(place.head) != "none":
        raise ConfigError(
            f"discriminator={shown} returns one number per image, which leaves model.head={leaf_name(place.head)} nothing to "
            "read: return features (N, F), or add model/head=none and model/conditioning=none."
        )
    return GivenDiscriminator(network, LogitHead())


def _with_head(network: Discriminator, wanted: type[Head]) -> Discriminator:
    """`network`, which brings a head of its own. Raises ConfigError: it is another than the configuration's."""
    if type(network.head) is not wanted:
        raise ConfigError(
            f"discriminator={type(network).__name__} brings a head of the class {type(network.head).__name__}, and model/head "
            f"chooses {wanted.__name__}: choose the one that it was made with."
        )
    return network


def _backbone(network: nn.Module, place: Place) -> nn.Module:
    shown, image = type(network).__name__, _images(place)
    logits = _tried(f"backbone={shown}", f"images of shape {place.shape}", lambda: network(image), network)
    if logits.shape != (TRIED, place.num_classes):
        raise ConfigError(
            f"backbone={shown} returns {tuple(logits.shape)} for {TRIED} images of {place.num_classes} classes: return logits "
            f"({TRIED}, {place.num_classes})."
        )
    return network if isinstance(network, Backbone) else GivenBackbone(network)


_ADAPT: dict[str, Callable[[nn.Module, Place], nn.Module]] = {
    "generator": _generator, "discriminator": _discriminator, "backbone": _backbone,
}  # fmt: skip


def _images(place: Place) -> Tensor:
    """(TRIED, C, H, W) in [-1, 1]."""
    return torch.rand(TRIED, *place.shape, generator=random_generator("given network")) * 2 - 1


def _arguments(network: nn.Module) -> tuple[int, int]:
    """(least, most) arguments that its `forward` takes by position."""
    parameters = inspect.signature(network.forward).parameters.values()
    if any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return 0, 2
    placed = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    return sum(each.default is each.empty for each in placed), len(placed)


def _tried(name: str, takes: str, call: Callable[[], object], network: nn.Module) -> Tensor:
    """What `call` returns with `network` in eval mode, without a trace in it or in torch's random numbers.

    Raises:
        ConfigError: it fails, or returns something else than float32.
    """
    training = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            output = call()
    except Exception as error:  # the network is the user's: it may raise anything
        raise ConfigError(f"{name} cannot take {takes}: {_reason(error)}.") from error
    for module, mode in training:
        module.training = mode
    if not isinstance(output, Tensor) or output.dtype != torch.float32 or not output.ndim:
        given = (
            f"{output.dtype} of shape {tuple(output.shape)}" if isinstance(output, Tensor) else type(output).__name__
        )
        raise ConfigError(f"{name} returns {given} for {takes}: return one float32 tensor.")
    return output


def _reason(error: Exception) -> str:
    """The first line of an error, or its kind where it says nothing."""
    return (str(error).splitlines() or [""])[0].strip().rstrip(".") or type(error).__name__
