"""Trainings that go wrong are caught within a stated number of iterations, and healthy ones are left alone."""

import copy
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from sparring.callback.guard import Guard
from sparring.callback.scalars import Scalars
from sparring.callback.support.growth import Growth
from sparring.callback.support.spectrum import first_weight, largest_singular_value
from sparring.callback.support.trouble import Decision
from sparring.core.errors import ConfigError, DivergedError
from sparring.evaluation.glance import GlanceValues
from sparring.model.layer.spectral import spectrally_normalise
from sparring.model.meter import Meter
from sparring.run.directory import RunDir
from sparring.stage.train import train
from sparring.trained.runs import build_model
from tests.callback.test_collapse import Logger
from tests.conftest import TINY, compose

DEFAULTS: dict[str, Any] = {
    "on_trouble": "stop", "every": 25, "max_growth": 15.0, "lost_checks": 4, "saturated_checks": 4, "look_every": 250,
    "count": 200, "max_rollbacks": 3, "rate_factor": 0.5,
}  # fmt: skip
RATES = ("model.generator_optimizer.lr", "model.discriminator_optimizer.lr")


@pytest.mark.parametrize("shape", [(6, 4), (4, 30), (8, 3, 3, 3)])
def test_power_iteration_finds_the_largest_singular_value(shape: tuple[int, ...]) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    exact = float(torch.linalg.matrix_norm(weight.flatten(1), 2))
    found = float(largest_singular_value(weight))
    assert 0.93 * exact < found <= 1.0001 * exact
    assert largest_singular_value(torch.full((2, 2), torch.inf)).isnan()


def test_looking_at_a_layer_does_not_move_the_estimates_of_spectral_normalisation() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    spectrally_normalise(network, embeddings=False)
    before = copy.deepcopy(network.state_dict())
    weight = first_weight(network)
    assert weight is not None
    assert weight.shape == (3, 4)
    largest_singular_value(weight)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert first_weight(nn.ReLU()) is None
    normalised = weight_norm(nn.Linear(4, 3))
    assert torch.equal(first_weight(normalised), normalised.weight)  # type: ignore[arg-type]


def test_weights_explode_within_half_of_a_runs_age_and_may_grow_slowly_for_ever() -> None:
    growth = Growth(15.0)
    growth.restart(0, {"generator": 1.0})
    for iteration in range(25, 10_000, 25):  # three times as large whenever the run is twice as old
        assert growth.trouble(iteration, {"generator": 1.0 + (iteration / 25) ** 1.58}) == ""
    assert "at iteration 3200 it was" in growth.trouble(10_000, {"generator": 16 * (1.0 + 200**1.58)})


def glance(agreement: float | None) -> GlanceValues:
    return GlanceValues(0.9, agreement, None if agreement is None else 0.95, 10)


@pytest.mark.parametrize(
    ("looks", "trouble"),
    [
        ([glance(0.1)] * 5, [False, False, False, False, True]),
        ([glance(0.1), glance(0.2), glance(0.6)], [False, False, False]),  # dcgan at a hundred times its rates
        ([glance(None)], [True]),  # without labels pixels cannot tell
        ([None], [True]),
    ],
)
def test_samples_decide_whether_weights_that_grow_are_trouble(looks: list[Any], trouble: list[bool]) -> None:
    guard, coming = Guard(**DEFAULTS), iter(looks)
    guard._growth.restart(0, {"generator": 1.0})
    guard._look.shared = lambda *_: next(coming)  # type: ignore[method-assign]
    game: Any = SimpleNamespace(draws_images=True, clock=SimpleNamespace(iteration=25))
    trainer: Any = None
    found = [bool(guard._explosion(trainer, game, {"generator": 20.0})) for _ in looks]
    assert found == trouble
    assert guard._explosion(trainer, game, {"generator": 20.0}) == ""  # growth counts from now on


