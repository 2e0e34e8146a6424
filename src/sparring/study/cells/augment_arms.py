"""The arms of `study=augment_curve`: what the classifier of each is trained on, and what they need."""

GENERATED = ("gan", "gan_aug")
COUNTERFACTUAL = "counterfactual"  # needs a GAN, and the classifier of the arm aug
MORE_REAL = ("pseudo", "more_real")  # use real images in addition to the labelled ones
UNAUGMENTED = ("real", "gan")
OWN_BUDGET = ("compute",)
MUST_HELP = "more_real"  # against the baseline, or the study cannot see any effect

ARMS = {
    "real": "the labelled images alone",
    "aug": "labelled images with classic augmentation: random shifts, mirroring where the data allows it",
    "strong_aug": "labelled images with stronger augmentation",
    "oversample": "as aug, a share of each batch replaced by the same labelled images again, every class equally often",
    "gaussian": "as aug, a share replaced by draws from a Gaussian per class: a negative control for the GAN",
    "gan": "as real, a share replaced by images of the GAN",
    "gan_aug": "as aug, a share replaced by images of the GAN",
    "flow": "as aug, a share replaced by images of a rectified flow that was trained on the same labelled images",
    "outside": "as aug, a share replaced by published images, whose generator saw the labels of the whole train split",
    COUNTERFACTUAL: "as aug, a share replaced by counterfactuals of the labelled images: the GAN's nearest images that the "
    "aug classifier calls another class, which is their label",
    "enhanced": "as aug, a share replaced by the labelled images as an SRGAN restores them, trained on them degraded",
    "pseudo": "as aug, a share replaced by further real images with labels predicted by the aug classifier",
    "more_real": "as aug, a share replaced by further real images with their true labels: an upper bound",
    "compute": "as aug, trained for the steps that the GAN's computing time would pay for",
}
