"""What a run directory holds, told by its settings alone: which verb made it, and which networks it trained."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparring.core.errors import CheckpointError
from sparring.core.program import hint
from sparring.core.wording import listing

# A section that the settings of one verb alone have.
SECTIONS = {
    "play": "port", "train": "trainer", "generate": "sampling", "evaluate": "metric", "attack": "attack", "study": "study",
    "explain": "attribution", "enhance": "tile", "report": "runs", "export": "tolerance",
}  # fmt: skip
DEGRADED = "degraded classifier"  # knows nothing of images as they are, so no verb takes it for a classifier
# The games of sparring -> the networks that they train.
GAMES = {
    "gan.GAN": {"generator", "discriminator"},
    "flow.Flow": {"generator"},
    "gan_classifier.GANClassifier": {"generator", "discriminator", "classifier"},
    "semi_supervised.SemiSupervisedGAN": {"generator", "discriminator", "classifier"},
    "classifier.Classifier": {"classifier"},
    "degraded_classifier.DegradedClassifier": {DEGRADED},
    "advgan.AdvGAN": {"perturber", "discriminator"},
    "restorer.Restorer": {"enhancer"},
    "srgan.SRGAN": {"enhancer", "discriminator"},
}
# Heads of a discriminator that tell classes: a GAN with one holds a classifier, too.
CLASSIFYING = {"auxiliary", "contragan", "d2d_ce", "multi_hinge", "tac"}
# What a verb reads from the run in its setting `run`; one of several is enough.
NEEDS = {
    "generate": {"generator"},
    "evaluate": {"generator"},
    "attack": {"classifier"},
    "explain": {"generator", "classifier", "discriminator"},
    "enhance": {"enhancer"},
    "export": {"generator", "classifier", "enhancer"},
    "play": {"generator"},
}
_ADVICE = {
    "generator": "a training run with a GAN, such as model=rpgan",
    "classifier": "a training run with model=classifier, or with a GAN whose discriminator tells classes, such as model=acgan",
    "perturber": "a training run with model=advgan",
    "discriminator": "a training run with a GAN",
    "enhancer": "a training run with model=restorer or model=srgan",
}
_NAMES = {"perturber": "perturbation generator", DEGRADED: "classifier of degraded images"}


def verb_of(settings: Mapping[str, Any]) -> str | None:
    """The verb whose settings these are; None if no verb of sparring has such ones."""
    return next((verb for verb, section in SECTIONS.items() if settings.get(section) is not None), None)


def networks_of(settings: Mapping[str, Any]) -> set[str] | None:
    """Which of generator, discriminator, classifier, perturber and enhancer a training with these settings makes.

    None where its game is not one of sparring's, and only building it can tell.
    """
    model = settings.get("model") or {}
    game = str(model.get("_target_", "")).removeprefix("sparring.model.")
    if game not in GAMES:
        return None
    networks = set(GAMES[game])
    if model.get("supervised_only"):
        networks -= {"generator"}
    head = str((model.get("head") or {}).get("_target_", "")).split(".")[-2:-1]
    if head and (head[0] in CLASSIFYING or "sparring.model.head" not in str(model["head"]["_target_"])):
        networks |= {"classifier"}
    return networks


def check_holds(path: Path, settings: Mapping[str, Any], wanted: set[str]) -> None:
    """Refuse a run that holds none of the networks that are wanted.

    Args:
        settings: of the run in `path`.

    Raises:
        CheckpointError: another verb made it, or its game has no such network.
    """
    if not wanted:
        return
    verb, networks = verb_of(settings), networks_of(settings)
    lacks = f"holds no {' and no '.join(_NAMES.get(name, name) for name in sorted(wanted))}"
    give = " or ".join(_ADVICE[name] for name in sorted(wanted))
    if verb not in (None, "train"):
        raise CheckpointError(f"{path} is a run of {verb} and {lacks}; give the directory of {give}.")
    if networks is not None and not networks & wanted:
        made = f"it trained {listing(_with_article(_NAMES.get(name, name)) for name in sorted(networks))}"
        raise CheckpointError(f"{path} {lacks} ({made}); give the directory of {give}.")


# Verbs that draw images, and the setting that says in which form.
_DRAWING = {"generate": "format", "attack": "export", "enhance": "format", "explain": "format"}


def check_image_set(key: str, path: Path, settings: Mapping[str, Any]) -> None:
    """Refuse a run that is given as a set of images and left none.

    Args:
        key: the setting that names it.
        settings: of the run in `path`.

    Raises:
        CheckpointError: another verb made it, or it drew a picture of them only.
    """
    verb = verb_of(settings)
    if verb is None:
        return
    if verb not in _DRAWING:
        advice = "give a run of generate, or a folder, parquet or .npz file of images"
        networks = networks_of(settings) or {"generator"}  # of a game of somebody else, perhaps one
        if verb == "train" and "generator" in networks:
            advice = f"draw images with `{hint('generate', f'run={path}', 'format=[parquet]')}`, and give that run"
        raise CheckpointError(f"{key}={path} is a run of {verb} and no image set; {advice}.")
    form = settings.get(_DRAWING[verb]) or []
    if verb == "explain" and not form:
        raise CheckpointError(
            f"{key}={path} is a run of explain that wrote no images; make counterfactual ones with generator=<GAN's run> "
            "format=[parquet]."
        )
    if not {"parquet", "folder"} & set(map(str, [form] if isinstance(form, str) else form)):
        raise CheckpointError(
            f"{key}={path} is a run of {verb} that left no images but a picture of them; draw them again with "
            f"{_DRAWING[verb]}=[parquet] or {_DRAWING[verb]}=[folder]."
        )


def check_trained(key: str, path: Path, settings: Mapping[str, Any]) -> None:
    """Refuse a run whose data set is asked for and that has none of its own.

    Raises:
        CheckpointError: another verb than train made it.
    """
    verb = verb_of(settings)
    if verb not in (None, "train"):
        raise CheckpointError(
            f"{key}={path} is a run of {verb}, which has no data set of its own; give a training run, or a data set such as "
            f"{key}=cifar10."
        )


def _with_article(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def check_verb(path: Path, settings: Mapping[str, Any], verb: str) -> None:
    """Refuse to go on with a run of another verb.

    Raises:
        CheckpointError: it is one.
    """
    other = verb_of(settings)
    if verb in SECTIONS and other not in (None, verb):
        again = (
            f"go on with it by `{hint(other, f'resume={path}')}`" if other in ("train", "study") else "start it again"
        )
        raise CheckpointError(f"{path} is a run of {other}, which {verb} cannot resume; {again}.")
