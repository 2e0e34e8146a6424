"""Compiled networks: the values of eager ones, no graph break, when they are made, and the real compiler, once."""

import pytest
import torch

from sparring.core.errors import ConfigError
from sparring.training import speed as speed_module
from sparring.training.speed import SpeedSettings
from tests.conftest import compose
from tests.model.alone import alone, weights

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
RECIPES = [
    "rpgan",
    "sngan",
    "flow",
    "classifier",
    "ssgan",
    "gan_classifier",
    "srgan",
    "robgan",
    "stylegan2",
    "biggan",
    "wgan_gp",
]
SLOW = ["ssgan", "rpgan", "sngan", "stylegan2", "biggan", "wgan_gp", "flow", "srgan", "gan_classifier", "robgan"]


def settings(*overrides: str) -> SpeedSettings:
    return SpeedSettings.of(compose(*overrides).speed)


@pytest.fixture(autouse=True)
def fresh() -> None:
    torch._dynamo.reset()


@pytest.mark.parametrize("preset", [pytest.param(each, marks=[pytest.mark.slow] * (each in SLOW)) for each in RECIPES])
def test_steps_have_the_values_of_eager_networks_without_a_graph_break(preset: str) -> None:
    """Steps with and without a lazy penalty; `fullgraph` raises at a break, the backend runs each graph as it was traced."""
    results, graphs = [], []

    def backend(graph: torch.fx.GraphModule, example: list[torch.Tensor]) -> object:
        graphs.append(graph)
        return torch._dynamo.backends.debugging.aot_eager(graph, example)

    for compiled in (False, True):
        model, batches = alone(f"model={preset}", "data=digits", "data.image_size=8", dtype=torch.float64)
        if compiled:
            model.compile_networks(backend=backend, fullgraph=True, dynamic=False)
        for number in range(2):
            model.training_step(batches[number], number)
        results.append(weights(model))
    assert graphs
    assert results[0].keys() == results[1].keys()
    for name, value in results[0].items():
        torch.testing.assert_close(
            results[1][name], value, rtol=1e-7, atol=1e-9, msg=lambda text, name=name: f"{name}: {text}"
        )


def test_which_trainings_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    model, _ = alone("model=classifier", "data=digits", "data.image_size=8")
    monkeypatch.setattr(model, "compile_networks", lambda **options: asked.append(True))
    for given, device in [("reproducible", CUDA), ("reproducible", CPU), ("fast", CPU)]:
        settings(f"speed={given}").apply(model, device, image=(1, 8, 8), rows=8)
    assert not asked
    monkeypatch.setattr(speed_module, "has_compiler", lambda device: True)
    assert settings("speed=fast")._compiles(CUDA)
    settings("speed.compile=true").apply(model, CPU, image=(1, 8, 8), rows=8)
    assert asked
    monkeypatch.setattr(speed_module, "has_compiler", lambda device: False)
    assert not settings("speed=fast")._compiles(CUDA)
    with pytest.raises(ConfigError, match=r"speed.compile=true needs a C\+\+ compiler"):
        settings("speed.compile=true").apply(model, CPU, image=(1, 8, 8), rows=8)
    with pytest.raises(ConfigError, match=r"speed.compile=maybe must be auto"):
        settings("speed.compile=maybe")


@pytest.mark.slow
@pytest.mark.skipif(not speed_module.has_compiler(CPU), reason="no C++ compiler")
def test_the_compiler_that_users_have() -> None:
    results = []
    for given in ("false", "true"):
        keys = [
            "model=classifier",
            "model/backbone=mlp",
            "model.backbone.widths=[8]",
            "data=digits",
            "data.image_size=8",
        ]
        model, batches = alone(*keys, dtype=torch.float64)
        settings(f"speed.compile={given}").apply(model, CPU, image=(1, 8, 8), rows=8)
        for number in range(2):
            model.training_step(batches[number], number)
        results.append(weights(model))
    for name, value in results[0].items():
        torch.testing.assert_close(results[1][name], value, rtol=1e-6, atol=1e-9)
