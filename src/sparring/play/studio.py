"""The networks that visitors share: each is loaded once, when somebody first chooses its run."""

import torch

from sparring.core.errors import ConfigError
from sparring.core.task import Task, check_same_task
from sparring.enhancement.tiles import enhanced_pixels
from sparring.generation.directions import classifier_for
from sparring.play.finished import Offered, offered
from sparring.play.gan import Gan
from sparring.play.judge import Judge
from sparring.play.neighbours import TrainingImages
from sparring.play.settings import PlaySettings
from sparring.play.sharing import SharedRuns, turn
from sparring.trained.data import data_of
from sparring.trained.enhancer import TrainedEnhancer
from sparring.trained.runs import Runs

TILE = 256


class Studio:
    """Runs as they were typed or chosen -> their networks, loaded once for all visitors.

    Args:
        runs: the door to them.
    """

    def __init__(self, settings: PlaySettings, runs: Runs) -> None:
        self.settings = settings
        self.runs = SharedRuns(runs.log_dir, runs.build, runs.networks)

    def offered(self) -> Offered:
        """What can be chosen now."""
        return offered(self.settings.log_dir)

    def gan(self, run: str, classifier: str | None) -> Gan:
        """The generator of a run, with the classifier that names its directions.

        Raises:
            CheckpointError: no such run, or no generator in it. DataError: the classifier sees other images.
        """

        def load() -> Gan:
            beside = classifier_for(run, classifier, self.runs)
            return Gan(self.runs.generator(run), self.settings, self.runs, beside)

        key = "gan", self.runs.find(run), None if classifier is None else self.runs.find(classifier)
        gan: Gan = self.runs.kept.get(key, load)
        return gan

    def judge(self, run: str, classifier: str | None) -> Judge | None:
        """The chosen classifier, or the GAN's own; None where there is neither."""
        loaded = self.gan(run, classifier).classifier
        if loaded is None:
            return None
        judge: Judge = self.runs.kept.get(
            ("judge", loaded.origin["run"]), lambda: Judge(loaded, self.settings, self.runs)
        )
        return judge

    def training_images(self, run: str) -> TrainingImages:
        """The images that a run was trained on. Raises DataError: they are gone."""
        path = self.runs.find(run)

        def load() -> TrainingImages:
            return TrainingImages(data_of({"run": str(path)}, self.runs, cache_dir=self.settings.cache_dir))

        images: TrainingImages = self.runs.kept.get(("images", path), load)
        return images

    def enhancer(self, run: str) -> TrainedEnhancer:
        """Raises CheckpointError: the run has none."""
        enhancer: TrainedEnhancer = self.runs.kept.get(
            ("enhancer", self.runs.find(run)), lambda: self.runs.enhancer(run)
        )
        return enhancer

    def enhanced(self, run: str, image: torch.Tensor) -> torch.Tensor:
        """An image (1, C, H, W) uint8 by the enhancer of a run, (1, C, factor H, factor W) uint8.

        Raises:
            CheckpointError: the run has no enhancer. DataError: it was trained on other channels.
        """
        trained = self.enhancer(run)
        network = trained.network.to(self.settings.device)
        pixels = image[0].permute(1, 2, 0).numpy()
        channels, device = trained.task.channels, self.settings.device
        with turn(network):
            made = enhanced_pixels(network, pixels, channels=channels, tile=TILE, device=device)
        return torch.from_numpy(made).permute(2, 0, 1)[None]

    def check_pair(self, run: str, other: str) -> tuple[Gan, Gan]:
        """Two generators that can be compared on the same latents.

        Raises:
            DataError: they draw other images or classes. ConfigError: their latents have other lengths.
        """
        one, two = self.gan(run, None), self.gan(other, None)
        tasks = [Task(gan.shape[0], gan.shape[1], gan.class_names) for gan in (one, two)]
        check_same_task(other, tasks[1], other=run, wanted=tasks[0], needs="compare two generators")
        sizes = [gan.trained.latent_dim for gan in (one, two)]
        if sizes[0] != sizes[1]:
            raise ConfigError(
                f"{other} has latents of {sizes[1]} numbers and {run} of {sizes[0]}: these are not the same latents."
            )
        return one, two
