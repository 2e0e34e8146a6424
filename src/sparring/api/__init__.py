"""What `import sparring` offers to a notebook: the verbs as functions, and the runs that they leave behind.

Images given to and returned by these functions are (N, C, H, W): uint8, or floats in [0, 1]. Inside the package, and in the
networks of a run, images in flight are float32 in [-1, 1].
"""
