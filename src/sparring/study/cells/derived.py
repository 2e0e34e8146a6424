"""Cells that make further images out of the labelled ones: counterfactuals, and images that were degraded and restored."""

from collections.abc import Mapping, Sequence

from sparring.study.cells.augment_arms import COUNTERFACTUAL
from sparring.study.cells.recipes import NO_AUGMENTATION, budget
from sparring.study.engine.cell import Cell, Seeds, Tag

# Of counterfactuals only the images are wanted here: one start, a short search, maps that cost next to nothing.
SEARCH = ("restarts=1", "invert_steps=100", "sanity=0", "curve_steps=2", "squares=2", "attribution=integrated_gradients",
          "attribution.steps=2")  # fmt: skip


def derived_cells(
    arms: Sequence[str], prefix: str, *, generator: str, images: Sequence[str], seeds: Seeds, tags: Mapping[str, Tag], count: int,
    enhancer: Sequence[str], steps: int,
) -> list[Cell]:  # fmt: skip
    """What the arms counterfactual and enhanced need, of those that there are.

    Args:
        arms: of the study. prefix: of its cells' names.
        generator: the cell whose generator makes the counterfactuals.
        images: overrides of `labelled_subset`. count: of them.
        enhancer, steps: overrides and iterations of the enhancer's training.
    """
    cells = []
    if COUNTERFACTUAL in arms:
        cells.append(
            counterfactual_cell(
                f"{prefix}/counterfactuals",
                classifier=f"{prefix}/aug",
                generator=generator,
                count=count,
                seeds=seeds,
                tags=tags,
            )
        )
    if "enhanced" in arms:
        cells += enhanced_cells(
            f"{prefix}/by_enhancer", recipe=enhancer, images=images, steps=steps, seeds=seeds, tags=tags
        )
    return cells


def counterfactual_cell(
    name: str, *, classifier: str, generator: str, count: int, seeds: Seeds, tags: Mapping[str, Tag]
) -> Cell:
    """A counterfactual of each of `count` training images, with the class that it was moved to as its label.

    Args:
        classifier, generator: cells of the same labelled images.
    """
    given = (f"run=cell:{classifier}", f"generator=cell:{generator}", "split=train", f"count={count}",
             f"counterfactuals={count}", f"seed={seeds.pool}", "format=[parquet]")  # fmt: skip
    return Cell(name, "explain", (*given, *SEARCH), {**tags, "part": "counterfactual_pool"})


def enhanced_cells(
    prefix: str, *, recipe: Sequence[str], images: Sequence[str], steps: int, seeds: Seeds, tags: Mapping[str, Tag]
) -> list[Cell]:
    """`<prefix>/enhancer`, trained on the labelled images, and `<prefix>/pool`: these images, degraded and restored by it.

    Args:
        recipe: overrides that choose the enhancer.
        images: overrides of `labelled_subset`.
        steps: iterations.
    """
    chosen = (*NO_AUGMENTATION, *recipe, *images, *budget(steps=steps, seed=seeds.gan))
    given = (f"run=cell:{prefix}/enhancer", "split=train", "count=null", f"seed={seeds.pool}", "format=[parquet]")
    return [
        Cell(f"{prefix}/enhancer", "train", chosen, {**tags, "part": "enhancer"}),
        Cell(f"{prefix}/pool", "enhance", given, {**tags, "part": "enhanced_pool"}),
    ]
