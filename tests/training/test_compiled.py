"""Compiled networks: the values of eager ones, no graph break, when they are made, and the real compiler, once."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from sparring.core.errors import ConfigError
from sparring.model.game import Game
from sparring.training import speed as speed_module
from sparring.training.speed import SpeedSettings
from tests.conftest import compose
from tests.leaves import slow_but
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
SLOW = ["rpgan", "sngan", "stylegan2", "biggan", "wgan_gp", "flow", "srgan", "gan_classifier", "robgan"]


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


@pytest.mark.parametrize(
    "preset", slow_but(("rpgan", "sngan", "classifier", "flow", "stylegan2", "gan_classifier", "srgan"), "rpgan")
)
def test_nothing_of_an_iterations_graphs_is_used_after_it(preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As CUDA graphs demand, whose memory is written again: results and gradients of one iteration are spoilt before the next."""
    kept: list[torch.Tensor] = []

    def backend(graph: torch.fx.GraphModule, example: list[torch.Tensor]) -> Callable[..., Any]:
        inner = torch._dynamo.backends.debugging.aot_eager(graph, example)

        def run(*given: Any) -> Any:
            tensors = [each for each in given if isinstance(each, torch.Tensor)]
            own = {each.untyped_storage().data_ptr() for each in tensors}
            out = inner(*given)
            kept.extend(each for each in out if each is not None and each.untyped_storage().data_ptr() not in own)
            return out

        return run

    results = []
    for replayed in (False, True):
        model, batches = alone(f"model={preset}", "data=digits", "data.image_size=8", dtype=torch.float64)

        def spoil(model: Game = model) -> None:
            for each in (*kept, *(weight.grad for weight in model.parameters() if weight.grad is not None)):
                each.data.fill_(math.nan)
            kept.clear()

        monkeypatch.setattr(torch.compiler, "cudagraph_mark_step_begin", spoil)
        if replayed:
            model.compile_networks(replayed=True, backend=backend, dynamic=False)
        for number in range(3):
            model.training_step(batches[number], number)
            assert bool(kept) == replayed
        results.append(weights(model))
    for name, value in results[0].items():
        torch.testing.assert_close(results[1][name], value, rtol=1e-7, atol=1e-9, msg=name)


def test_where_graphs_are_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, Any]] = []
    model, _ = alone("model=classifier", "data=digits", "data.image_size=8")
    monkeypatch.setattr(model, "compile_networks", lambda **options: given.append(options))
    monkeypatch.setattr(speed_module, "has_compiler", lambda device: True)
    for keys in (["speed=fast"], ["speed=fast", "speed.cuda_graphs=true"]):
        settings(*keys).apply(model, CUDA, image=(1, 8, 8), rows=8)
    assert given == [
        {"replayed": False, "dynamic": False},
        {"replayed": True, "dynamic": False, "mode": "reduce-overhead"},
    ]
    with pytest.raises(ConfigError, match=r"needs an NVIDIA GPU, and this is cpu; leave it out"):
        settings("speed=fast", "speed.cuda_graphs=true").apply(model, CPU, image=(1, 8, 8), rows=8)
    monkeypatch.setattr(speed_module, "has_compiler", lambda device: False)
    with pytest.raises(ConfigError, match=r"speed.cuda_graphs=true needs Triton"):
        settings("speed=fast", "speed.cuda_graphs=true").apply(model, CUDA, image=(1, 8, 8), rows=8)
    with pytest.raises(ConfigError, match=r"add speed.compile=true, or take speed=fast"):
        settings("speed.cuda_graphs=true")


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
