"""Directions in a generator's latent space, and what moves along them."""
