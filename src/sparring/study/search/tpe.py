"""`study.search=tpe`: points are drawn where earlier results promise most, by Optuna.

Tree-structured Parzen estimator: Bergstra et al. 2011; Optuna: Akiba et al. 2019.

Optuna is asked and told; its journal lies in the study's directory, so a study that was stopped goes on with what it knows.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sparring.core.errors import ConfigError
from sparring.core.randomness import seed_of
from sparring.study.cells.axis import Axis
from sparring.study.search.points import Point, rounded
from sparring.study.stats.rates import Objective, Outcome, Setting
from sparring.study.stats.statistics import mean

JOURNAL = "optuna.log"  # in the study's directory
NAME = "learning_rate"
AT_ONCE = 2  # trials that are asked for before the earlier ones have ended
_SEEDS = 2**32


class Tpe:
    """Asks for points and tells how they ended.

    A trial that collapsed, diverged or never learned in any of its seeds is told as pruned: it can never be the best, and TPE
    learns to avoid it. One that failed for another reason is told as failed, and so is one that a kill left without all of its
    values; TPE looks at neither, and another is asked for.

    Args:
        axes: of the search.
        trials: that are wanted, those that failed not counted.
        seed: of the study. folder: its directory.

    Raises:
        ConfigError: Optuna is not installed.
    """

    def __init__(self, axes: Sequence[Axis], *, trials: int, seed: int, folder: Path) -> None:
        self._optuna = _optuna()
        self._axes, self._trials, self._seed = list(axes), trials, seed
        folder.mkdir(parents=True, exist_ok=True)
        backend = self._optuna.storages.journal.JournalFileBackend(str(folder / JOURNAL))
        self._storage = self._optuna.storages.JournalStorage(backend)
        self._study = self._opened(0)
        self._end_zombies()
        self.ask()

    @property
    def points(self) -> list[Point]:
        """Of every trial so far, in order, those that a kill left incomplete and repeated ones left out."""
        complete = [self._point(each) for each in self._study.get_trials(deepcopy=False) if self._is_complete(each)]
        return list(dict.fromkeys(complete))

    def ask(self) -> bool:
        """Ask for as many trials as may run at once; whether there are any that were not told.

        Failed ones are replaced, until as many have failed as were asked for.
        """
        state = self._optuna.trial.TrialState
        while True:
            trials = self._study.get_trials(deepcopy=False)
            running = [each for each in trials if each.state == state.RUNNING]
            failed = sum(each.state == state.FAIL for each in trials)
            if len(running) >= AT_ONCE or max(len(trials) - failed, failed) >= self._trials:
                return bool(running)
            self._study = self._opened(len(trials))
            self._study.ask(fixed_distributions={axis.key: self._distribution(axis) for axis in self._axes})

    def tell(self, settings: Sequence[Setting], objective: Objective) -> bool:
        """How the points ended that were asked for; whether there are further ones now."""
        state = self._optuna.trial.TrialState
        by_point = {each.rates: each for each in settings}
        for frozen in self._study.get_trials(deepcopy=False, states=(state.RUNNING,)):
            setting = by_point[self._point(frozen)]
            value = mean([objective.scale(each) for each in setting.final if math.isfinite(each)])
            if Outcome.FAILED in setting.outcomes:
                self._study.tell(frozen.number, state=state.FAIL)
            elif setting.share(Outcome.TRAINED) == 1:
                self._study.tell(frozen.number, value)
            else:
                if math.isfinite(value):
                    self._optuna.trial.Trial(self._study, frozen._trial_id).report(value, step=0)
                self._study.tell(frozen.number, state=state.PRUNED)
        return self.ask()

    def _opened(self, asked: int) -> Any:
        """The study with a sampler whose draws depend on the seed and the number of trials, not on how often it was resumed."""
        sampler = self._optuna.samplers.TPESampler(seed=seed_of("tpe", self._seed, asked) % _SEEDS)
        return self._optuna.create_study(
            study_name=NAME, storage=self._storage, sampler=sampler, direction="minimize", load_if_exists=True
        )

    def _end_zombies(self) -> None:
        state = self._optuna.trial.TrialState
        for each in self._study.get_trials(deepcopy=False, states=(state.RUNNING,)):
            if not self._is_complete(each):
                self._study.tell(each.number, state=state.FAIL)

    def _distribution(self, axis: Axis) -> Any:
        low, high = axis.rates[0], axis.rates[-1]
        if axis.listed or low == high:
            return self._optuna.distributions.CategoricalDistribution(axis.rates)
        return self._optuna.distributions.FloatDistribution(low, high, log=True)

    def _is_complete(self, trial: Any) -> bool:
        return all(axis.key in trial.params for axis in self._axes)

    def _point(self, trial: Any) -> Point:
        values = [float(trial.params[axis.key]) for axis in self._axes]
        return tuple(v if axis.listed else rounded(v) for axis, v in zip(self._axes, values, strict=True))


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise ConfigError(
            "study.search=tpe needs Optuna, which is not installed: pip install 'optuna>=5' (the extra `optuna`), or give "
            "study.search=random."
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
