"""A generator that draws one image per class, one that ignores its class, and one that learns: what is said, and when."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sparring.callback.collapse import Collapse
from sparring.callback.support.glance import SampleGlance
from sparring.core.errors import ConfigError
from sparring.core.types import Batch
from sparring.training.result import published_share, remarks

SETTINGS: dict[str, Any] = {"count": 200, "first": 50, "growth": 1.5}
SHADES = torch.linspace(-0.8, 0.8, 10)  # of the ten classes


class Data:
    """Classes are shades of grey, images of a class differ by noise."""

    def real_examples(self, per_class: int) -> Batch:
        label = torch.arange(10).repeat_interleave(per_class)
        noise = 20 * torch.randn(len(label), 1, 8, 8, generator=torch.Generator().manual_seed(0))
        image = 127.5 + 127.5 * SHADES[label][:, None, None, None] + noise
        return Batch(image.clamp(0, 255).to(torch.uint8), label)


class Painter(nn.Module):
    """The shade of a class, plus `spread` times the latent; `obeys`: of the class asked for."""

    def __init__(self, *, spread: float, obeys: bool) -> None:
        super().__init__()
        self.spread, self.obeys = spread, obeys

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        shade = SHADES[label] if self.obeys else SHADES[torch.arange(len(label)) // 2 % 10]
        return (shade[:, None] + self.spread * latent).reshape(-1, 1, 8, 8).clamp(-1, 1)


class Logger:
    def __init__(self) -> None:
        self.rows: list[tuple[int, dict[str, float]]] = []
        self.alerts: list[str] = []

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        self.rows.append((step, metrics))

    def log_alert(self, title: str, text: str) -> None:
        self.alerts.append(f"{title}: {text}")


def trainer(callback: Collapse, *, budget: int = 1000, first: bool = True) -> Any:
    return SimpleNamespace(
        max_steps=budget, is_global_zero=first, datamodule=Data(), loggers=[Logger()], callbacks=[callback]
    )


def look(callback: Collapse, used: Any, iteration: int, *, spread: float = 0.15, obeys: bool = True) -> None:
    """One measurement, of a painter at an iteration."""
    callback.take(used, game_of(Painter(spread=spread, obeys=obeys), iteration))


def game_of(painter: nn.Module, iteration: int) -> Any:
    module = torch.nn.Module()
    module.ema, module.seed, module.latent_dim, module.num_classes, module.conditional = painter, 1, 64, 10, True  # type: ignore[assignment]
    module.device, module.clock = torch.device("cpu"), SimpleNamespace(iteration=iteration, images_seen=64 * iteration)  # type: ignore[assignment]
    return module


def test_one_image_per_class_is_said_once_and_stays_in_the_result(caplog: pytest.LogCaptureFixture) -> None:
    callback = Collapse(**SETTINGS)
    used = trainer(callback)
    for iteration in (50, 380, 570, 854, 1000):
        look(callback, used, iteration, spread=0.01)
    (warning,) = [record.getMessage() for record in caplog.records]
    assert warning.startswith("Iteration 570: images of one class hardly differ (diversity 0.00")
    assert warning.endswith("real images 1). Losses do not show this; look at images/.")
    assert callback.sentence.startswith("its samples have collapsed: images of one class hardly differ")
    steps = [step for step, _ in used.loggers[0].rows]
    assert steps == [50, 380, 570, 854, 1000]
    assert used.loggers[0].rows[-1][1]["samples/diversity"] < 0.01
    found = callback.metrics()
    assert found["train/diversity_pixels_200"].value == used.loggers[0].rows[-1][1]["samples/diversity"]
    assert found["train/diversity_pixels_200"].protocol["iteration"] == 1000


def test_samples_that_ignore_their_class_are_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    callback = Collapse(**SETTINGS)
    used = trainer(callback)
    look(callback, used, 400, obeys=False)
    assert not caplog.records  # before half of the budget they may still learn
    look(callback, used, 500, obeys=False)
    assert "samples show the class asked for in 10%, by chance in 10%" in caplog.text
    assert callback.sentence.startswith("its generator has not learned the classes")
    assert callback.metrics()["train/agreement_pixels_200"].value == pytest.approx(0.1, abs=0.03)


def test_a_long_run_is_warned_long_before_its_half_and_again_after_it_recovered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    callback = Collapse(**SETTINGS)
    used = trainer(callback, budget=100_000)
    for iteration, spread in ((854, 0.01), (1281, 0.01), (1922, 0.15), (2883, 0.01), (4324, 0.01)):
        look(callback, used, iteration, spread=spread)
    assert [record.getMessage()[:14] for record in caplog.records] == ["Iteration 1281", "Iteration 4324"]


def test_good_samples_are_nothing_to_speak_of(caplog: pytest.LogCaptureFixture) -> None:
    callback = Collapse(**SETTINGS)
    look(callback, trainer(callback), 1000)
    assert (callback.sentence, caplog.text) == ("", "")
    assert 0.5 < callback.metrics()["train/diversity_pixels_200"].value < 2.0  # type: ignore[operator]


def test_a_second_device_measures_nothing() -> None:
    callback = Collapse(**SETTINGS)
    look(callback, trainer(callback, first=False), 1000)
    assert (callback.latest, callback.metrics()) == (None, {})


def test_state_survives_a_checkpoint(caplog: pytest.LogCaptureFixture) -> None:
    callback, resumed = Collapse(**SETTINGS), Collapse(**SETTINGS)
    look(callback, trainer(callback), 570, spread=0.01)
    resumed.load_state_dict(json.loads(json.dumps(callback.state_dict())))
    assert (resumed.latest, resumed.sentence) == (callback.latest, callback.sentence)
    caplog.clear()
    look(resumed, trainer(resumed), 854, spread=0.01)
    assert not caplog.records  # it was said before


def test_settings_are_checked() -> None:
    for wrong, match in (({"count": 1}, "count=1"), ({"growth": 1.0}, "growth > 1"), ({"first": 0}, "first >= 1")):
        with pytest.raises(ConfigError, match=match):
            Collapse(**SETTINGS | wrong)


def test_a_run_is_told_what_losses_do_not_show() -> None:
    callback = Collapse(**SETTINGS)
    used = trainer(callback)
    look(callback, used, 1000, spread=0.01)
    module: Any = SimpleNamespace(
        clock=SimpleNamespace(iteration=1000), batch_size=64, published_images=12.8e6, draws_images=True, latent_dim=8
    )
    collapsed, budget = remarks(used, module)
    assert collapsed == callback.sentence
    assert budget == "1,000 iterations of 64 images are 0.5 % of this recipe's published budget"
    module.clock.iteration = 20_000
    assert remarks(used, module) == [collapsed]
    module.latent_dim = 0
    assert "model.latent_dim=0" in remarks(used, module)[1]
    module.published_images = None
    assert published_share(module) == 1.0


def test_callbacks_that_share_a_look_draw_the_samples_of_unchanged_weights_once() -> None:
    drawn: list[int] = []

    class Counted(Painter):
        def __init__(self) -> None:
            super().__init__(spread=0.15, obeys=True)
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, latent: Tensor, label: Tensor) -> Tensor:
            drawn.append(len(latent))
            return super().forward(latent, label)

    shared, game = SampleGlance(20), game_of(Counted(), 50)
    first = shared(Data(), game)
    once = len(drawn)
    assert shared(Data(), game) == first
    assert len(drawn) == once
    with torch.no_grad():
        torch._foreach_lerp_(list(game.ema.parameters()), [torch.ones(1)], 0.5)  # as the average does
    shared(Data(), game)
    assert len(drawn) == 2 * once
