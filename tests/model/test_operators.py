"""Operators of an ordinary iteration: on a GPU each costs its launch, however small the network; and the framework's share."""

import pytest
from benchmarks.bare import Bare

from sparring.model.gan import GAN
from tests.model.alone import Counted, alone

# Before steps saw real and generated images in one pass (936f40c): rpgan 336, sngan 1026, biggan 2209, stylegan2 1443.
GOALS = {"sngan": 800, "biggan": 1700, "stylegan2": 900, "rpgan": 250}


@pytest.mark.parametrize(("preset", "most"), GOALS.items())
def test_an_iteration_keeps_to_its_number_of_operators(preset: str, most: int) -> None:
    model, batches = alone(f"model={preset}", "data=digits", "data.image_size=8")
    model.training_step(batches[0], 0)
    ordinary = batches[1]
    with Counted() as counted:
        model.training_step(ordinary, 1)  # no lazy penalty is due
    assert 100 < counted.operators.total() <= most, counted.operators.most_common(12)


@pytest.mark.parametrize("preset", ["rpgan", "sngan", "dcgan"])
def test_the_framework_adds_at_most_a_tenth_to_a_bare_loop(preset: str) -> None:
    """Against a loop over the same networks with every trick, on the same batches; in operators and floating-point operations."""
    counts = []
    for framework in (True, False):
        model, batches = alone(f"model={preset}", "data=digits", "data.image_size=8", "model.generator.width=32")
        assert isinstance(model, GAN)
        bare = Bare(model, *batches[0]["discriminator"][0], batch_size=8, flip=False)
        for number in range(2):
            batch = batches[number]
            bare.real = lambda batch=batch: batch["discriminator"][0]  # type: ignore[method-assign]
            with Counted() as counted:
                if framework:
                    model.training_step(batch, number)
                else:
                    bare.iteration()
        counts.append((counted.operators.total(), counted.flops))
    (operators, flops), (least_operators, least_flops) = counts
    assert least_flops > 1e6
    assert flops == least_flops
    assert operators <= 1.10 * least_operators, (operators, least_operators)
