"""A run as an object: what its directory says, and the networks in it."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import sparring
from sparring.attack.evaluation.target import UnitRange
from sparring.core.pixels import normalise
from sparring.run.settings import write_settings
from sparring.stage import call
from sparring.trained.runs import Runs
from tests.api.conftest import TINY


def test_image_i_of_seed_s_is_the_one_that_generate_draws(gan: sparring.Run, tmp_path: Path) -> None:
    """Bit for bit, against the PNG files of the command's stage; 40 images are more than a block of 32."""
    config = sparring.compose(
        "generate", f"run={gan.path}", "count=40", "seed=5", "truncation=0.7", "format=[folder]", "device=cpu"
    )
    call("generate", config, tmp_path / "images")
    images, labels = gan.sample(40, seed=5, truncation=0.7, device="cpu", dtype=torch.uint8)
    with (tmp_path / "images" / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    drawn = [np.asarray(Image.open(tmp_path / "images" / row["file"])) for row in rows]
    assert torch.equal(images[:, 0], torch.from_numpy(np.stack(drawn)))
    assert labels.tolist() == [int(row["label"]) for row in rows]


def test_floats_are_the_same_images_in_the_unit_range_and_a_class_can_be_asked_for(gan: sparring.Run) -> None:
    images, labels = gan.sample(5, label=3)
    whole, _ = gan.sample(5, label=3, dtype=torch.uint8)
    assert torch.equal(images, whole.float() / 255)
    assert labels.tolist() == [3] * 5
    assert images.device.type == "cpu"
    assert not images.requires_grad


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"label": 10}, "label=10 is out of range: the generator knows the classes 0 to 9"),
        (
            {"label": "balancd"},
            r"label=balancd is no class of this run\. It has 0, .* balanced and prior draw all of them",
        ),
        ({"count": 0}, "count=0 is no whole number of images"),
        ({"dtype": torch.int64}, "dtype=torch.int64 is no type of images"),
        ({"weights": "best"}, "weights=best is unknown; give one of ema, generator"),
        ({"device": "tpu"}, "device=tpu is not on this machine"),
    ],
)
def test_samples_that_cannot_be_drawn_are_refused(
    gan: sparring.Run, settings: dict[str, object], sentence: str
) -> None:
    with pytest.raises(sparring.ConfigError, match=sentence):
        gan.sample(**settings)  # type: ignore[arg-type]


def test_the_generator_is_the_averaged_one_as_it_was_saved(gan: sparring.Run) -> None:
    saved = Runs().model(gan.path).tensors_of("ema")
    state = gan.generator.state_dict()
    assert state.keys() == saved.keys()
    assert all(torch.equal(state[name], saved[name]) for name in saved)
    assert not gan.generator.training


def test_features_are_what_the_discriminator_s_head_reads(gan: sparring.Run) -> None:
    images, labels = gan.sample(6, dtype=torch.uint8)
    features = gan.discriminator_features(images)
    network = Runs().discriminator(gan.path).network
    with torch.no_grad():
        output = network.forward_with_features(normalise(images), labels)  # type: ignore[operator]
        torch.testing.assert_close(features, output.features, rtol=0, atol=0)
        torch.testing.assert_close(network.head(features, labels), output.logits)  # type: ignore[operator]
    assert not features.requires_grad


def test_features_of_images_of_another_size_are_refused(gan: sparring.Run) -> None:
    with pytest.raises(sparring.DataError, match=r"shape \(1, 16, 16\) and the run was trained on \(1, 8, 8\)"):
        gan.discriminator_features(torch.rand(2, 1, 16, 16))


def test_a_classifier_takes_the_unit_range_or_the_package_s_own(victim_run: Path) -> None:
    run, image = sparring.open(victim_run), torch.rand(4, 1, 8, 8)
    unit, signed = run.classifier(), run.classifier(unit_range=False)
    assert isinstance(unit, UnitRange)
    assert torch.equal(unit(image), signed(image * 2 - 1))
    assert signed(image).shape == (4, 10)
    assert not any(weight.requires_grad for weight in unit.parameters())
    with pytest.raises(sparring.CheckpointError, match="holds no generator"):
        run.sample(1)


def test_the_history_is_the_file_by_column(gan: sparring.Run) -> None:
    with (gan.path / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    history = gan.history
    assert list(history) == list(rows[0])
    for name, values in history.items():
        assert values.dtype == np.float64
        expected = [float(row[name]) if row[name] else np.nan for row in rows]
        np.testing.assert_array_equal(values, expected)
    assert history["iteration"].tolist() == [1, 2]


def test_metrics_have_a_value_a_protocol_and_a_direction_by_name(victim_run: Path) -> None:
    run = sparring.open(victim_run)
    accuracy = run.metrics["test/accuracy"]
    assert accuracy == run.result["metrics"]["test/accuracy"]
    assert accuracy["direction"] == "higher"
    assert f"test/accuracy</td><td style='text-align:right'>{accuracy['value']:.4g}" in run._repr_html_()


def test_a_run_says_what_became_of_it(gan: sparring.Run) -> None:
    assert gan.status == "finished"
    assert gan.reason.startswith(
        "trained for its whole budget of 2 iterations; its generator has not learned the classes"
    )
    assert gan.config.model.latent_dim == 8
    assert gan.report is None
    assert repr(gan) == f"<sparring.Run {gan.path}: finished>"


def test_a_run_without_a_word_was_killed(gan: sparring.Run, tmp_path: Path) -> None:
    """status.json says that it is running, and nobody holds its lock."""
    write_settings(tmp_path, {"name": "x"})
    run = sparring.open(tmp_path)
    assert (run.status, run.reason) == ("none", "")
    (tmp_path / "status.json").write_text((gan.path / "status.json").read_text().replace("finished", "running"))
    assert run.status == "killed"
    assert list(run.history) == ["iteration", "images_seen"]
    with pytest.raises(sparring.CheckpointError, match=r"has no result\.json"):
        _ = run.metrics


def test_a_run_shows_its_newest_picture_and_escapes_what_it_says(gan: sparring.Run, tmp_path: Path) -> None:
    page = gan._repr_html_()
    assert "data:image/png;base64," in page
    assert "alt='samples_00000002'" in page
    assert "<td style='text-align:left'>iterations</td><td style='text-align:right'>2</td>" in page
    write_settings(tmp_path / "<b>", {"name": "x"})
    assert "<b>&lt;b&gt;</b>" in sparring.open(tmp_path / "<b>")._repr_html_()


@pytest.mark.slow
def test_a_run_is_opened_by_directory_by_name_and_as_the_latest(gan: sparring.Run) -> None:
    newer = sparring.train(TINY, "model=rpgan")
    assert sparring.open().path == sparring.open("latest").path == newer.path
    assert sparring.open(gan.path.name).path == sparring.open(str(gan.path)).path == sparring.open(gan).path == gan.path


def test_a_run_that_is_not_there_is_refused_with_the_runs_that_may_have_been_meant(gan: sparring.Run) -> None:
    with pytest.raises(sparring.CheckpointError, match=rf"does not exist; did you mean {gan.path}"):
        sparring.open(f"{gan.path}x")


def test_there_is_no_latest_run_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARRING_LOG_DIR", str(tmp_path))
    with pytest.raises(sparring.CheckpointError, match=r"holds no run: train one with sparring\.train\(\)"):
        sparring.open()
