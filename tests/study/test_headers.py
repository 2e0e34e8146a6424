"""What the headers of studies and their recipes say to type."""

import shlex

import pytest

from sparring.config.build import build
from sparring.config.check import check
from sparring.config.compose import compose
from sparring.core.package import CONFIG_DIR
from tests.conftest import CONF


def header_commands() -> list[str]:
    """What the headers of studies say to type."""
    files = [*(CONF / "study").glob("*.yaml"), *(CONF / "experiment" / "study").glob("*.yaml")]
    lines = [line.lstrip("# ") for file in sorted(files) for line in file.read_text().splitlines()]
    return [line.partition("  ")[0] for line in lines if line.startswith("python study.py ")]


@pytest.mark.slow
@pytest.mark.parametrize("command", header_commands())
def test_commands_in_the_headers_of_studies_build_their_study(command: str) -> None:
    check("study", shlex.split(command)[2:], config_dir=CONFIG_DIR)
    config = compose("study", shlex.split(command)[2:])
    describes = any(f"study={name}" in command for name in ("learning_rate", "stability"))  # the others give a verdict
    assert build(config.study, section="study").replicates >= (2 if describes else 6)
