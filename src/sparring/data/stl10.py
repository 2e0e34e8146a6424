"""STL-10: 5,000 + 8,000 labelled colour images of ten kinds of things, 96x96 (Coates, Lee and Ng 2011).

Classes are in the original order, which is not CIFAR-10's.
"""

from sparring.data.reading.format.stl import Stl
from sparring.data.reading.public import PublicSource


class Stl10(PublicSource):
    """Images of shape (3, 96, 96), 10 classes."""

    channels = 3
    image_size = 96
    class_names = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")
    hub_id = "tanganke/stl10"
    formats = (Stl(),)
