"""Every example in the notebook interface's docstrings does what it says."""

import doctest
import pkgutil
from importlib import import_module

import pytest

import sparring.api

MODULES = [import_module(f"sparring.api.{each.name}") for each in pkgutil.iter_modules(sparring.api.__path__)]
EXAMPLES = [test for module in MODULES for test in doctest.DocTestFinder().find(module) if test.examples]
QUICK = {"sparring.api.attack.attack", "sparring.api.compose.compose"}  # train nothing


def test_every_function_that_is_offered_has_an_example() -> None:
    offered = [getattr(sparring, name) for name in ("Run", "compose", "evaluate", "open", "train")]
    named = {f"{each.__module__}.{each.__qualname__}" for each in offered} | {"sparring.api.attack.attack"}
    assert named <= {test.name for test in EXAMPLES}


@pytest.mark.parametrize(
    "test",
    [pytest.param(test, id=test.name, marks=() if test.name in QUICK else pytest.mark.slow) for test in EXAMPLES],
)
def test_an_example_does_what_it_says(test: doctest.DocTest) -> None:
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.FAIL_FAST).run(test, out=said.append, clear_globs=False)
    assert not said, "".join(said)
