"""GANSpace (Härkönen et al. 2020, "GANSpace: Discovering Interpretable GAN Controls")."""

from typing import ClassVar

from sparring.core.settings import at_least_one
from sparring.direction.base import Direction, Directions
from sparring.direction.math.eigen import principal_components, regressed
from sparring.direction.shared.space import Space


class PCA(Direction):
    """Principal components of styles; or of the first layer's outputs, taken back to the latent by least squares.

    Args:
        codes: sampled ones.
    """

    value: ClassVar = "variance share"

    def __init__(self, *, codes: int) -> None:
        at_least_one(**{"direction.codes": codes})
        self.codes = codes

    def find(self, space: Space, count: int, *, seed: int) -> Directions:
        codes = space.draw(self.codes, seed=seed, purpose="pca")
        features = codes.code if space.styles else space.first_outputs(codes.code)
        basis, _, shares = principal_components(features.cpu(), count)
        vectors = basis
        if not space.styles:
            coordinates = (features.cpu().double() - features.cpu().double().mean(0)) @ basis.T
            vectors = regressed(codes.code.cpu(), coordinates)
        return Directions(vectors, tuple(f"pca {i + 1}" for i in range(len(vectors))), tuple(shares.tolist()))
