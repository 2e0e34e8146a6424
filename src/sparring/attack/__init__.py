"""The attacks, one leaf each.

Called as a function, `sparring.attack(classifier, images, labels, "pgd", 8 / 255)`, the package attacks any classifier of images
in [0, 1]: `help(sparring.api.attack.attack)`.
"""
