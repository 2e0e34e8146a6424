"""Which pixels a network's answer rests on: attribution maps, and how far they can be believed."""
