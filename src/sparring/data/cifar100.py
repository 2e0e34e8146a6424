"""CIFAR-100: 50,000 + 10,000 colour images of a hundred kinds of things, 32x32, fine labels (Krizhevsky 2009)."""

from sparring.data.reading.format.cifar import CifarBinary, CifarPickle
from sparring.data.reading.public import PublicSource

_CLASSES = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can
castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin
elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster
man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck
pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk
skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger
tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""


class Cifar100(PublicSource):
    """Images of shape (3, 32, 32), 100 classes."""

    channels = 3
    image_size = 32
    class_names = tuple(_CLASSES.split())
    hub_id = "uoft-cs/cifar100"
    label_columns = ("fine_label",)
    formats = (
        CifarPickle(("train",), ("test",), "cifar-100-python", "cifar-100-python.tar.gz", label_key="fine_labels"),
        CifarBinary(
            ("train.bin",), ("test.bin",), "cifar-100-binary", "cifar-100-binary.tar.gz", label_bytes=2, label_index=1
        ),
    )
