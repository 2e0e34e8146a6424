"""MNIST: 60,000 + 10,000 handwritten digits, grey, 28x28 (LeCun, Cortes and Burges 1998)."""

from sparring.data.reading.format.idx import Idx
from sparring.data.reading.public import PublicSource


class Mnist(PublicSource):
    """Images of shape (1, 28, 28), 10 classes."""

    channels = 1
    image_size = 28
    class_names = tuple(str(digit) for digit in range(10))
    hub_id = "ylecun/mnist"
    formats = (Idx(),)
