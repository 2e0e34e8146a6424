"""Fashion-MNIST: 60,000 + 10,000 grey pictures of clothes, 28x28 (Xiao et al. 2017, MIT licence).

Looks in the folder of Debian's package `dataset-fashion-mnist` before it asks the network.
"""

from pathlib import Path

from sparring.data.reading.format.idx import Idx
from sparring.data.reading.public import PublicSource


class FashionMnist(PublicSource):
    """Images of shape (1, 28, 28), 10 classes."""

    channels = 1
    image_size = 28
    class_names = (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    )  # fmt: skip
    hub_id = "zalando-datasets/fashion_mnist"
    formats = (Idx(),)
    system_folder = Path("/usr/share/datasets/fashion-mnist")
