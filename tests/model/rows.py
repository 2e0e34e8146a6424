"""Rows of leaves for a tiny GAN: every pair that can stand together stands together in one of them."""

from tests.conftest import CONF
from tests.model.pairwise import Row, covering

BATCH = 4
TINY = [
    "model.generator.width=4", "model.discriminator.width=4", "model.latent_dim=8", "data.num_classes=3",
    f"data.batch_size={BATCH}",
]  # fmt: skip
GROUPS = [
    "generator",
    "discriminator",
    "conditioning",
    "head",
    "loss",
    "regularizer",
    "augment",
    "selection",
    "schedule",
    "discriminator_attack",
]
FACTORS = {
    group: [path.stem for path in sorted((CONF / "model" / group).glob("*.yaml")) if not path.stem.startswith("_")]
    for group in GROUPS
} | {"image_size": ["8", "16", "28", "32", "48", "64", "96"], "channels": ["1", "3", "4"]}
WITH_NORMS = {"biggan", "dcgan", "resnet", "sagan"}
NORMALISED = {"biggan", "sagan"}  # discriminators whose YAML switches spectral norm on
BOUNDS = {"r1", "r2", "wgan_gp", "dragan", "approximate_r1", "weight_clipping"}


def allowed(row: Row) -> bool:
    """What the papers' parts demand of each other; an unbounded loss gets a second regularizer instead of a refusal."""
    unconditional = [row[key] == "none" for key in ("conditioning", "head") if key in row]
    labels = len(set(unconditional)) <= 1
    norms = row.get("conditioning") != "cbn" or row.get("generator", "dcgan") in WITH_NORMS
    styles = row.get("regularizer") != "path_length" or row.get("generator", "stylegan2") == "stylegan2"
    return labels and norms and styles


ROWS, IMPOSSIBLE = covering(FACTORS, allowed)


def enough() -> list[Row]:
    """A few of the rows, of small images where possible, in which every leaf is met once."""
    chosen: list[Row] = []
    for row in sorted(ROWS, key=lambda row: int(row["image_size"])):
        leaves = {(group, row[group]) for group in GROUPS}
        if leaves - {item for other in chosen for item in other.items()}:
            chosen.append(row)
    return chosen


FEW = enough()


def overrides(row: Row) -> list[str]:
    chosen = [f"model/{group}={row[group]}" for group in GROUPS if group in row and group != "regularizer"]
    chosen += [f"data.{key}={row.get(key, default)}" for key, default in (("image_size", "8"), ("channels", "1"))]
    regularizers = [row["regularizer"]] if "regularizer" in row else []
    if (
        row.get("loss") in ("linear", "wasserstein")
        and not BOUNDS & {*regularizers}
        and row["discriminator"] not in NORMALISED
    ):
        regularizers.append("r1")
    return [*TINY, *chosen, f"model/regularizer=[{','.join(regularizers)}]"]


def name(row: Row) -> str:
    return "-".join(row.values())
