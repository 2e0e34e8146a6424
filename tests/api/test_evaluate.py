"""Images at hand are measured as those of a folder are, and a run as its command measures it."""

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

import sparring
from sparring.stage import call

QUICK = ["metric/features=pixels", "metric.names=[fd,coverage]", "splits=[test]", "report=false", "device=cpu"]
Images = tuple[Tensor, Tensor]


def values(run: sparring.Run) -> dict[str, float]:
    return {name: found["value"] for name, found in run.metrics.items()}


@pytest.fixture(scope="module")
def folder(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("images")
    for index, (image, label) in enumerate(zip(*images, strict=True)):
        (root / str(int(label))).mkdir(exist_ok=True)
        Image.fromarray(image[0].numpy()).save(root / str(int(label)) / f"{index:03d}.png")
    return root


@pytest.mark.slow
def test_a_folder_a_tensor_and_a_pair_have_the_same_values(images: Images, folder: Path) -> None:
    reference = ["data.image_size=8"]
    one = sparring.evaluate(folder, QUICK, "data=digits", reference)
    pixels, labels = images
    other = sparring.evaluate(pixels / 255, QUICK, "data=digits", reference, labels=labels)
    pair = sparring.evaluate(images, QUICK, "data=digits", reference)
    assert values(one) == pytest.approx(
        values(other), rel=1e-9
    )  # files are read class by class, and sums in another order
    assert values(other) == values(pair)
    assert len(values(one)) == 2


@pytest.mark.slow
def test_a_run_is_measured_as_its_command_does(gan: sparring.Run, tmp_path: Path) -> None:
    keys = [*QUICK, "count=40", "repeats=1"]
    command = call("evaluate", sparring.compose("evaluate", f"run={gan.path}", keys), tmp_path / "command")
    assert values(sparring.evaluate(gan, keys)) == {name: each["value"] for name, each in command["metrics"].items()}
    assert values(sparring.evaluate(str(gan.path), keys)) == values(sparring.evaluate(gan, keys))


@pytest.mark.slow
def test_a_run_draws_as_the_tensors_that_it_samples(gan: sparring.Run) -> None:
    """fd against the run's own data, of the same 40 images: drawn by the stage, and given as tensors."""
    drawn = sparring.evaluate(gan, QUICK, "count=40", "repeats=1", "seed=7")
    given = sparring.evaluate(gan.sample(40, seed=7), QUICK, reference=gan)
    assert values(drawn) == values(given)
    assert given.result["subject"]["given"] == "in Python"


@pytest.mark.slow
def test_images_are_held_against_images_at_hand(images: Images) -> None:
    """All of them against themselves: nothing lies apart."""
    measured = sparring.evaluate(
        images, QUICK, "splits=[train]", "data.val_fraction=0", reference={"train": images, "test": images}
    )
    found = values(measured)
    assert abs(next(value for name, value in found.items() if "fd" in name)) < 1e-6
    assert next(value for name, value in found.items() if "coverage" in name) == 1.0


def test_nothing_but_the_place_of_a_report_is_printed(images: Images, capsys: pytest.CaptureFixture[str]) -> None:
    sparring.evaluate(images, QUICK, reference=images)
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "")


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda x, y: sparring.evaluate("no/such/folder", QUICK, reference="digits"), sparring.DataError,
         "no/such/folder does not exist; give a run of generate"),
        (lambda x, y: sparring.evaluate(x, QUICK), sparring.ConfigError, "needs reference=<data set"),
        (lambda x, y: sparring.evaluate(x, QUICK, reference="digts"), sparring.ConfigError,
         "reference=digts is neither a run nor a data set, did you mean digits"),
        (lambda x, y: sparring.evaluate(x, QUICK, reference="digits"), sparring.DataError,
         r"the images have the shape \(1, 8, 8\) and those of the reference \(1, 16, 16\)"),
        (lambda x, y: sparring.evaluate(x, QUICK, labels=y + 1, reference=(x, y)), sparring.DataError,
         "the labels reach 3 and the reference has 3 classes"),
        (lambda x, y: sparring.evaluate(x, QUICK, labels=y[:3], reference=(x, y)), sparring.DataError, r"shape \(3,\) for 120"),
        (lambda x, y: sparring.evaluate(x.long(), QUICK, reference=(x, y)), sparring.DataError, "images are torch.int64"),
        (lambda x, y: sparring.evaluate(x, "metric.names=[fid]", reference=(x, y)), sparring.ConfigError, "has no 'fid'"),
        (lambda x, y: sparring.evaluate("somewhere", labels=y, reference="digits"), sparring.DataError,
         "labels= goes with images"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_refused_in_one_sentence(
    call: Any, error: type[Exception], sentence: str, images: Images
) -> None:
    with pytest.raises(error, match=sentence) as caught:
        call(*images)
    assert "\n" not in str(caught.value)


def test_a_run_brings_its_own_reference(gan: sparring.Run) -> None:
    with pytest.raises(sparring.ConfigError, match="a run is held against the data that it was trained on"):
        sparring.evaluate(gan, QUICK, reference="digits")


@pytest.mark.slow
def test_a_generator_made_in_python_is_measured(images: Images) -> None:
    from tests.api.networks import OwnGenerator
    from tests.api.tiny import OWN

    torch.manual_seed(0)
    run = sparring.train(OWN, "model.discriminator.width=8", data=images, generator=OwnGenerator())
    measured = sparring.evaluate(run, QUICK, "count=40", "repeats=1", "seed=7")
    assert values(measured) == values(sparring.evaluate(run.sample(40, seed=7), QUICK, reference=run))
