"""The arms of `study=robust_at`: ways of adversarial training x what replaces a share of each batch."""

from collections.abc import Sequence

from sparring.study.cells.recipes import PLAIN, judge_cell
from sparring.study.engine.cell import Cell, Seeds

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
PUBLISHED_SHARE = 0.7  # generated images in each batch of Gowal et al. 2021
ARMS = {
    "standard": "real images, no attack in training: what robustness is without any care",
    "standard_gan": "as standard, a share of each batch replaced by images of the GAN",
    "pgd_at": "adversarial training: each batch is learned at the images that PGD finds within epsilon",
    "pgd_at_gan": "as pgd_at, a share of each batch replaced by images of the GAN",
    "pgd_at_gan70": "as pgd_at, 70 % of each batch replaced by images of the GAN, the share of the literature",
    "pgd_at_gaussian": "as pgd_at, a share replaced by draws from a Gaussian per class: what a generator must beat",
    "pgd_at_advgan": "as pgd_at, a share replaced by the training images as AdvGAN perturbs them against the arm standard",
    "trades": "TRADES: clean cross-entropy and the divergence to the worst image within epsilon",
    "trades_gan": "as trades, a share of each batch replaced by images of the GAN",
    "trades_gaussian": "as trades, a share replaced by draws from a Gaussian per class",
}


def arm_overrides(arm: str, place: str, *, epsilon: float, steps: int, fraction: float, per_class: int) -> list[str]:
    """What tells an arm from the others. place: where the replicate's pool lies.

    epsilon, steps: of the attack in training. fraction: of each batch that is replaced. per_class: draws of the Gaussian.
    """
    way, added = PARTS[arm]
    attack = [f"model.robust.epsilon={epsilon}", f"model.robust.steps={steps}"]
    share = f"data.mix.fraction={PUBLISHED_SHARE if added == 'gan70' else fraction}"
    mixed = {
        "": [],
        "advgan": ["data/mix=images", f"data.mix.images=[cell:{place}/perturbed]", share],
        "gaussian": ["data/mix=gaussian", f"data.mix.per_class={per_class}", share],
    }.get(added, ["data/mix=images", f"data.mix.images=[cell:{place}/pool]", share])
    return [f"model/robust={way}", *(attack if way != "none" else []), *mixed]


def perturbed_cells(r: int, given: Sequence[str], *, epsilon: float, seeds: Seeds) -> list[Cell]:
    """AdvGAN against the arm standard, and the training images as it perturbs them, with their true labels.

    given: further overrides of its training.
    """
    perturber = ("model=advgan", f"model.target=cell:r{r}/standard", f"model.epsilon={epsilon}", *PLAIN, *given)
    made = ("attack=advgan", f"attack.run=cell:r{r}/advgan", f"epsilon={epsilon}", "split=train", "count=null",
            "export=[parquet]", "probe=0", f"seed={seeds.pool}")  # fmt: skip
    return [
        Cell(f"r{r}/advgan", "train", perturber, {"replicate": r, "part": "perturber"}),
        judge_cell(f"r{r}/perturbed", f"r{r}/standard", given=made, tags={"replicate": r, "part": "perturbed"}),
    ]
