"""Every way a run ends on quality, with scripted measurements; and one real run."""

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sparring.callback.quality import Quality
from sparring.callback.quality_stop import QualityStop, chance_level
from sparring.core.errors import ConfigError, DiskError
from sparring.evaluation.curve import CurvePoint
from sparring.metric.features.pixels import PixelFeatures
from sparring.trained.runs import build_model
from tests.conftest import TINY, compose

DEFAULTS: dict[str, Any] = {
    "target": None, "patience": None, "min_improvement": 0.0, "confirm": True, "collapse": None, "lost_balance": None,
    "lost_diversity": None, "class_ignored": None, "on_collapse": "stop", "max_rollbacks": 1, "keep_best": True,
}  # fmt: skip


class Scripted(Quality):
    """Measurements from a list; the confirmation of number i is `second[i]`, or the same value again."""

    def __init__(self, values: list[float], second: dict[int, float] | None = None, metric: str = "fd") -> None:
        super().__init__(
            features=PixelFeatures(batch_size=8), metric=metric, names=[metric, "balance"], k=5, count=10, every=1,
            max_time_share=None, keep_weights=False, cache_dir="", run_dir="", log_dir="",
        )  # fmt: skip
        self.script, self.second = values, second or {}

    def values(self, trainer: Any, module: Any, *, draw: int) -> dict[str, float]:
        last = len(self.history) - 1
        return {self.metric: self.second.get(last, self.script[last]), "balance": 0.0}

    def advance(self) -> None:
        value = self.script[len(self.history)]
        best = self.best is None or self.better(value, self.best.values[self.metric])
        number = len(self.history) + 1
        self.history.append(CurvePoint(number, 64 * number, {self.metric: value, "balance": 0.0}, best))


def play(stop: QualityStop, quality: Scripted, budget: int = 1000) -> int:
    """Measurements taken until it stops; all of them if it does not."""
    trainer: Any = SimpleNamespace(should_stop=False, callbacks=[quality, stop], max_steps=budget)
    for number in range(1, len(quality.script) + 1):
        quality.advance()
        stop.decide(trainer, None, quality, quality.history[-1])  # type: ignore[arg-type]
        if trainer.should_stop:
            return number
    return len(quality.script)


def test_reached_needs_a_second_draw_that_agrees() -> None:
    stop = QualityStop(**DEFAULTS | {"target": 1.0})
    assert play(stop, Scripted([3.0, 0.9, 0.9, 0.9], second={1: 1.2})) == 3
    assert stop.reason == "reached"
    assert stop.sentence == "reached: fd is 0.9, the target is 1"


def test_target_of_a_metric_where_more_is_better() -> None:
    stop = QualityStop(**DEFAULTS | {"target": 0.8})
    assert play(stop, Scripted([0.5, 0.7, 0.85], metric="coverage")) == 3


def test_patience_counts_measurements_without_enough_improvement() -> None:
    stop = QualityStop(**DEFAULTS | {"patience": 2, "min_improvement": 0.1})
    # 4.0 -> 3.9 is no improvement of 10 %, 3.0 is; then 2.9 and 2.8 are none
    assert play(stop, Scripted([4.0, 3.9, 3.0, 2.9, 2.8, 1.0])) == 5
    assert stop.reason == "no longer improving"


def test_a_lucky_confirmation_starts_the_patience_anew() -> None:
    stop = QualityStop(**DEFAULTS | {"patience": 2})
    assert play(stop, Scripted([2.0, 2.1, 2.2, 2.3, 2.4], second={2: 1.5})) == 5


def test_collapse_by_value_and_by_nan() -> None:
    stop = QualityStop(**DEFAULTS | {"collapse": 2.0})
    assert play(stop, Scripted([2.0, 1.0, 1.9, 2.1, 1.0])) == 4
    assert stop.reason == "collapsed"
    stop = QualityStop(**DEFAULTS | {"collapse": 2.0})
    assert play(stop, Scripted([2.0, math.nan])) == 2
    stop = QualityStop(**DEFAULTS | {"collapse": 2.0})
    assert play(stop, Scripted([0.4, 0.8, 0.39], metric="coverage")) == 3


def test_a_first_measurement_without_a_value_is_not_the_best_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    quality, kept = Scripted([math.nan, 3.0, 4.0, math.nan, 2.0]), []
    trainer: Any = SimpleNamespace(is_global_zero=False)
    for iteration, value in enumerate(quality.script):
        module: Any = SimpleNamespace(clock=SimpleNamespace(iteration=iteration, images_seen=iteration))
        monkeypatch.setattr(quality, "values", lambda *_, value=value, draw: {"fd": value, "balance": 0.0})
        monkeypatch.setattr(
            "sparring.callback.quality.save_best", lambda *_, iteration=iteration: kept.append(iteration)
        )
        quality.take(trainer, module)
    assert kept == [1, 4]
    assert quality.best is not None
    assert quality.best.iteration == 4


def test_a_full_disk_costs_the_record_and_not_the_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kept = []

    def full(*_: Any, file: Any = None, **__: Any) -> None:
        kept.append(file)
        raise DiskError("no space left")

    quality = Scripted([3.0])
    quality.keep_weights = True
    monkeypatch.setattr("sparring.callback.quality.write_atomic", full)
    monkeypatch.setattr("sparring.callback.checkpoint.save_weights", full)
    monkeypatch.setattr("sparring.callback.quality.save_best", lambda *_: None)
    trainer: Any = SimpleNamespace(is_global_zero=True, loggers=[], datamodule=None)
    module: Any = SimpleNamespace(clock=SimpleNamespace(iteration=7, images_seen=70))
    assert quality.take(trainer, module).best
    assert "quality of iteration 7 could not be recorded: no space left" in caplog.text
    assert "weights of iteration 7 could not be saved: no space left" in caplog.text
    assert kept == [None, Path("checkpoints/quality_00000007.safetensors")]  # the others wait in save_weights


