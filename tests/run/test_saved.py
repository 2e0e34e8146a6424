"""What a run's own file may bring back when it is resumed."""

from pathlib import Path
from typing import Any

import pytest

from sparring.core.yaml_file import read_yaml
from sparring.run.saved import left_out, local_loggers, may_be_saved, same_settings, settings_here, to_type_again
from tests.conftest import ROOT

ALLOWED = [
    "seed=3", "name=x", "model=sngan", "model/generator=resnet", "model.generator.width=${model.discriminator.width}",
    "optimizer@model.generator_optimizer=adam", "+model.augment.p=0.2", "~model.augment", "data=folder", "data.path=/a/b:c",
    "data/mix=images", "data.mix.images=logs/generate/x", "trainer=gpu", "trainer.max_steps=5", "callback=[default,quality]",
    "callback.quality.every=3", "experiment=digits_rpgan", "debug=fast", "logger=csv", "logger=[csv,tensorboard]",
    "study=seed_noise", "study.replicates=3", "executor.workers=4", "executor=ray",
    "train=[trainer.max_steps=4,'model/loss=hinge']",
    "experiment/study=demo", "dataset=digits", "report=false", "speed=fast", "speed.tf32=true", "split_seed=2", "budget=6",
    "metric/features@callback.quality.features=pixels", "+attack@model.robust.attack=pgd", "attack.pgd.steps=3",
]  # fmt: skip
REFUSED = [
    "callback.checkpoint.run_dir=/x", "++callback.checkpoint.run_dir=/x", "callback={checkpoint: {run_dir: /x}}",
    "callback.quality.cache_dir=/x", "paths.run_dir=/x", "paths.cache_dir=/x", "paths.log_dir=/x", "data.cache_dir=/x",
    "data={cache_dir: /x}", "logger=wandb", "logger=[csv,wandb]", "+logger.wandb.entity=evil", "logger.csv.path=/x",
    "logger.tensorboard.path=/x", "name=${oc.env:HF_TOKEN}", "data.path=${oc.env:HOME}/x", "seed=${${x}:y}",
    "extensions=[evil]", "+extensions=[evil]", "hydra.searchpath=[file:///x]", "hydra/launcher=x", "hydra.run.dir=/x",
    "resume=/x", "dir=/x", "run=/x", "trainer.default_root_dir=/x", "+trainer.plugins=x", "trainer={profiler: simple}",
    "train=['logger=wandb']", "train=['paths.cache_dir=/x']", "train=['+extensions=[evil]']", "train=['hydra.run.dir=/x']",
    "train=['callback.checkpoint.run_dir=/x']", "root_dir=/x", "+anything.new=1",
    r"name=$\{oc.env:X\}", r"train=[extensions\=\[evil\]]", r"study.gan=[logger\=wandb]", "+trainer= {profiler: advanced}",
    "executor.address=ray://evil:10001", "executor.parameters={setup: [x]}", "executor.cluster=slurm", "executor={address: x}",
    "+executor.parameters.setup=[x]",
    "metric/features@trainer.logger=pixels", "attack@hydra.launcher=pgd", "logger@model.x=csv", "+callback@logger.x=quality",
]  # fmt: skip


@pytest.mark.parametrize("item", ALLOWED)
def test_what_decides_the_numbers_comes_back(item: str) -> None:
    assert may_be_saved(item)


@pytest.mark.parametrize("item", REFUSED)
def test_what_reaches_out_of_the_run_does_not(item: str) -> None:
    assert not may_be_saved(item)


@pytest.mark.parametrize("verb", ["train", "study"])
def test_every_setting_of_a_verb_that_can_be_resumed_comes_back_but_those_of_this_computer(verb: str) -> None:
    config = read_yaml(ROOT / "conf" / f"{verb}.yaml")
    chosen = [name for item in config["defaults"] if isinstance(item, dict) for name in item]
    names = {name.partition("/")[0] for name in chosen} | set(config) - {"defaults"}
    not_saved = {name for name in names if not may_be_saved(f"{name}=csv")}
    assert not_saved == {"paths", "hydra", "resume", "extensions"} | ({"dir", "retry"} if verb == "study" else set())


def test_what_is_typed_again() -> None:
    saved = ["seed=1", "logger=wandb", "extensions=[mine]", "resume=/x", "hydra.verbose=true", "paths.log_dir=/y"]
    assert to_type_again(saved) == ["logger=wandb", "extensions=[mine]", "paths.log_dir=/y"]


HERE: dict[str, Any] = {
    "paths": {"root_dir": "/here", "log_dir": "/here/logs", "cache_dir": "/here/cache", "run_dir": "/run"},
    "logger": {"csv": {"path": "/run/metrics.csv"}},
    "trainer": {"_target_": "lightning.pytorch.Trainer", "_partial_": True, "max_steps": 1000},
}
HOSTILE: dict[str, Any] = {
    "paths": {"root_dir": "/evil", "log_dir": "/here/logs", "cache_dir": "/evil/cache", "run_dir": "/run"},
    "logger": {"csv": {"path": "/evil/metrics.csv"}, "wandb": {"entity": "evil"}},
    "trainer": {"_target_": "evil.Trainer", "max_steps": 7, "default_root_dir": "/evil", "profiler": "simple"},
    "callback": {
        "checkpoint": {"run_dir": "/evil", "every": 3},
        "quality": {"cache_dir": "/evil", "log_dir": "/evil", "features": [{"cache_dir": "/evil"}]},
    },
    "data": {"cache_dir": "/evil", "path": "/images"},
    "seed": 5,
}


def test_settings_that_python_resumes_write_nowhere_else() -> None:
    settings = settings_here(HOSTILE, HERE, Path("/run"))
    assert "evil" not in str(settings)
    assert settings["callback"]["checkpoint"] == {"run_dir": "/run", "every": 3}
    assert settings["callback"]["quality"]["features"] == [{"cache_dir": "/here/cache"}]
    assert settings["data"] == {"cache_dir": "/here/cache", "path": "/images"}
    assert settings["trainer"] == {**HERE["trainer"], "max_steps": 7}
    assert settings["seed"] == 5
    assert local_loggers(HOSTILE) == ["csv"]
    assert left_out(HOSTILE, HERE) == ["logger=wandb", "paths.cache_dir=/evil/cache"]
    assert local_loggers({"logger": None}) == []


def test_a_setting_as_it_always_was_makes_no_other_run() -> None:
    old: dict[str, Any] = {"model": {"d_steps": 1, "discriminator": {"width": 8}}, "data": {"name": "digits"}}
    discriminator = {"width": 8, "zero_biases": True}
    new = {
        "model": {"d_steps": 1, "discriminator": discriminator, "reuse_fakes": False},
        "data": {"name": "digits", "window": None},
    }
    assert same_settings(old, new)
    assert not same_settings(
        old, {**new, "model": {**new["model"], "discriminator": {**discriminator, "zero_biases": False}}}
    )
    assert not same_settings(old, {**new, "data": {"name": "digits", "window": 4096}})
