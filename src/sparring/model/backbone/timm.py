"""Any classifier of the package timm, untrained: for comparison with the architectures that others use."""

from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.model.backbone.base import Backbone


class Timm(Backbone):
    """A network of timm whose last layer is replaced by a linear one.

    Args:
        name: of `timm.create_model`, for example "resnet26".

    Raises:
        ConfigError: timm is not installed, or has no such model.
    """

    def __init__(self, *, channels: int, num_classes: int, name: str) -> None:
        super().__init__()
        try:
            import timm
        except ImportError as error:
            raise ConfigError(
                f"model/backbone=timm needs the package timm, which cannot be imported ({error}): pip install timm."
            ) from error
        if not timm.is_model(name):
            near = ", ".join(timm.list_models(f"*{name[:6]}*")[:5]) or "see timm.list_models()"
            raise ConfigError(f"model.backbone.name={name} is no model of timm; near: {near}.")
        self.body = timm.create_model(name, pretrained=False, in_chans=channels, num_classes=0)
        self.features_dim = int(getattr(self.body, "head_hidden_size", None) or self.body.num_features)
        self.head = nn.Linear(self.features_dim, num_classes)

    def features(self, image: Tensor) -> Tensor:
        return self.body(image)
