"""ResNet-8: three stages of one block, about 78,000 parameters at width 16."""

from sparring.model.backbone.shared.residual import ResNet


class ResNet8(ResNet):
    """width: channels of the first stage; they double with every stage."""

    def __init__(self, *, channels: int, num_classes: int, width: int) -> None:
        super().__init__(channels=channels, num_classes=num_classes, width=width, blocks=(1, 1, 1))
