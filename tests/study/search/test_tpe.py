"""TPE: asked and told, lost seeds never win, and the journal carries the search over a stop."""

import sys
from pathlib import Path

import pytest

from sparring.core.errors import ConfigError
from sparring.study.cells.axis import Axis
from sparring.study.search.tpe import JOURNAL, NAME, Tpe
from sparring.study.stats.rates import Objective, Outcome, Setting

AXES = [Axis("generator_optimizer", (1e-4, 1e-2), 1e-3), Axis("discriminator_optimizer", (1e-4, 1e-2), 1e-3)]
FD = Objective("fd", higher=False, ratios=True)


def test_without_optuna_one_sentence_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match=r"needs Optuna, which is not installed: pip install"):
        Tpe(AXES, trials=4, seed=1, folder=tmp_path)


def ended(point: tuple[float, ...], outcome: Outcome = Outcome.TRAINED, value: float = 2.0) -> Setting:
    return Setting(point, (outcome, outcome), (value, value), (value, value))


def test_trials_end_as_they_should(tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna")
    search = Tpe(AXES, trials=5, seed=1, folder=tmp_path)
    first = search.points
    assert len(first) == 2
    assert all(1e-4 <= value <= 1e-2 for point in first for value in point)
    assert search.tell([ended(first[0], Outcome.COLLAPSED, 0.01), ended(first[1], value=3.0)], FD)
    resumed = Tpe(
        AXES, trials=5, seed=1, folder=tmp_path
    )  # after a kill: the two that were asked for are still to come
    assert resumed.points == search.points
    second = resumed.points[2:]
    assert len(second) == 2
    assert resumed.tell([ended(second[0], Outcome.FAILED), ended(second[1], value=2.5)], FD)
    while resumed.tell([ended(each) for each in resumed.points], FD):
        pass
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(tmp_path / JOURNAL)))
    study = optuna.load_study(study_name=NAME, storage=storage)
    states = [each.state.name for each in study.get_trials()]
    assert states[:4] == ["PRUNED", "COMPLETE", "FAIL", "COMPLETE"]
    assert states.count("FAIL") == 1
    assert len(states) == 6  # five that count
    assert study.best_trial.number != 0  # the collapsed one had the smallest distance


def test_a_trial_without_its_values_is_told_as_failed(tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna")
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(tmp_path / JOURNAL)))
    study = optuna.create_study(study_name=NAME, storage=storage, direction="minimize")
    study.ask()  # the kill came before its values
    assert len(Tpe(AXES, trials=2, seed=1, folder=tmp_path).points) == 2
    assert [each.state.name for each in study.get_trials()] == ["FAIL", "RUNNING", "RUNNING"]


def test_the_draws_depend_on_the_seed_alone(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    one, same, other = (Tpe(AXES, trials=2, seed=seed, folder=tmp_path / name).points for seed, name in
                        ((1, "a"), (1, "b"), (2, "c")))  # fmt: skip
    assert one == same != other


def test_a_search_ends_whose_every_training_fails(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    search = Tpe(AXES, trials=3, seed=1, folder=tmp_path)
    rounds = 1
    while search.tell([ended(each, Outcome.FAILED) for each in search.points], FD):
        rounds += 1
        assert rounds < 10
    assert 3 <= len(search.points) <= 5
