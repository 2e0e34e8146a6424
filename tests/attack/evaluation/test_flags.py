"""Flags: silent on honest classifiers, loud on masked ones."""

import pytest
import torch
from torch import Tensor, nn

from sparring.attack.evaluation import flags
from sparring.attack.evaluation.probe import probe
from sparring.attack.evaluation.target import Target
from tests.attack.conftest import Victim


def test_sentences_appear_just_where_they_should() -> None:
    logits = torch.zeros(4, 3)
    assert flags.randomised(logits, logits.clone()) is None
    assert "differ by up to 0.5" in (flags.randomised(logits, logits + 0.5) or "")
    gradient = torch.ones(20, 1, 2, 2)
    assert flags.zero_gradients(gradient) is None
    gradient[:3] = 0
    assert "zero at 15%" in (flags.zero_gradients(gradient) or "")
    assert flags.black_box_wins({"pgd": 0.5}, {}) is None
    assert flags.black_box_wins({"pgd": 0.5, "fgsm": 0.7}, {"square": 0.495}) is None
    assert "Accuracy is 40.0% under square, which uses no gradient, and 50.0% under pgd, which does" in (
        flags.black_box_wins({"pgd": 0.5, "fgsm": 0.7}, {"square": 0.4}) or ""
    )
    assert flags.more_steps_do_not_help(10, 0.5, 100, 0.505) is None
    assert "Accuracy is 60.0% under 100 steps and 50.0% under 10" in (
        flags.more_steps_do_not_help(10, 0.5, 100, 0.6) or ""
    )
    assert flags.single_step_wins(0.5, 0.4) is None
    assert "30.0% under one step and 40.0% under many" in (flags.single_step_wins(0.3, 0.4) or "")
    assert flags.everything_allowed(0.0) is None
    assert "30.0% are still classified correctly" in (flags.everything_allowed(0.3) or "")
    assert flags.not_falling([(0.2, 0.1), (0.1, 0.5)], "pgd") is None
    assert "Accuracy under pgd rises from 50.0% at epsilon 25.5/255 (0.1) to 60.0% at 51/255 (0.2)" in (
        flags.not_falling([(0.2, 0.6), (0.1, 0.5)], "pgd") or ""
    )


class Rounded(nn.Module):
    """A masked gradient: the input is rounded to `levels` grey levels, which has slope zero everywhere."""

    def __init__(self, inner: nn.Module, levels: int) -> None:
        super().__init__()
        self.inner, self.levels = inner, levels

    def forward(self, image: Tensor) -> Tensor:
        return self.inner((image * self.levels).round() / self.levels + 0 * image)


class Noisy(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.draw = inner, torch.Generator().manual_seed(0)

    def forward(self, image: Tensor) -> Tensor:
        return self.inner(image + 0.2 * torch.randn(image.shape, generator=self.draw))


def flags_of(model: nn.Module, victim: Victim) -> str:
    image, label = victim.test.image[:48], victim.test.label[:48]
    target = Target(model, rows=48)
    return "\n".join(probe(target, image, label, norm="linf", epsilon=0.2, index=torch.arange(48), seed=0))


def test_honest_classifiers_raise_no_flag(victim: Victim) -> None:
    assert flags_of(victim.robust, victim) == ""


def test_a_masked_gradient_raises_flags(victim: Victim) -> None:
    text = flags_of(Rounded(victim.plain, 4), victim)
    assert "exactly zero at 100%" in text
    assert "At epsilon 1" in text


def test_a_random_classifier_raises_the_flag(victim: Victim) -> None:
    assert "output is random" in flags_of(Noisy(victim.robust), victim)


def test_a_defence_without_gradient_is_only_asked_for_logits(victim: Victim) -> None:
    class Hidden(nn.Module):
        differentiable = False

        def forward(self, image: Tensor) -> Tensor:
            with torch.no_grad():
                return victim.plain(image)

    assert flags_of(Hidden(), victim) == ""


@pytest.mark.parametrize("rows", [None, 5])
def test_a_target_counts_images_and_hands_rows_through(rows: int | None, victim: Victim) -> None:
    target = Target(victim.plain, rows=rows)
    image = victim.test.image[:12]
    with torch.no_grad():
        torch.testing.assert_close(target(image), victim.plain(image))
    through = image.clone().requires_grad_()
    target(through).sum().backward()
    direct = image.clone().requires_grad_()
    victim.plain(direct).sum().backward()
    torch.testing.assert_close(through.grad, direct.grad)
    assert (target.forward_rows, target.gradient_rows, target.queries) == (12, 12, 24)
