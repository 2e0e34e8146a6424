"""A generator to play with: images of a choice, its directions, walks between seeds, and the latent of an image."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sparring.core.errors import ConfigError
from sparring.core.pixels import normalise, to_uint8
from sparring.core.randomness import generator as random_generator
from sparring.core.types import TrainedNetwork
from sparring.explanation.counterfactual.invert import invert
from sparring.generation.directions import Step, moved_by, named_steps, space_of_generator, ways_of
from sparring.generation.edited import EditedSampling
from sparring.generation.sampler import BLOCK, Sampler, joined
from sparring.generation.walk import between
from sparring.play.choice import Choice, recipe
from sparring.play.settings import PlaySettings
from sparring.play.sharing import turn
from sparring.sampling.latent.truncation import with_truncation
from sparring.trained.networks import TrainedGenerator
from sparring.trained.runs import Runs

STARTS = 3  # of the search for an image's latent


class Gan:
    """A trained generator; visitors share it, one at a time, and nothing that one of them does changes it.

    Args:
        classifier: says what directions mean; None: boundary directions are left out.
    """

    def __init__(
        self, trained: TrainedGenerator, settings: PlaySettings, runs: Runs, classifier: TrainedNetwork | None
    ) -> None:
        self.trained, self.runs, self.settings, self.classifier = trained, runs, settings, classifier
        self.path = Path(trained.origin["run"])
        self.space = space_of_generator(trained, classifier, device=settings.device)
        data = runs.open(self.path).config["data"]
        self.shape = (int(data["channels"]), int(data["image_size"]), int(data["image_size"]))
        self.data_name = str(data["name"])
        self.blind = bool(getattr(getattr(self.network, "conditioning", None), "blind_to_length", False))
        self._steps: dict[str, dict[str, Step]] = {}
        self._truncated: dict[float, Any] = {}

    @property
    def network(self) -> Any:
        return self.space.generator

    @property
    def class_names(self) -> tuple[str, ...]:
        """Empty for a generator without classes."""
        return self.trained.class_names

    @property
    def truncates(self) -> bool:
        """Whether truncation changes anything: styles can be truncated, and latents whose length the network sees."""
        return hasattr(self.network, "synthesis") or not self.blind

    def ways(self) -> list[str]:
        """Ways of finding directions that apply: all but those that need a classifier where there is none."""
        made = ways_of(self.settings.direction, self.runs)
        return [name for name, way in made.items() if self.classifier is not None or not way.needs_classifier]

    def steps(self, way: str) -> dict[str, Step]:
        """The directions that `explain` finds in one way, by the names of `generate move=`; found once."""
        with turn(self.network), self._classifiers_turn():
            if way not in self._steps:
                self._steps[way] = named_steps(ways_of(self.settings.direction, self.runs, only={way}), self.space)
            return self._steps[way]

    def _moved(self, move: Mapping[str, float]) -> Tensor | None:
        moves = {key: strength for key, strength in move.items() if strength}
        steps = [self.steps(way) for way in sorted({key.rpartition("_")[0] for key in moves})]
        return moved_by(moves, {key: step for found in steps for key, step in found.items()})

    def images(self, choice: Choice, count: int = BLOCK) -> Tensor:
        """(count, C, H, W) uint8 on the CPU: what `recipe` draws. Up to a block of images costs as much as one.

        Raises:
            ConfigError: a setting out of range, or a direction that there is not. DivergedError: the images are not finite.
        """
        with turn(self.network):
            step = self._moved(choice.move)
            network, truncation = self._truncation(choice.truncation)
            sampler = Sampler(
                network, latent_dim=self.trained.latent_dim, num_classes=self.trained.num_classes, count=count,
                seed=choice.seed, label="balanced" if choice.label is None else choice.label, truncation=truncation,
                batch_size=max(count, 1), device=self.settings.device,
                sampling=EditedSampling(toward=choice.other, share=choice.share, step=step),
            )  # fmt: skip
            return joined(sampler).image

    def walk(self, choice: Choice, frames: int) -> Tensor:
        """(frames, C, H, W) uint8: image 0 of the choice's seed on its way to that of `toward`."""
        shares = torch.linspace(0, 1, frames).tolist()
        plain = {key: value for key, value in vars(choice).items() if key != "share"}
        return torch.cat([self.images(Choice(**plain, share=share), count=1) for share in shares])

    def recipe(self, choice: Choice, count: int) -> str:
        """The command that draws the same images."""
        own = self.classifier is not None and Path(self.classifier.origin["run"]) != self.path
        beside = Path(self.classifier.origin["run"]) if own and self.classifier is not None else None
        return recipe(self.path, choice, count=count, classifier=beside, typed=self.settings.shared)

    def inverted(self, image: Tensor, label: int | None) -> tuple[Tensor, float]:
        """The latent (1, L) whose image is most like a given one, of several searches, and how far that is.

        Args:
            image: (1, C, H, W) uint8. label: class to draw it as; None for a generator without classes.

        Returns:
            the latent on the device, and the root mean square difference of the pixels as a fraction of their range.

        Raises:
            DivergedError: the search ended in NaN. ConfigError: no class for a generator that has them.
        """
        device = self.settings.device
        wanted = normalise(image).to(device)
        start = torch.randn(STARTS, self.trained.latent_dim, generator=random_generator("invert", 0)).to(device)
        labels = self._classes(label)
        with turn(self.network):
            found = invert(self.network, wanted, labels, start, steps=self.settings.invert_steps)
        return found.latent[:, 0], float(found.error[0, 0])

    @torch.no_grad()
    def redrawn(self, latent: Tensor, label: int | None, move: Mapping[str, float]) -> Tensor:
        """(1, C, H, W) uint8: a latent (1, L), such as that of a visitor's image, moved along directions.

        Raises:
            ConfigError: a direction that there is not, or no class for a generator that has them.
        """
        labels = self._classes(label)
        with turn(self.network):
            image = between(self.network, (latent, labels), (latent, labels), 0.0, step=self._moved(move))
        return to_uint8(image).cpu()

    def _classes(self, label: int | None) -> Tensor:
        if label is None and self.trained.num_classes:
            raise ConfigError(f"{self.path.name} draws by class: give one of its {self.trained.num_classes} classes.")
        return torch.full((1,), 0 if label is None else label, device=self.settings.device)

    def _truncation(self, given: float | None) -> tuple[Any, float | None]:
        """(network, truncation of its latents); styles keep the mean that truncating them once has cost."""
        if given is None or not hasattr(self.network, "synthesis"):
            return self.network, given
        if given not in self._truncated:
            self._truncated[given], _ = with_truncation(self.network, given, latent_dim=self.trained.latent_dim)
        return self._truncated[given], None

    def _classifiers_turn(self) -> AbstractContextManager[object]:
        return nullcontext() if self.classifier is None else turn(self.classifier.network)
