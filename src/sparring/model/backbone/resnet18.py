"""ResNet-18 in its form for 32-pixel images: a 3x3 stem without pooling, then four stages of two blocks."""

from sparring.model.backbone.shared.residual import ResNet


class ResNet18(ResNet):
    """width: channels of the first stage (64 in the paper); they double with every stage."""

    def __init__(self, *, channels: int, num_classes: int, width: int) -> None:
        super().__init__(channels=channels, num_classes=num_classes, width=width, blocks=(2, 2, 2, 2))
