"""The identity of settings, and the record of code and machine."""

import json
import os
from importlib import metadata
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from sparring.run.directory import RunDir, config_hash, environment
from sparring.run.environment import package_version
from sparring.run.settings import write_settings
from sparring.study.engine import source_hash

CONFIG = {
    "seed": 3,
    "model": {"width": 8, "seed": "${seed}"},
    "paths": {"log_dir": "logs", "run_dir": "${hydra:runtime.output_dir}", "cache_dir": "/home/someone/cache"},
    "data": {"cache": "${paths.cache_dir}/digits", "size": 16},
    "logger": {"csv": {"path": "${paths.run_dir}/metrics.csv"}},
}


def test_config_hash_ignores_where_things_are() -> None:
    def at(run_dir: str, cache: str, **change: object) -> str:
        config = OmegaConf.create(CONFIG)
        config.paths.run_dir, config.paths.cache_dir = run_dir, cache
        return config_hash(OmegaConf.merge(config, OmegaConf.create(change)))  # type: ignore[arg-type]

    base = at("/a/run1", "/a/cache")
    assert at("/b/run2", "/b/other") == base
    assert at("/a/run1", "/a/cache", logger={"wandb": {"mode": "offline"}}) == base
    assert at("/a/run1", "/a/cache", seed=4) != base
    assert at("/a/run1", "/a/cache", data={"size": 32}) != base
    assert at("/a/run1", "/a/cache", data={"cache": "/a/cache/cifar10"}) != base


def test_config_hash_is_the_same_for_saved_and_live_settings(tmp_path: Path) -> None:
    live = OmegaConf.create(CONFIG)
    live.paths.run_dir = "/somewhere/run"
    write_settings(tmp_path, OmegaConf.to_container(live, resolve=True))  # type: ignore[arg-type]
    assert config_hash(RunDir.open(tmp_path).config) == config_hash(live)


def test_builds_of_one_release_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """As PyPI's torch, whose distribution is 2.13.0 and whose module says 2.13.0+cu130."""
    released = metadata.version("torch").partition("+")[0]
    digests = set()
    for build in ("cpu", "cu130"):
        monkeypatch.setattr(torch, "__version__", f"{released}+{build}")
        assert environment()["packages"]["torch"] == f"{released}+{build}"
        digests.add(source_hash.digest())
    assert len(digests) == 2
    assert package_version("no-such-package") is None


def test_environment_is_plain_and_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "0123456789secret")
    text = json.dumps(environment())
    assert "secret" not in text
    content = json.loads(text)
    assert content["packages"]["torch"] == torch.__version__
    assert content["host_cores"] == os.cpu_count()
    assert content["git"] is None or len(content["git"]["commit"]) == 40
