"""The edits that a run of generate asks for, and those that it refuses."""

from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import DictConfig, OmegaConf

from sparring.core.errors import ConfigError
from sparring.generation.from_run import sampler_of
from sparring.generation.sampler import joined
from sparring.generation.settings import GenerateSettings
from sparring.trained.runs import Runs
from tests.conftest import compose
from tests.stage.test_generate import settings, trained

WAYS: Any = OmegaConf.to_container(compose(config="generate").direction)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("runs") / "run")


def images(config: DictConfig) -> torch.Tensor:
    generator = Runs.of(config).generator(str(config.run))
    return joined(sampler_of(generator, GenerateSettings.of(config))).image


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"move": ["seffa_1:2"]}, r"no direction seffa_1, did you mean sefa_\d.* There are sefa_1, .*, random_5\."),
        ({"move": ["sefa_9:2"]}, r"no direction sefa_9.* There are sefa_1, sefa_2, sefa_3, sefa_4, sefa_5\."),
        ({"move": ["boundary_1:2"]}, r"direction=boundary .* and there is none; give classifier=<run"),
        ({"move": ["sefa_1:2", "sefa_1:3"]}, "sefa_1 stands there twice"),
        ({"move": ["sefa_1:2"], "classifier": "c"}, "classifier= finds the directions"),
        ({"toward": 3, "classifier": "c"}, "classifier= finds the directions"),
        ({"share": 0.5}, r"share=0\.5 is of the way to another seed: give toward=<seed> too"),
        ({"toward": 3, "share": 7}, "share=7 is no share of the way"),
        ({"direction": WAYS["pca"]}, r"direction=pca is what move= follows: give 'move=\[pca_1:2\]'"),
    ],
)
def test_what_is_unknown_doubled_or_unused_is_refused(changes: dict[str, Any], sentence: str, run: Path) -> None:
    with pytest.raises(ConfigError, match=sentence):
        images(settings(run, **{"direction": WAYS, **changes}))


def test_one_way_alone_finds_what_it_finds_among_all(run: Path) -> None:
    among_all = images(settings(run, count=3, move=["pca_2:2"], direction=WAYS))
    assert torch.equal(images(settings(run, count=3, move=["pca_2:2"], direction=WAYS["pca"])), among_all)
    assert not torch.equal(images(settings(run, count=3)), among_all)


def test_half_of_the_way_is_where_no_share_is_given(run: Path) -> None:
    assert torch.equal(images(settings(run, count=3, toward=9)), images(settings(run, count=3, toward=9, share=0.5)))
