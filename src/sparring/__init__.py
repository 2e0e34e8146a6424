"""sparring: deep GANs for image classification, from one config to a result that a reviewer believes."""

from sparring.core.package import VERSION as __version__  # noqa: F401
