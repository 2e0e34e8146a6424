"""Grad-CAM (Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks", equations 1 and 2)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sparring.attribution.base import ROWS, Attribution, score
from sparring.core.errors import ConfigError
from sparring.core.modules import frozen_eval
from sparring.core.wording import near

SMALLEST = 2  # pixels: a feature map of one pixel has no place to show


class GradCAM(Attribution):
    """relu(sum over channels of (mean of d logit / d A_k) A_k) of a layer's feature maps A, bilinearly enlarged.

    Args:
        layer: name of a module of the network whose output is (N, K, h, w); None: the last one.
    """

    signed = False

    def __init__(self, *, layer: str | None) -> None:
        self.layer = layer

    def check(self, network: nn.Module, image: Tensor) -> None:
        self.chosen(network, image)

    def chosen(self, network: nn.Module, image: Tensor) -> str:
        """Name of the layer. Raises ConfigError: it does not exist, or the network has none with feature maps."""
        names = layers_with_maps(network, image)
        if not names:
            raise ConfigError(
                "grad_cam needs a layer with feature maps of 2 x 2 pixels or more and the network has none; choose another "
                "method, such as attribution=integrated_gradients."
            )
        if self.layer is not None and self.layer not in names:
            hint = near(self.layer, names)
            raise ConfigError(
                f"attribution.layer={self.layer} is no layer with feature maps{hint or ';'} the layers are {', '.join(names)}."
            )
        return self.layer or names[-1]

    def attribute(
        self, network: nn.Module, image: Tensor, target: Tensor, baseline: Tensor, index: Tensor, seed: int
    ) -> Tensor:
        module = network.get_submodule(self.chosen(network, image[:1]))
        parts = zip(image.split(ROWS), target.split(ROWS), strict=True)
        return torch.cat([_cam(network, module, x, y) for x, y in parts])


def layers_with_maps(network: nn.Module, image: Tensor) -> list[str]:
    """Names of the modules whose output are feature maps (N, K, h, w), h and w at least 2, in the order of the pass."""
    return list(maps_by_name(network, lambda: network(image[:1])))


def maps_by_name(network: nn.Module, run: Callable[[], object]) -> dict[str, torch.Size]:
    """Shapes (N, K, h, w) of the feature maps that modules of the network return while `run` uses it, by the modules' names."""
    shapes: dict[str, torch.Size] = {}
    hooks = []
    for name, module in network.named_modules():

        def note(_module: nn.Module, _given: object, output: object, name: str = name) -> None:
            if isinstance(output, Tensor) and output.ndim == 4 and min(output.shape[2:]) >= SMALLEST:
                shapes[name] = output.shape

        if name:
            hooks.append(module.register_forward_hook(note))
    try:
        with torch.no_grad(), frozen_eval(network):
            run()
    finally:
        for hook in hooks:
            hook.remove()
    return shapes


def _cam(network: nn.Module, module: nn.Module, image: Tensor, target: Tensor) -> Tensor:
    kept: list[Tensor] = []

    def keep(_module: nn.Module, _given: object, output: Tensor) -> Tensor:
        # The network's weights are frozen and so is the image: the graph begins here. A copy, as a next layer may work in place.
        kept.append(output.detach().requires_grad_())
        return kept[-1].clone()

    hook = module.register_forward_hook(keep)
    try:
        logit = score(network, image, target)
    finally:
        hook.remove()
    (slope,) = torch.autograd.grad(logit.sum(), kept[-1])
    cam = (slope.mean((2, 3), keepdim=True) * kept[-1].detach()).sum(1, keepdim=True).relu()
    return F.interpolate(cam, image.shape[2:], mode="bilinear", align_corners=False).squeeze(1)
