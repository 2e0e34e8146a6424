"""Attacks on any module: the closed form of a linear classifier, the package's own evaluation, and refusals."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import sparring
from sparring.attack.evaluation.evaluate import evaluate
from sparring.attack.evaluation.target import Target
from sparring.attack.pgd import PGD

EPSILON = 0.1


def linear(seed: int = 0) -> nn.Module:
    """Two classes of 1 x 4 x 4 images in [0, 1]."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    draws = torch.Generator().manual_seed(seed)
    for weight in net.parameters():
        weight.data.copy_(torch.randn(weight.shape, generator=draws))
    return net


def closed_form(net: Any, image: Tensor, label: Tensor) -> Tensor:
    """The worst images of a linear classifier of two classes: every pixel by epsilon against the margin's sign."""
    weight = net[1].weight
    margin = torch.where((label == 0)[:, None], weight[0] - weight[1], weight[1] - weight[0]).view(-1, 1, 4, 4)
    return (image - EPSILON * margin.sign()).clamp(0, 1)


@pytest.mark.parametrize("attack", ["fgsm", "pgd", "apgd"])
@pytest.mark.parametrize("training", [True, False])
def test_a_linear_classifier_is_attacked_as_its_closed_form_says(attack: str, training: bool) -> None:
    net, draws = linear().train(training), torch.Generator().manual_seed(1)
    image = torch.rand(200, 1, 4, 4, generator=draws)
    with torch.no_grad():
        label = net(image).argmax(1)
        label[:20] = 1 - label[:20]  # wrong from the start
        worst = closed_form(net, image, label).detach()
        fooled = net(worst).argmax(1) != label
    result = sparring.attack(net, image, label, attack, EPSILON)
    clean = torch.arange(200) >= 20
    assert torch.equal(result.clean, clean)
    assert torch.equal(result.success, fooled & clean)
    assert 0.1 < result.success_rate < 0.9  # else the test would say nothing
    assert result.clean_accuracy == pytest.approx(0.9)
    assert result.robust_accuracy == pytest.approx(float((~fooled & clean).float().mean()))
    if attack != "apgd":  # which keeps the best image that it saw
        torch.testing.assert_close(result.images[clean], worst[clean], rtol=0, atol=1e-6)
    torch.testing.assert_close(result.images[~clean], image[~clean], rtol=0, atol=1e-6)
    assert net.training is training


def test_a_run_s_classifier_is_attacked_exactly_as_the_package_does(victim_run: Path) -> None:
    draws = torch.Generator().manual_seed(2)
    image, run = torch.randint(0, 256, (70, 1, 8, 8), generator=draws, dtype=torch.uint8), sparring.open(victim_run)
    network = run.classifier(unit_range=False)
    in_flight = image.float().mul(2 / 255).sub(1)
    with torch.no_grad():
        label = network(in_flight).argmax(1)
    internal = PGD(
        norm="l2", epsilon=0.5, steps=7, step_size=None, start="uniform", restarts=2, loss="cross_entropy", momentum=0.0
    )
    outcome = evaluate(
        internal, Target(network, rows=64), in_flight, label, index=torch.arange(70), seed=3, batch_size=256
    )
    result = sparring.attack(run.classifier(), image, label, "pgd", 0.5, steps=7, norm="l2", restarts=2, seed=3)
    assert torch.equal(result.images, (outcome.adversarial + 1) / 2)
    assert torch.equal(result.success, outcome.clean & ~outcome.correct)
    assert torch.equal(result.predicted, outcome.predicted)
    assert result.robust_accuracy == outcome.accuracy
    assert "accuracy 100.0% -> " in repr(result)


