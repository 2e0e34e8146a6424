"""`import sparring` costs nothing until something is used, and offers the same whatever was imported before."""

import inspect
import subprocess
import sys

import pytest

import sparring
from sparring.api.attack import attack

CPU_SECONDS = 0.1  # of the import alone, where torch takes seconds


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_importing_is_cheap_and_loads_nothing_heavy() -> None:
    heavy = "torch numpy hydra omegaconf lightning matplotlib"
    code = (
        "import sys, time; before = time.process_time(); import sparring; dir(sparring); spent = time.process_time() - before; "
        f"print(spent, [name for name in '{heavy}'.split() if name in sys.modules])"
    )
    spent, loaded = python(code).split(" ", 1)
    assert loaded == "[]"
    assert float(spent) < CPU_SECONDS


def test_composing_does_not_load_torch() -> None:
    code = "import sys, sparring; sparring.compose('train', 'model=dcgan'); print('torch' in sys.modules)"
    assert python(code) == "False"


def test_reading_a_run_does_not_load_torch(gan: sparring.Run) -> None:
    code = (
        f"import sys, sparring; run = sparring.open({str(gan.path)!r}); run._repr_html_(); "
        "print(run.status, run.config.model.latent_dim, list(run.metrics), len(run.history['iteration']), 'torch' in sys.modules)"
    )
    assert (
        python(code)
        == "finished 8 ['train/diversity_pixels_200', 'train/agreement_pixels_200', 'test/fd_pixels_8x8_500'] 2 False"
    )


@pytest.mark.slow
def test_attack_is_a_function_and_the_package_of_the_attacks() -> None:
    """Also where a leaf was imported before the function was used."""
    leaf = "import sparring.attack.pgd; print(sparring.attack.pgd.PGD.__name__, callable(sparring.attack))"
    assert python(leaf) == "PGD True"
    assert callable(sparring.attack)
    assert sparring.attack.__name__ == "sparring.attack"


def test_the_function_of_the_package_has_the_signature_of_the_function() -> None:
    """Types aside, which would need torch."""
    own, whole = (inspect.signature(each).parameters.values() for each in (sparring.attack, attack))
    assert [(each.name, each.kind, each.default) for each in own] == [
        (each.name, each.kind, each.default) for each in whole
    ]


def test_everything_that_is_listed_is_there_and_a_typo_is_not() -> None:
    assert set(sparring.__all__) <= set(dir(sparring))
    assert all(getattr(sparring, name) is not None for name in sparring.__all__)
    assert not hasattr(sparring, "trian")
