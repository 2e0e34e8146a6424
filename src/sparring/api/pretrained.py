"""`sparring.from_pretrained`: a network that `export.py format=[hub]` wrote, from a folder or the Hugging Face hub."""

from sparring.export.pretrained import Pretrained, from_pretrained

__all__ = ["Pretrained", "from_pretrained"]
