"""sparring: deep GANs for image classification, from one config to a result that a reviewer believes."""

__version__ = "0.1.0"
