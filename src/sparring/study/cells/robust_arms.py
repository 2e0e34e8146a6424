"""The arms of `study=robust_at`: ways of adversarial training, with what replaces a share of each batch."""

from collections.abc import Mapping, Sequence

from sparring.study.cells.recipes import NO_AUGMENTATION, attack_cell, gaussian_mix, images_mix
from sparring.study.engine.cell import Cell, Seeds, Tag

# Arm -> (choice of model/robust, what replaces a share of each batch).
PARTS = {
    "standard": ("none", ""),
    "standard_gan": ("none", "gan"),
    "pgd_at": ("pgd_at", ""),
    "pgd_at_gan": ("pgd_at", "gan"),
    "pgd_at_gan70": ("pgd_at", "gan70"),
    "pgd_at_gaussian": ("pgd_at", "gaussian"),
    "pgd_at_advgan": ("pgd_at", "advgan"),
    "trades": ("trades", ""),
    "trades_gan": ("trades", "gan"),
    "trades_gaussian": ("trades", "gaussian"),
}
POOLED = ("gan", "gan70")
TRAINING, EVALUATION, STRONG_ATTACK = "training", "evaluation", "strong_attack"  # the tag `part`
PUBLISHED_FRACTION = 0.7  # generated images in each batch of Gowal et al. 2021
ARMS = {
    "standard": "real images without adversarial training",
    "standard_gan": "as standard, a share of each batch replaced by images of the GAN",
    "pgd_at": "PGD adversarial training (Madry et al. 2018): every image is attacked by PGD within epsilon before each step",
    "pgd_at_gan": "as pgd_at, a share of each batch replaced by images of the GAN",
    "pgd_at_gan70": "as pgd_at, 70 % of each batch replaced by images of the GAN, the share of Gowal et al. 2021",
    "pgd_at_gaussian": "as pgd_at, a share replaced by draws from a Gaussian per class: a negative control for the GAN",
    "pgd_at_advgan": "as pgd_at, a share replaced by the training images as AdvGAN perturbs them against the arm standard",
    "trades": "TRADES (Zhang et al. 2019): clean cross-entropy and the divergence to the worst image within epsilon",
    "trades_gan": "as trades, a share of each batch replaced by images of the GAN",
    "trades_gaussian": "as trades, a share replaced by draws from a Gaussian per class",
}


def arm_overrides(
    arm: str, prefix: str, *, pool: str, epsilon: float, steps: int, fraction: float, per_class: int
) -> list[str]:
    """Overrides by which an arm differs from the others.

    Args:
        arm: one of ARMS.
        prefix: of the replicate's cells.
        pool: the cell of the GAN's images.
        epsilon: of the attack in training, fraction of the pixel range.
        steps: of the attack in training.
        fraction: share of each batch that is replaced, 0 to 1.
        per_class: draws of the Gaussian per class.
    """
    robust, added = PARTS[arm]
    attack = [f"model.robust.epsilon={epsilon}", f"model.robust.steps={steps}"] if robust != "none" else []
    mix = {
        "": [],
        "advgan": images_mix(f"{prefix}/perturbed", fraction),
        "gaussian": gaussian_mix(per_class, fraction),
        "gan": images_mix(pool, fraction),
        "gan70": images_mix(pool, PUBLISHED_FRACTION),
    }[added]
    return [f"model/robust={robust}", *attack, *mix]


def evaluation_cells(
    name: str, prefix: str, *, pgd: Sequence[str], strong: Sequence[str], tags: Mapping[str, Tag]
) -> list[Cell]:
    """PGD, corruptions and calibration of the classifier `<prefix>/<name>`, and a stronger attack on it.

    Args:
        pgd: overrides of attack.py.
        strong: overrides of attack.py for the stronger attack.
        tags: of the classifier, without `part`.
    """
    run = f"{prefix}/{name}"
    return [
        attack_cell(
            f"{prefix}/evaluation_{name}", run, overrides=pgd, tags={**tags, "part": EVALUATION}, corruptions=True
        ),
        attack_cell(f"{prefix}/strong_attack_{name}", run, overrides=strong, tags={**tags, "part": STRONG_ATTACK}),
    ]


def perturbed_cells(r: int, overrides: Sequence[str], *, epsilon: float, seeds: Seeds) -> list[Cell]:
    """AdvGAN against the arm standard, and the training images as it perturbs them, with their true labels.

    Args:
        r: the replicate.
        overrides: further overrides of AdvGAN's training.
        epsilon: of its perturbation, fraction of the pixel range.
        seeds: of the replicate.
    """
    target = f"r{r}/standard"
    advgan = ("model=advgan", f"model.target=cell:{target}", f"model.epsilon={epsilon}", *NO_AUGMENTATION, *overrides)
    export = ("attack=advgan", f"attack.run=cell:r{r}/advgan", f"epsilon={epsilon}", "split=train", "count=null",
              "export=[parquet]", "probe=0", f"seed={seeds.pool}")  # fmt: skip
    tags: dict[str, Tag] = {"replicate": r, "part": "perturbed"}
    return [
        Cell(f"r{r}/advgan", "train", advgan, {"replicate": r, "part": "perturber"}),
        attack_cell(f"r{r}/perturbed", target, overrides=export, tags=tags),
    ]
