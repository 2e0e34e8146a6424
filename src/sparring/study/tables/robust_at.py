"""What `study=robust_at` cannot say."""

from sparring.core.settings import epsilon_text


def limits(epsilon: float, strong_count: int) -> list[str]:
    """Sentences for the page. epsilon: of training and evaluation. strong_count: test images of the stronger attack."""
    return [
        f"All strengths are of Linf attacks; adversarial training and evaluation use epsilon {epsilon_text(epsilon)}.",
        "Robust accuracy is an upper bound: a better attack would leave less.",
        "Steps, batches and augmentation are equal. Adversarial training costs several times the computing time per step, "
        "and the GAN's images cost the GAN's training on top: see the costs.",
        f"The stronger attack is run on {strong_count} of the test images, so its column is noisier and not the same images.",
        "All replicates share the test images, and the training images unless study.labels_per_class is given.",
    ]
