"""sparring: deep GANs for image classification, from one config to a result that a reviewer believes."""

__version__ = "0.1.0"

# Registers ${count_classes:...}, which conf/data uses, wherever a configuration may be composed.
from sparring.data import class_count as _class_count  # noqa: F401
