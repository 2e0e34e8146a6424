"""Training from Python: the command's own run, and images and networks that were made in Python."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import sparring
from sparring.api.folder import new_run
from sparring.api.reopen import resumable
from sparring.config.compose import compose
from sparring.run import weights
from sparring.run.directory import RunDir
from sparring.stage import call
from tests.api.conftest import TINY
from tests.api.networks import OwnDiscriminator, OwnGenerator
from tests.api.tiny import OWN, Images


def same_weights(one: sparring.Run, other: sparring.Run) -> bool:
    hashes = {weights.stored_hash(run.path / "weights.safetensors") for run in (one, other)}
    return len(hashes) == 1


@pytest.mark.slow
def test_a_run_from_python_is_the_run_of_the_command(gan: sparring.Run, places: Path, tmp_path: Path) -> None:
    """The same weights, and the settings but for their place; a whole configuration is as good as overrides."""
    config = compose("train", [*TINY, f"paths.run_dir={tmp_path / 'run'}"])
    call("train", config, tmp_path / "run")
    assert same_weights(gan, sparring.open(tmp_path / "run"))
    assert same_weights(gan, sparring.train(sparring.compose("train", TINY), run_dir=tmp_path / "whole"))
    assert gan.path.parent == places / "train"
    assert gan.result["config_hash"] == sparring.open(tmp_path / "whole").result["config_hash"]


@pytest.mark.slow
def test_a_configuration_that_was_given_stays_as_it_is(tmp_path: Path) -> None:
    config = sparring.compose("train", TINY)
    before = str(config)
    sparring.train(config, run_dir=tmp_path / "run", generator=OwnGenerator(classes=10))
    assert str(config) == before


@pytest.fixture(scope="module")
def own(images: Images) -> sparring.Run:
    """Images, generator and discriminator made in Python."""
    torch.manual_seed(0)
    return sparring.train(OWN, data=images, generator=OwnGenerator(), discriminator=OwnDiscriminator())


@pytest.mark.slow
def test_networks_are_trained_from_the_weights_given_and_stay_as_they_are(own: sparring.Run, images: Images) -> None:
    torch.manual_seed(0)
    generator, discriminator = OwnGenerator(), OwnDiscriminator()
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    again = sparring.train(OWN, data=images, generator=generator, discriminator=discriminator)
    assert same_weights(own, again)
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())
    other = sparring.train(OWN, data=images, generator=OwnGenerator(), discriminator=discriminator)
    assert not same_weights(own, other)
    trained = own.generator.state_dict()
    assert not torch.equal(trained["network.layers.0.weight"], before["layers.0.weight"])


def test_the_directory_says_that_only_python_can_rebuild_the_networks(own: sparring.Run) -> None:
    torch.manual_seed(0)
    initial = OwnGenerator()
    assert dict(own.config.model.generator) == {
        "_given_": "tests.api.networks.OwnGenerator", "initial_weights": weights.content_hash(initial.state_dict()),
    }  # fmt: skip
    with pytest.raises(
        sparring.ConfigError, match=r"which no file can build: open the run in Python with sparring\.open"
    ):
        sparring.open(own.path).sample(2)
    with pytest.raises(sparring.ConfigError, match=r"model\.generator is a Python object of the class"):
        call("generate", sparring.compose("generate", f"run={own.path}"), own.path.parent / "images")


def test_given_again_they_draw_the_same_images(own: sparring.Run) -> None:
    generator = OwnGenerator()  # other weights: those of the run are loaded into a copy
    before = generator.layers[0].weight.clone()
    run = sparring.open(own.path, generator=generator, discriminator=OwnDiscriminator())
    for one, other in zip(own.sample(9, seed=3), run.sample(9, seed=3), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(generator.layers[0].weight, before)
    images, labels = own.sample(4, dtype=torch.uint8)
    assert labels.tolist() == [0, 1, 2, 0]
    assert own.discriminator_features(images).shape == (4, 16)


@pytest.mark.parametrize(
    ("networks", "error", "sentence"),
    [
        ({"generator": OwnGenerator(classes=4)}, sparring.ConfigError, "model.discriminator is a Python object"),
        ({"generator": OwnGenerator(classes=4), "discriminator": OwnDiscriminator()}, sparring.CheckpointError,
         r"do not fit the generator and discriminator that was given \(size mismatch for network.embedding"),
        ({"backbone": OwnDiscriminator()}, sparring.ConfigError, "was not trained with a backbone made in Python"),
        ({"generator": "net.pt"}, sparring.ConfigError, "generator is of the type str; give a torch.nn.Module"),
    ],
)  # fmt: skip
def test_other_networks_are_refused(own: sparring.Run, networks: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        sparring.open(own.path, **networks).sample(1)


def test_a_run_that_builds_its_networks_takes_none(gan: sparring.Run) -> None:
    with pytest.raises(
        sparring.ConfigError, match="was not trained with a generator made in Python: leave generator= out"
    ):
        sparring.open(gan, generator=OwnGenerator())


@pytest.mark.slow
def test_a_run_goes_on_in_python_as_if_it_had_not_stopped(own: sparring.Run, images: Images, tmp_path: Path) -> None:
    torch.manual_seed(0)
    networks: Any = {"generator": OwnGenerator(), "discriminator": OwnDiscriminator()}
    whole = sparring.train(OWN, "trainer.max_steps=5", data=images, **networks)
    parts = sparring.train(OWN, data=images, run_dir=tmp_path / "run", **networks)
    with pytest.raises(sparring.ConfigError, match="is finished: it has trained 2 of 2 iterations"):
        sparring.train(resume=parts)
    with pytest.raises(sparring.ConfigError, match="the run has no setting 'trainer"):
        sparring.train("trainer.max_stps=5", resume=parts)
    with pytest.raises(sparring.ConfigError, match="takes a whole number such as 2, not 'five'"):
        sparring.train("trainer.max_steps=five", resume=parts)
    with pytest.raises(
        sparring.CheckpointError,
        match=r"other settings \(model.d_steps was 1, now 2\).* with model.d_steps=1\)",
    ):
        sparring.train("model.d_steps=2", "trainer.max_steps=5", resume=parts)
    resumed = sparring.train("trainer.max_steps=5", resume=parts.path, **networks)
    assert same_weights(whole, resumed)
    assert resumed.path == parts.path
    assert resumed.config.trainer.max_steps == 5
    assert json.loads((resumed.path / "status.json").read_text())["clock"]["iteration"] == 5


@pytest.mark.slow
def test_a_resumed_run_writes_where_this_computer_does(
    tmp_path: Path, cache_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = sparring.compose(
        "train", TINY, "logger=[tensorboard]", "paths.cache_dir=/evil", "callback=[default,quality]"
    )
    run = RunDir.open(new_run(config, None, "train", tmp_path / "run"))
    resumed = resumable(run, [])
    assert resumed.data.cache_dir == resumed.callback.quality.cache_dir == str(cache_dir)
    assert resumed.logger.tensorboard.path == f"{run.path}/tensorboard"
    assert "paths.cache_dir=/evil. Give it to sparring.train again" in capsys.readouterr().err
    assert resumed.trainer == config.trainer
    own = resumable(run, ["logger=csv", "paths.cache_dir=/mine"])
    assert list(own.logger) == ["csv"]
    assert own.data.cache_dir == "/mine"


@pytest.mark.slow
def test_a_run_directory_does_not_choose_whose_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on the command line: resumed, opened and measured without a word from Python, its `extensions` count for nothing."""
    (tmp_path / "evil.py").write_text("raise SystemExit('ran')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    run = sparring.train(TINY, run_dir=tmp_path / "run")
    settings = run.path / ".hydra" / "config.yaml"
    text = settings.read_text().replace("extensions: []", "extensions: [evil]")
    settings.write_text(text.replace("sparring.model.loss.rpgan.RpGAN", "evil.Loss"))
    assert "evil.Loss" in settings.read_text()
    for use in (
        lambda: sparring.train("trainer.max_steps=5", resume=run.path),
        lambda: sparring.open(run.path).sample(1),
        lambda: sparring.evaluate(run.path, "metric/features=pixels"),
    ):
        with pytest.raises(sparring.ConfigError, match=r"evil\.Loss is not allowed"):
            use()
    with pytest.raises(SystemExit, match="ran"):
        sparring.open(run.path, extensions=["evil"]).sample(1)


@pytest.mark.slow
def test_an_unconditional_generator_and_a_logit(images: Images) -> None:
    net = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8)))
    logit = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
    run = sparring.train(
        OWN, "model/conditioning=none", "model/head=none", data=images, generator=net, discriminator=logit
    )
    assert run.sample(3)[1].tolist() == [-1, -1, -1]


