"""The loss of a part of a classifier's batch: on the images themselves, or on adversarial ones."""
