"""A W&B server on the loopback device, and an environment without credentials."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wandb

from tests.logger.wandb_stub import KEY, WandbStub


@pytest.fixture
def no_wandb_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No credentials of this machine, and no server but a loopback one."""
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    wandb.teardown()  # the SDK reads the environment once per process
    yield
    wandb.teardown()


@pytest.fixture
def stub(
    no_wandb_account: None, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[WandbStub]:
    with WandbStub(getattr(request, "param", "ok")) as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        monkeypatch.setenv("WANDB_API_KEY", KEY)
        yield server
        wandb.teardown()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """(mode, seconds that W&B is told to wait) of every start of it: what falling back costs on an idle computer."""
    found: list[tuple[str, float]] = []

    def noted(**given: Any) -> Any:
        found.append((given["mode"], given["settings"].init_timeout))
        return init(**given)

    init = wandb.init
    monkeypatch.setattr(wandb, "init", noted)
    return found