def test_features_that_predict_no_class_cannot_lose_balance_and_say_so(caplog: pytest.LogCaptureFixture) -> None:
    quality = Scripted([3.0, 2.0])
    stop = QualityStop(**DEFAULTS | {"lost_balance": 0.5})
    for _ in range(2):
        quality.advance()
        quality.history[-1].values["balance"] = math.nan
        stop.decide(SimpleNamespace(max_steps=1000), None, quality, quality.history[-1])  # type: ignore[arg-type]
    assert caplog.text.count("lost_balance has no effect") == 1


class Classes(Scripted):
    """fd improves all the time; diversity and agreement are from lists, the same in a second draw."""

    def __init__(self, diversity: list[float], agreement: list[float]) -> None:
        super().__init__([10.0 - number for number in range(len(diversity))])
        self.classes = [{"diversity": d, "agreement": a} for d, a in zip(diversity, agreement, strict=True)]

    def values(self, trainer: Any, module: Any, *, draw: int) -> dict[str, float]:
        return self.history[-1].values

    def advance(self) -> None:
        super().advance()
        self.history[-1].values.update(self.classes[len(self.history) - 1])


def play_classes(setting: str, **values: list[float]) -> tuple[int, QualityStop]:
    """Measurements of a run of 8 of them, one an iteration, with 10 classes, under one setting."""
    quality, stop = Classes(**values), QualityStop(**DEFAULTS | {setting: 0.1})
    trainer: Any = SimpleNamespace(should_stop=False, callbacks=[quality, stop], max_steps=8)
    module: Any = SimpleNamespace(num_classes=10)
    for number in range(1, 9):
        quality.advance()
        stop.decide(trainer, module, quality, quality.history[-1])
        if trainer.should_stop:
            return number, stop
    return 8, stop


def test_one_image_per_class_is_a_collapse_although_fd_improves_and_classes_are_in_balance() -> None:
    right = [1.0] * 8
    number, stop = play_classes("lost_diversity", diversity=[0.9, 0.5, 0.05, *[0.02] * 5], agreement=right)
    assert number == 3
    assert stop.reason == "collapsed"
    assert stop.sentence == "collapsed: images of one class hardly differ: their diversity is 0.05 of the real images'"
    # an untrained generator draws grey images: only from half of the budget on is it too late to begin
    assert play_classes("lost_diversity", diversity=[0.02] * 8, agreement=right)[0] == 4
    assert play_classes("lost_diversity", diversity=[0.02, 0.05, *[0.4] * 6], agreement=right)[1].reason == ""


def test_labels_without_effect_at_half_of_the_budget_stop_it() -> None:
    various = [1.5] * 8
    number, stop = play_classes("class_ignored", diversity=various, agreement=[0.11, 0.08, 0.12, 0.15, *[0.9] * 4])
    assert number == 4
    assert stop.sentence == "class ignored: samples are predicted as the class asked for in 15.0%, by chance in 10.0%"
    late = [0.1, 0.1, 0.1, 0.25, 0.3, 0.1, 0.9, 0.9]
    assert play_classes("class_ignored", diversity=various, agreement=late)[0] == 6
    assert play_classes("class_ignored", diversity=various, agreement=[0.1, 0.1, 0.1, *[0.3] * 5])[1].reason == ""
    assert chance_level(10, 0.1) == pytest.approx(0.19)


def test_nothing_to_stop_for_goes_on() -> None:
    stop = QualityStop(**DEFAULTS | {"target": 0.1, "collapse": 50.0})
    assert play(stop, Scripted([3.0, 2.0, 1.0])) == 3
    assert stop.reason == ""


def test_state_survives_a_checkpoint() -> None:
    stop = QualityStop(**DEFAULTS | {"patience": 3})
    play(stop, Scripted([1.0, 1.1, 1.2]))
    other = QualityStop(**DEFAULTS | {"patience": 3})
    other.load_state_dict(json.loads(json.dumps(stop.state_dict())))
    assert other.state_dict() == stop.state_dict()
    assert other.waited == 2


def test_settings_are_checked() -> None:
    for wrong in ({}, {"patience": 0}, {"collapse": 1.0}, {"target": 1.0, "on_collapse": "pray"}):
        with pytest.raises(ConfigError):
            QualityStop(**DEFAULTS | wrong)
    with pytest.raises(ConfigError, match="names"):
        Quality(
            features=PixelFeatures(batch_size=8), metric="authentic", names=["authentic"], k=5, count=10, every=1,
            max_time_share=None, keep_weights=False, cache_dir="", run_dir="", log_dir="",
        )  # fmt: skip


def test_every_device_needs_a_share_of_the_samples() -> None:
    module, trainer = build_model(compose(*TINY)), SimpleNamespace(world_size=11, is_global_zero=True)
    with pytest.raises(ConfigError, match="count=10 is below the 11 devices"):
        Scripted([1.0]).on_fit_start(trainer, module)  # type: ignore[arg-type]


def test_feature_networks_that_differ_between_the_devices_are_refused() -> None:
    class Device:
        """The second of two devices, whose network is not the one of the first."""

        world_size, is_global_zero, datamodule = 2, False, None

        @property
        def strategy(self) -> "Device":
            return self

        def broadcast(self, value: Any) -> Any:
            return {"channels": 1, "image_size": 8} if value is None else {"features": "pixels", "weights": "another"}

    with pytest.raises(ConfigError, match="feature network differs between the devices"):
        Scripted([1.0]).on_fit_start(Device(), build_model(compose(*TINY)))  # type: ignore[arg-type]
