"""Counterfactual images: the latent of an image, the smallest move of it that changes an answer, and an adversary beside it."""
