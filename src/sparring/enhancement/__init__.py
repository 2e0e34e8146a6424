"""Trained enhancers put to use: on the images of their data, and on files of any size."""
