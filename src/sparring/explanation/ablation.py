"""What a unit of a generator's layer is for: the unit is set to zero, and a classifier looks at the images.

Bau et al. 2019 ("GAN Dissection", section 3.2) measure the change of a segmented object; images of 28 or 32 pixels have no
segmentation, so that a classifier's logits take its place.
"""

from typing import Any

from torch import Tensor, nn

from sparring.attribution.evaluation.comparison import mean_interval
from sparring.attribution.grad_cam import maps_by_name
from sparring.core.errors import ConfigError
from sparring.core.progress import tracked
from sparring.core.wording import near
from sparring.direction.shared.space import Codes, Space


def ablation_record(space: Space, *, layer: str | None, units: int, codes: int, seed: int) -> dict[str, Any] | None:
    """The change of each class's logit when a unit is set to zero, most influential units first; None without a classifier.

    Args:
        layer: a module of the generator with feature maps; None: the last one of half the images' size or less.
        units: at most so many are listed.

    Raises:
        ConfigError: no such layer; the message lists those that there are.
    """
    if space.logits is None or not units:
        return None
    moved = space.draw(codes, seed=seed, purpose="ablation")
    name, channels = _chosen(space, moved[:1], layer)
    before = space.answers(moved).cpu()
    rows = []
    for unit in tracked(range(channels), "units switched off"):
        change = _without(space, space.generator.get_submodule(name), unit, moved).cpu() - before
        rows.append(
            {
                "unit": unit,
                "size": float(change.abs().mean()),
                "logit_change": [mean_interval(column).record() for column in change.T],
            }
        )
    rows.sort(key=lambda row: -row["size"])  # type: ignore[operator]
    return {"layer": name, "units": channels, "codes": codes, "rows": rows[:units]}


def check_layer(space: Space, layer: str | None, units: int) -> None:
    """Raise ConfigError where there is no such layer to ablate, before anything is computed."""
    if layer is not None and space.logits is not None and units:
        _chosen(space, space.draw(1, seed=0, purpose="ablation"), layer)


def _chosen(space: Space, code: Codes, layer: str | None) -> tuple[str, int]:
    """(name of the layer, its channels)."""
    image = space.images(code)
    shapes = maps_by_name(space.generator, lambda: space.images_of(code))
    half = [name for name, shape in shapes.items() if shape[2] <= image.shape[2] // 2]
    if not shapes or (layer is not None and layer not in shapes):
        hint = near(str(layer), shapes)
        names = ", ".join(shapes) or "none"
        raise ConfigError(
            f"layer={layer} is no layer of the generator with feature maps{hint or ';'} they are {names}."
        )
    name = layer or (half or list(shapes))[-1]
    return name, shapes[name][1]


def _without(space: Space, module: nn.Module, unit: int, codes: Codes) -> Tensor:
    def silence(_module: nn.Module, _given: object, output: Tensor) -> Tensor:
        output = output.clone()
        output[:, unit] = 0
        return output

    hook = module.register_forward_hook(silence)
    try:
        return space.answers(codes)
    finally:
        hook.remove()
