"""Image-to-image networks that make bad images better."""
