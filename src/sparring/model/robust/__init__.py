"""How a classifier learns from a part of its batch: from the images themselves, or from the worst images near them."""