@pytest.mark.slow
def test_a_backbone_is_trained_and_attacked(images: Images) -> None:
    own = [item for item in OWN if "latent" not in item]
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    run = sparring.train(own, "model=classifier", data=images, backbone=net)
    assert set(run.metrics) >= {"test/accuracy"}
    pixels, labels = images
    result = sparring.attack(run.classifier(), pixels, labels, "fgsm")
    assert result.images.shape == (120, 1, 8, 8)
    assert sparring.open(run, backbone=net).classifier()(pixels[:2] / 255).shape == (2, 3)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda x, y: sparring.train("data=digits", data=(x, y)), sparring.ConfigError, "data=digits names another data set"),
        (lambda x, y: sparring.train("data.num_classes=2", data=(x, y)), sparring.ConfigError, "set data.num_classes=3"),
        (lambda x, y: sparring.train(data=(x, y[:3])), sparring.DataError, r"the labels of data have the shape \(3,\)"),
        (lambda x, y: sparring.train(data=(x, y - 1)), sparring.DataError, "the labels of data hold -1"),
        (lambda x, y: sparring.train(data=(x.long(), y)), sparring.DataError, "the images of data are torch.int64"),
        (lambda x, y: sparring.train(data=(x[:, :, :, :6], y)), sparring.DataError, r"are 8 x 6 pixels: cut or pad them"),
        (lambda x, y: sparring.train(data=(x.repeat(1, 4, 1, 1), y)), sparring.ConfigError, "data.channels=4 is not one of 1, 3"),
        (lambda x, y: sparring.train("model.latent_dim=8", generator=OwnGenerator(size=16), data=(x, y)), sparring.ConfigError,
         r"draws images of shape \(1, 16, 16\), and the data have \(1, 8, 8\)"),
        (lambda x, y: sparring.train("model=classifier", generator=OwnGenerator(), data=(x, y)), sparring.ConfigError,
         "generator= was given and this model takes a backbone"),
        (lambda x, y: sparring.train(sparring.compose("train"), "seed=2"), sparring.ConfigError, "given with something else"),
        (lambda x, y: sparring.train(sparring.compose("train"), data=(x, y)), sparring.ConfigError,
         "data.image_size=16 and the images given have 8: give overrides in place"),
        (lambda x, y: sparring.train("resume=last"), sparring.ConfigError, "resume= is no override here"),
        (lambda x, y: sparring.train(resume="nowhere", data=(x, y)), sparring.ConfigError, "leave data= and run_dir= out"),
        (lambda x, y: sparring.train("trainer.devices=2"), sparring.ConfigError, "trainer.devices=2 starts 2 processes"),
        (lambda x, y: sparring.train(discriminator=nn.LazyLinear(3)), sparring.ConfigError, "has lazy layers without weights"),
        (lambda x, y: sparring.train(data="images"), sparring.DataError, "data is of the type str: give a pair"),
        (lambda x, y: sparring.train("model=dcgna"), sparring.ConfigError, "did you mean dcgan"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_is_refused_in_one_sentence(
    call: Any, error: type[Exception], sentence: str, images: Images
) -> None:
    with pytest.raises(error, match=sentence) as caught:
        call(*images)
    assert "\n" not in str(caught.value)


def test_a_directory_with_a_run_is_not_written_into(gan: sparring.Run) -> None:
    before = {path: path.read_bytes() for path in gan.path.rglob("*") if path.is_file()}
    with pytest.raises(sparring.CheckpointError, match="already holds a run"):
        sparring.train(TINY, run_dir=gan.path)
    assert before == {path: path.read_bytes() for path in gan.path.rglob("*") if path.is_file()}