@pytest.mark.parametrize(
    ("look", "lost"), [(glance(0.1), True), (glance(0.9), False), (glance(None), True), (None, True)]
)
def test_samples_decide_whether_a_discriminator_that_finds_generated_images_more_real_has_lost(
    look: Any, lost: bool
) -> None:
    guard, meter, looks = Guard(**DEFAULTS), Meter(), []
    guard._look.shared = lambda *_: looks.append(look) or look  # type: ignore[method-assign, func-returns-value]
    trainer: Any = SimpleNamespace(loggers=[], is_global_zero=True, should_stop=False)
    game = build_model(compose(*TINY))
    game.players = dict  # type: ignore[method-assign]
    guard._growth.restart(0, guard._spectrum(game))
    for real in (
        0.4,
        0.4,
        0.6,
        0.4,
        0.4,
        0.4,
        0.4,
    ):  # in the first two checks, and from the fourth on, below generated ones
        for name, logit in (("logits/real", real), ("logits/fake", 0.5)):
            meter.add(name, torch.tensor(logit))
        guard._margin.see(meter)
        assert not guard.decisions
        guard._check(trainer, game)
    assert [each.kind for each in guard.decisions] == ["discriminator lost"] * lost
    assert (trainer.should_stop, guard._margin.below, len(looks)) == (lost, 0, 1)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"on_trouble": "pray"}, "give stop, rollback or warn"),
        ({"every": 0}, ">= 1"),
        ({"saturated_checks": 0}, "saturated_checks and look_every >= 1, got 25, 4, 0 and 250"),
        ({"max_growth": 1.0}, "max_growth > 1"),
        ({"rate_factor": 2.0}, "rate_factor in"),
    ],
)
def test_settings_are_checked(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Guard(**DEFAULTS | wrong)


def test_decisions_survive_a_checkpoint() -> None:
    guard, other = Guard(**DEFAULTS), Guard(**DEFAULTS)
    guard.decisions = [Decision("guard", 25, "collapsed", "why", "rollback", 0, {"generator": 0.1})]
    guard._growth.restart(0, {"generator": 1.5})
    guard._margin.load([0.5, -0.25])
    guard._margin.below, guard._good, guard._suspect, guard._saturation.at_limit = 2, 250, "it grew", 3
    other.load_state_dict(json.loads(json.dumps(guard.state_dict())))
    assert other.state_dict() == guard.state_dict()
    assert other.rollbacks == 1


@pytest.mark.parametrize(("unseen", "warned"), [(0.9, False), (0.2, False), (0.1, True)])
def test_a_discriminator_that_remembers_its_images_is_warned_about_once_and_not_stopped(
    unseen: float, warned: bool
) -> None:
    scalars, guard = Scalars(), Guard(**DEFAULTS)
    scalars.latest, scalars.validated = {"logits/real": 1.1, "logits/fake": 0.1}, {"val/logits_real": unseen}
    logger = Logger()
    used: Any = SimpleNamespace(callbacks=[scalars, guard], loggers=[logger], is_global_zero=True, should_stop=False)
    game = build_model(compose(*TINY))
    game.players = dict  # type: ignore[method-assign]
    for _ in range(2):
        guard.on_validation_end(used, game)
    assert logger.alerts == [f"training images remembered (warn): guard {each.sentence}" for each in guard.decisions]
    assert logger.rows[0][1]["guard/remembered"] == pytest.approx(1.1 - unseen)
    assert [each.action for each in guard.decisions] == ["warn"] * warned
    assert not used.should_stop


def guarded(folder: Path, cache_dir: Path, *overrides: str) -> RunDir:
    """A real run of a tiny GAN on digits."""
    fixed = [
        *TINY,
        "callback=[default,guard]",
        "report=false",
        f"paths.cache_dir={cache_dir}",
        "callback.samples.first=10000",
    ]
    train(compose(*fixed, *overrides, run_dir=folder), folder, hints=False)
    return RunDir.open(folder)


def decided(run: RunDir) -> list[tuple[int, str, str]]:
    return [(each["iteration"], each["kind"], each["action"]) for each in run.result()["decisions"]]


@pytest.mark.slow
def test_a_discriminator_that_is_switched_off_is_caught_within_150_iterations_and_its_end_is_not_gone_back_to(
    tmp_path: Path, cache_dir: Path
) -> None:
    off = ["trainer.max_steps=600", f"{RATES[1]}=0"]
    run = guarded(tmp_path, cache_dir, *off, "callback.checkpoint.every=90", "callback.guard.look_every=90")
    ((iteration, *what),) = decided(run)
    assert (iteration <= 150, what) == (True, ["discriminator lost", "stop"])
    assert run.result()["stopped"].startswith(
        "discriminator lost: the discriminator has found generated images more real"
    )
    assert run.result()["clock"]["iteration"] == iteration
    status = run.status()
    assert status is not None
    assert status["state"] == "finished"
    again = guarded(
        tmp_path, cache_dir, *off, f"resume={tmp_path}", "callback.checkpoint.every=10000", "callback.guard.look_every=10000",
        "callback.guard.on_trouble=rollback", "callback.guard.max_rollbacks=1",
    )  # fmt: skip
    _, back, end = again.result()["decisions"]
    assert (back["action"], end["action"]) == ("rollback", "stop")
    assert back["back_to"] == 90  # looked at; the state of the end was not


@pytest.mark.slow
def test_a_hundred_times_the_rates_are_caught_at_the_first_check_and_rolled_back_alike_after_a_resume(
    tmp_path: Path, cache_dir: Path
) -> None:
    wild = [f"{key}=0.2" for key in RATES] + ["callback.guard.on_trouble=rollback", "callback.guard.look_every=null"]
    whole = guarded(tmp_path / "whole", cache_dir, *wild, "trainer.max_steps=45")
    result = whole.result()
    assert decided(whole)[0] == (25, "weights exploded", "rollback")
    first = result["decisions"][0]
    assert (first["back_to"], first["rates"]) == (0, {"generator": 0.1, "discriminator": 0.1})
    assert any(text.startswith("guard rolled back from iteration 25 to 0") for text in result["remarks"])
    guarded(tmp_path / "parts", cache_dir, *wild, "trainer.max_steps=40")
    parts = guarded(tmp_path / "parts", cache_dir, *wild, "trainer.max_steps=45", f"resume={tmp_path / 'parts'}")
    assert decided(parts) == decided(whole)
    weights = whole.load_weights()
    assert all(torch.equal(weights[name], tensor) for name, tensor in parts.load_weights().items())


@pytest.mark.slow
def test_values_that_are_not_finite_are_rolled_back_three_times_and_then_end_the_run(
    tmp_path: Path, cache_dir: Path
) -> None:
    broken = [f"{RATES[0]}=1e38", "callback.guard.on_trouble=rollback", "trainer.max_steps=40"]
    with pytest.raises(DivergedError, match=r"Training diverged: .* after 3 rollbacks after iteration"):
        guarded(tmp_path, cache_dir, *broken)
    status = RunDir.open(tmp_path).status()
    assert status is not None
    assert (status["state"], status["checkpoint"]) == ("diverged", "checkpoints/last.ckpt")


@pytest.mark.slow
def test_a_healthy_run_raises_nothing(tmp_path: Path, cache_dir: Path) -> None:
    run = guarded(tmp_path, cache_dir, "trainer.max_steps=120", "callback.guard.look_every=40", "callback.guard.on_trouble=warn",
                  "model.generator.width=8", "model.discriminator.width=8")  # fmt: skip
    assert decided(run) == []
    assert "guard/singular_value_generator" in run.metrics_csv.read_text().splitlines()[0]
