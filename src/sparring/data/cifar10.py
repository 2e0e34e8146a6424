"""CIFAR-10: 50,000 + 10,000 colour images of ten kinds of things, 32x32 (Krizhevsky 2009)."""

from sparring.data.reading.format.cifar import CifarBinary, CifarPickle
from sparring.data.reading.public import PublicSource

_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
_BIN = tuple(f"{name}.bin" for name in _BATCHES)


class Cifar10(PublicSource):
    """Images of shape (3, 32, 32), 10 classes."""

    channels = 3
    image_size = 32
    class_names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    hub_id = "uoft-cs/cifar10"
    formats = (
        CifarPickle(_BATCHES, ("test_batch",), "cifar-10-batches-py", "cifar-10-python.tar.gz"),
        CifarBinary(_BIN, ("test_batch.bin",), "cifar-10-batches-bin", "cifar-10-binary.tar.gz"),
    )
