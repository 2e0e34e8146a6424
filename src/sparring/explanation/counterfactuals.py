"""Counterfactual images of a classifier by a generator: what would have to be otherwise for another answer."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from sparring.attribution.evaluation.comparison import mean_interval
from sparring.core.modules import frozen_eval
from sparring.core.progress import working
from sparring.core.randomness import generator as random_generator
from sparring.core.task import Task, check_same_task, class_index
from sparring.core.terminal import say
from sparring.explanation.counterfactual.adversary import adversarial
from sparring.explanation.counterfactual.invert import invert
from sparring.explanation.counterfactual.move import margin_of, smallest_move
from sparring.explanation.images import ExplainedImages
from sparring.explanation.settings import ExplainSettings, asked_class
from sparring.explanation.subject import Subject, logits_of
from sparring.metric.frechet import frechet
from sparring.metric.moments import Moments
from sparring.trained.networks import TrainedGenerator
from sparring.trained.runs import Runs

MOVE_STEPS = 30
POOLED = 8  # pixels: side of the images behind the Frechet distance


@dataclass(frozen=True)
class Counterfactuals:
    """N images and what became of them; images (N, C, H, W) in [-1, 1], all on the CPU.

    Args:
        answer: (N,) the classifier's of the images, target: (N,) the one that was asked for.
        record: as result.json holds it.
    """

    image: Tensor
    reconstruction: Tensor
    counterfactual: Tensor
    adversary: Tensor
    answer: Tensor
    target: Tensor
    valid: Tensor
    record: dict[str, Any]


def counterfactuals_of(
    settings: ExplainSettings, subject: Subject, images: ExplainedImages, runs: Runs
) -> Counterfactuals | None:
    """Counterfactuals of the first images; None where no generator was given. A line on stderr.

    The generator must be as `check_generator` wants it.
    """
    if settings.generator is None or subject.kind != "classifier":
        return None
    started = time.perf_counter()
    trained = runs.generator(settings.generator)
    few = images.first(settings.counterfactuals)
    logits = logits_of(subject.network, few.image)
    answer, target = logits.argmax(1), _targets(settings, subject, logits)
    with torch.inference_mode(False), frozen_eval(subject.network), working("counterfactuals"):
        network = trained.network.to(settings.device).eval().requires_grad_(False)
        found = _searched(settings, trained, network, subject.network, few.image, answer, target)
    record = found.record | {"seconds": round(time.perf_counter() - started, 2), "generator": trained.origin}
    share = record["validity"]
    say(f"counterfactuals        valid {share:.0%}   {record['seconds']:.1f} s")
    return Counterfactuals(**{**vars(found), "record": record | _distances(found, images)})


def check_generator(settings: ExplainSettings, subject: Subject, runs: Runs) -> None:
    """Refuse a generator of other images or classes, before anything is computed.

    Raises:
        CheckpointError: the run has no generator. DataError: it draws other images, or knows other classes.
        ConfigError: a class that does not exist.
    """
    if settings.generator is None or subject.kind != "classifier":
        return
    trained = runs.generator(settings.generator)
    if settings.to is not None:
        class_index(settings.to, subject.loaded.class_names, key="to")
    data, own = runs.open(trained.origin["run"]).config["data"], subject.loaded.task
    names = trained.class_names or own.class_names
    check_same_task(
        f"generator={settings.generator}", Task(data["channels"], data["image_size"], names), other=f"run={settings.run}",
        wanted=own, needs="counterfactuals need a generator",
    )  # fmt: skip


def _targets(settings: ExplainSettings, subject: Subject, logits: Tensor) -> Tensor:
    """(N,) the class that was asked for; where it is the answer already, and for `to=null`, the second most probable."""
    order = logits.argsort(1, descending=True)
    if settings.to is None:
        return order[:, 1]
    asked = asked_class(settings.to, subject.loaded.class_names, key="to")
    return torch.where(order[:, 0] == asked, order[:, 1], asked)


def _searched(
    settings: ExplainSettings, trained: TrainedGenerator, network: Callable[..., Tensor], classify: Callable[..., Tensor],
    image: Tensor, answer: Tensor, target: Tensor,
) -> Counterfactuals:  # fmt: skip
    start = torch.randn(
        settings.restarts, trained.latent_dim, generator=random_generator("counterfactual", settings.seed)
    ).to(image)
    inverted = invert(network, image, answer, start, steps=settings.invert_steps)
    results = [
        _moved(
            network, classify, inverted.latent[:, restart], answer, target, conditional=trained.num_classes is not None
        )
        for restart in range(settings.restarts)
    ]
    reconstruction, (latent_move, changed, switched) = inverted.image[:, 0], results[0]
    radius = (changed - reconstruction).flatten(1).norm(dim=1)
    adversary = adversarial(classify, reconstruction, target, radius)
    with torch.no_grad():
        rebuilt = classify(reconstruction).argmax(1)
        valid, fooled = (margin_of(classify, each, target) > 0 for each in (changed, adversary))
    differences = torch.stack(
        [each - inverted.image[:, restart] for restart, (_, each, _) in enumerate(results)], 1
    ).flatten(2)
    pixels = image[0].numel()
    record = {
        "images": len(image),
        "to": settings.to,
        "validity": float(valid.float().mean()),
        "adversary_validity": float(fooled.float().mean()),
        "reconstruction_kept": float((rebuilt == answer).float().mean()),
        "reconstruction_error": mean_interval(inverted.error[:, 0].cpu()).record(),
        "latent_move": mean_interval(latent_move.norm(dim=1).cpu()).record(),
        "pixel_move": mean_interval((radius / pixels**0.5 / 2).cpu()).record(),
        "label_switched": float(switched.float().mean()),
        "agreement": _agreement(differences),
        "restarts": settings.restarts,
    }
    image, reconstruction, changed, adversary, answer, target, valid = (
        each.detach().cpu() for each in (image, reconstruction, changed, adversary, answer, target, valid)
    )
    return Counterfactuals(image, reconstruction, changed, adversary, answer, target, valid, record)


def _moved(
    network: Callable[..., Tensor], classify: Callable[..., Tensor], latent: Tensor, label: Tensor, target: Tensor, *,
    conditional: bool,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """(moves (N, L), images (N, C, H, W), whether the label was switched (N,)) from latents (N, L) drawn with label (N,).

    A conditional generator moves with the label kept and with it switched to the target; the valid image nearer to the
    reconstruction counts.
    """
    before = network(latent, label).clamp(-1, 1)
    best: tuple[Tensor, Tensor, Tensor] | None = None
    switched = torch.zeros_like(label, dtype=torch.bool)
    for drawn_with in (label, target) if conditional else (label,):

        def logits(code: Tensor, drawn_with: Tensor = drawn_with) -> Tensor:
            return classify(network(code, drawn_with).clamp(-1, 1))

        move = smallest_move(logits, latent, target, steps=MOVE_STEPS)
        with torch.no_grad():
            after = network(latent + move, drawn_with).clamp(-1, 1)
            distance = (after - before).flatten(1).norm(dim=1)
            distance = torch.where(margin_of(classify, after, target) > 0, distance, torch.inf)
        if best is None:
            best = move, after, distance
        else:
            nearer = distance < best[2]
            best = (
                torch.where(nearer[:, None], move, best[0]),
                torch.where(nearer[:, None, None, None], after, best[1]),
                torch.where(nearer, distance, best[2]),
            )
            switched = nearer
    assert best is not None
    return best[0], best[1], switched


def _agreement(differences: Tensor) -> float | None:
    """Mean cosine between the changes (N, R, P) that different starts led to; None for one start."""
    restarts = differences.shape[1]
    if restarts < 2:
        return None
    unit = F.normalize(differences, dim=2)
    cosines = unit @ unit.transpose(1, 2)
    return float((cosines.sum((1, 2)) - cosines.diagonal(dim1=1, dim2=2).sum(1)).mean() / (restarts * (restarts - 1)))


def _distances(found: Counterfactuals, images: ExplainedImages) -> dict[str, Any]:
    """Frechet distances to the other real images in pixels averaged to 8 x 8, each of as many images, real ones included."""

    def features(image: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d((image.cpu() + 1) / 2, min(POOLED, image.shape[-1])).flatten(1)

    real, count = images.image, len(found.image)
    if len(real) < 2 * count or count < 2:
        return {"frechet": None}
    reference = Moments.of(features(real[count:]))
    sets = {
        "real": found.image, "reconstruction": found.reconstruction, "counterfactual": found.counterfactual,
        "adversary": found.adversary,
    }  # fmt: skip
    return {"frechet": {name: frechet(Moments.of(features(each)), reference).value for name, each in sets.items()}}


def flags_of_counterfactuals(record: dict[str, Any] | None) -> list[str]:
    """Sentences about counterfactuals that should not be believed."""
    if record is None:
        return []
    sentences = []
    if record["reconstruction_kept"] < 0.9:
        sentences.append(
            f"The classifier gives {1 - record['reconstruction_kept']:.0%} of the reconstructions another class than their "
            "images: there a counterfactual explains an image of the generator, not the one that was given."
        )
    if record["validity"] < 1:
        sentences.append(
            f"For {1 - record['validity']:.0%} of the images no move of the latent was found that changes the answer."
        )
    return sentences
