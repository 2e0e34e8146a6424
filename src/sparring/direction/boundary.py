"""InterFaceGAN (Shen et al. 2020, "Interpreting the Latent Space of GANs"): directions that a classifier's logits name."""

from typing import ClassVar

import torch

from sparring.core.errors import ConfigError
from sparring.core.settings import at_least_one
from sparring.direction.base import Direction, Directions
from sparring.direction.math.boundary import Boundary, separating, without
from sparring.direction.shared.space import Space


class ClassBoundary(Direction):
    """For each class, the normal between the codes whose images the classifier finds most and least like it.

    Args:
        codes: sampled ones.
        share: of them in each extreme (0.02 in the paper).
        conditional: whether what a class's direction shares with those of the other classes is taken out (section 3.3).

    Raises:
        ConfigError: a setting out of range.
    """

    value: ClassVar = "accuracy"
    needs_classifier: ClassVar = True

    def __init__(self, *, codes: int, share: float, conditional: bool) -> None:
        at_least_one(**{"direction.codes": codes})
        if not 0 < share < 0.5:
            raise ConfigError(f"direction.share={share} must be above 0 and below 0.5.")
        self.codes, self.share, self.conditional = codes, share, conditional

    def find(self, space: Space, count: int, *, seed: int) -> Directions:
        codes = space.draw(self.codes, seed=seed, purpose="boundary")
        logits = space.answers(codes).cpu().double()
        code = codes.code.cpu()
        found: list[Boundary] = []
        for k in range(logits.shape[1]):
            others = torch.cat([logits[:, :k], logits[:, k + 1 :]], 1).logsumexp(1)
            score = logits[:, k] - others
            if space.label is None and space.num_classes:  # what the label does is not the code's doing
                for label in range(space.num_classes):
                    rows = codes.label.cpu() == label
                    score[rows] -= score[rows].mean()
            found.append(separating(code, score, share=self.share, seed=seed))
        normals = torch.stack([each.normal for each in found])
        if self.conditional:
            normals = torch.stack(
                [without(normal, torch.cat([normals[:k], normals[k + 1 :]])) for k, normal in enumerate(normals)]
            )
        order = sorted(range(len(found)), key=lambda k: -found[k].rest)[:count]
        names = tuple(f"towards {space.class_names[k]}" for k in order)
        return Directions(normals[order], names, tuple(found[k].rest for k in order))
