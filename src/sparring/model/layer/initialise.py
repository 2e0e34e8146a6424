"""Weight initialisers that several networks share; networks choose one by their `init` key."""

from collections.abc import Callable

from torch import Tensor, nn

from sparring.core.errors import ConfigError


def initialise(network: nn.Module, init: str) -> None:
    """Set every convolution's, linear layer's and embedding's weight; their biases become zero.

    Args:
        init: "orthogonal" (Saxe et al. 2014; BigGAN), "xavier" (uniform, Glorot and Bengio 2010, with gain sqrt(2) for the
            convolutions of a residual branch, as SNGAN) or "normal" (N(0, 0.02); DCGAN).

    Call it before spectral normalisation, which replaces the weights by functions of them.

    Raises:
        ConfigError: another name.
    """
    if init not in INITIALISERS:
        raise ConfigError(f"init={init} is unknown; give one of {', '.join(INITIALISERS)}.")
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.Embedding):
            INITIALISERS[init](module.weight)
            if getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]


def dcgan_normal(network: nn.Module, *, zero_biases: bool = True) -> None:
    """N(0, 0.02) for every convolution and linear layer, N(1, 0.02) for BatchNorm (Radford et al. 2016, section 4).

    zero_biases: whether the biases of convolutions and linear layers start at 0; else they stay as PyTorch draws them.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            _normal(module.weight)
            if zero_biases and module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d) and module.affine:
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)


def _orthogonal(weight: Tensor) -> None:
    nn.init.orthogonal_(weight)


def _xavier(weight: Tensor) -> None:
    nn.init.xavier_uniform_(weight, gain=2**0.5 if weight[0, 0].numel() > 1 else 1.0)


def _normal(weight: Tensor) -> None:
    nn.init.normal_(weight, 0.0, 0.02)


INITIALISERS: dict[str, Callable[[Tensor], None]] = {"orthogonal": _orthogonal, "xavier": _xavier, "normal": _normal}