def test_an_image_s_outcome_does_not_depend_on_the_others() -> None:
    net, draws = linear(), torch.Generator().manual_seed(1)
    image, label = torch.rand(40, 1, 4, 4, generator=draws), torch.zeros(40, dtype=torch.int64)
    whole = sparring.attack(net, image, label, "square", EPSILON, queries=20)
    part = sparring.attack(net, image[:5], label[:5], "square", EPSILON, queries=20, batch_size=2)
    assert torch.equal(whole.images[:5], part.images)
    assert float((whole.images - image).abs().max()) <= EPSILON + 1e-6
    assert float(whole.images.min()) >= 0
    assert float(whole.images.max()) <= 1


IMAGE, LABEL = torch.rand(3, 1, 4, 4), torch.tensor([0, 1, 1])


class Broken(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        raise KeyError("weights")


@pytest.mark.parametrize(
    ("arguments", "settings", "error", "sentence"),
    [
        ((linear(), IMAGE, LABEL, "pdg"), {}, sparring.ConfigError, r"attack has no choice 'pdg' \(it has advgan, apgd,"),
        ((linear(), IMAGE, LABEL, "pgd"), {"stepz": 3}, sparring.ConfigError, r"'attack.stepz', did you mean attack.steps"),
        ((linear(), IMAGE, LABEL, "pgd"), {"steps": "many"}, sparring.ConfigError, "attack.steps takes a whole number"),
        ((linear(), IMAGE, LABEL, "pgd", 8), {}, sparring.ConfigError, "epsilon=8 is no fraction of the pixel range"),
        ((linear(), IMAGE, LABEL, "default"), {}, sparring.ConfigError, "attack=default is a table of several attacks"),
        ((linear(), IMAGE, LABEL, "transfer"), {}, sparring.ConfigError, "attack=transfer is made with another run"),
        ((linear(), IMAGE, LABEL, "advgan"), {}, sparring.ConfigError, "attack=advgan is made with another run"),
        ((linear(), IMAGE, LABEL), {"rows": 0}, sparring.ConfigError, "rows=0 is no whole number"),
        ((linear().forward, IMAGE, LABEL), {}, sparring.ConfigError, "of the type method: give a torch.nn.Module"),
        ((Broken(), IMAGE, LABEL), {}, sparring.ConfigError, r"Broken cannot take images of shape \(1, 4, 4\): 'weights'"),
        ((nn.Linear(3, 2), IMAGE, LABEL), {}, sparring.ConfigError, "Linear cannot take images of shape"),
        ((nn.Flatten(0), IMAGE, LABEL), {}, sparring.ConfigError, r"returns torch.float32 of shape \(32,\) for 2 images"),
        ((nn.Identity(), IMAGE, LABEL), {}, sparring.ConfigError, r"returns torch.float32 of shape \(2, 1, 4, 4\)"),
        ((linear(), IMAGE * 2 - 1, LABEL), {}, sparring.DataError, "give uint8, or floats from 0 to 1"),
        ((linear(), IMAGE[0], LABEL), {}, sparring.DataError, r"have the shape \(1, 4, 4\): give \(N, C, H, W\)"),
        ((linear(), IMAGE, LABEL + 1), {}, sparring.DataError, "labels reach 2 and Sequential tells 2 classes"),
        ((linear(), IMAGE, LABEL - 1), {}, sparring.DataError, "labels hold -1"),
        ((linear(), IMAGE, LABEL[:2]), {}, sparring.DataError, r"labels have the shape \(2,\) for 3 images"),
        ((linear(), IMAGE, LABEL.float()), {}, sparring.DataError, "labels are torch.float32"),
    ],
)  # fmt: skip
def test_what_cannot_be_attacked_is_refused_in_one_sentence(
    arguments: tuple[Any, ...], settings: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence) as caught:
        sparring.attack(*arguments, **settings)
    assert "\n" not in str(caught.value)


def test_logits_that_are_not_finite_are_refused() -> None:
    net: Any = linear()
    net[1].weight.data.fill_(float("nan"))
    with pytest.raises(sparring.DivergedError, match="returns NaN or infinity"):
        sparring.attack(net, IMAGE, LABEL)
