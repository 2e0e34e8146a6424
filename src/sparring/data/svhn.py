"""SVHN, cropped digits: 73,257 + 26,032 colour photographs of house numbers, 32x32 (Netzer et al. 2011)."""

from sparring.data.reading.format.mat import Mat
from sparring.data.reading.public import PublicSource


class Svhn(PublicSource):
    """Images of shape (3, 32, 32), 10 classes."""

    channels = 3
    image_size = 32
    class_names = tuple(str(digit) for digit in range(10))
    hub_id = "ufldl-stanford/svhn"
    hub_config = "cropped_digits"
    formats = (Mat(),)
