"""Class losses of the heads against independent computations in float64."""

import math

import pytest
import torch
from torch import Tensor

from sparring.config.build import build
from sparring.core.errors import ConfigError
from sparring.model.head.auxiliary import Auxiliary
from sparring.model.head.contragan import Contrastive
from sparring.model.head.d2d_ce import DataToData
from sparring.model.head.multi_hinge import MultiHinge, margin
from sparring.model.head.none import UnconditionalHeadMaker
from sparring.model.head.projection import Projection
from sparring.model.head.tac import TwinAuxiliary
from sparring.model.step.views import DiscriminatorOutput
from sparring.trained.runs import build_model
from tests.conftest import compose

CLASSES, FEATURES = 3, 5
LABEL = torch.tensor([0, 2, 1, 1, 0, 2])
CONTRAST = {"num_classes": CLASSES, "embedding_dim": 4, "temperature": 0.5, "d_weight": 0.7, "g_weight": 0.3}


def output_of(seed: int) -> DiscriminatorOutput:
    draws = torch.Generator().manual_seed(seed)
    features = torch.randn(6, FEATURES, dtype=torch.float64, generator=draws, requires_grad=True)
    return DiscriminatorOutput(torch.zeros(6, 1, 2, 2), LABEL, features, torch.zeros(6, dtype=torch.float64))


def head_of(leaf):
    torch.manual_seed(0)
    return leaf.make(FEATURES).double()


def entropies(classifier, view: DiscriminatorOutput) -> list[float]:
    scores = (view.features @ classifier.weight.T + classifier.bias).tolist()
    return [
        -math.log(math.exp(row[y]) / sum(map(math.exp, row))) for row, y in zip(scores, LABEL.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    "leaf", [UnconditionalHeadMaker(), Projection(num_classes=CLASSES)], ids=lambda leaf: type(leaf).__name__
)
def test_plain_heads_add_nothing(leaf) -> None:
    head = head_of(leaf)
    assert head.discriminator_terms(output_of(1), output_of(2)) == {}
    assert head.generator_terms(output_of(2)) == {}


@pytest.mark.parametrize("fake_weight", [0.0, 0.4])
def test_auxiliary_classifier(fake_weight: float) -> None:
    head = head_of(Auxiliary(num_classes=CLASSES, d_weight=0.7, fake_weight=fake_weight, g_weight=0.2))
    real, fake = output_of(1), output_of(2)
    terms = head.discriminator_terms(real, fake)
    assert terms["loss/class_real"].tolist() == pytest.approx([0.7 * e for e in entropies(head.classifier, real)])
    assert ("loss/class_fake" in terms) == bool(fake_weight)
    if fake_weight:
        assert terms["loss/class_fake"].tolist() == pytest.approx([0.4 * e for e in entropies(head.classifier, fake)])
    (term,) = head.generator_terms(fake).values()
    assert term.tolist() == pytest.approx([0.2 * e for e in entropies(head.classifier, fake)])
    # The logit is linear and ignores the label.
    logits = head(real.features, LABEL)
    torch.testing.assert_close(logits, real.features @ head.linear.weight[0] + head.linear.bias)


def test_twin_auxiliary_classifiers() -> None:
    head = head_of(TwinAuxiliary(num_classes=CLASSES, d_weight=0.7, g_weight=0.2))
    real, fake = output_of(1), output_of(2)
    terms = head.discriminator_terms(real, fake)
    assert terms["loss/class_real"].tolist() == pytest.approx([0.7 * e for e in entropies(head.classifier, real)])
    assert terms["loss/class_twin"].tolist() == pytest.approx([0.7 * e for e in entropies(head.twin, fake)])
    (term,) = head.generator_terms(fake).values()
    pairs = zip(entropies(head.classifier, fake), entropies(head.twin, fake), strict=True)
    assert term.tolist() == pytest.approx([0.2 * (one - twin) for one, twin in pairs])


def test_multi_hinge() -> None:
    head = head_of(MultiHinge(num_classes=CLASSES, d_weight=1.0, g_weight=0.05))
    real, fake = output_of(1), output_of(2)

    def by_hand(view: DiscriminatorOutput, labels: list[int]) -> list[float]:
        scores = (view.features @ head.classifier.weight.T + head.classifier.bias).tolist()
        return [
            max(0.0, 1 - row[y] + max(s for k, s in enumerate(row) if k != y))
            for row, y in zip(scores, labels, strict=True)
        ]

    terms = head.discriminator_terms(real, fake)
    assert terms["loss/class_real"].tolist() == pytest.approx(by_hand(real, LABEL.tolist()))
    assert terms["loss/class_fake"].tolist() == pytest.approx(by_hand(fake, [CLASSES] * 6))
    (term,) = head.generator_terms(fake).values()
    assert term.tolist() == pytest.approx([0.05 * h for h in by_hand(fake, LABEL.tolist())])
    assert margin(torch.tensor([[3.0, 0.0, 1.9]]), torch.tensor([0])).item() == 0.0  # more than one ahead


def unit(vector: Tensor) -> Tensor:
    return vector / vector.norm()


def test_conditional_contrast_by_double_loop() -> None:
    head = head_of(Contrastive(**CONTRAST))
    view = output_of(1)
    own = [unit(head.embed.weight @ h + head.embed.bias) for h in view.features]
    proxy = [unit(head.proxy.weight[y]) for y in LABEL.tolist()]
    expected = []
    for i, y in enumerate(LABEL.tolist()):
        attraction = math.exp((own[i] @ proxy[i]).item() / 0.5)
        others = {k: math.exp((own[i] @ own[k]).item() / 0.5) for k in range(6) if k != i}
        friends = sum(value for k, value in others.items() if LABEL[k] == y)
        expected.append(-math.log((attraction + friends) / (attraction + sum(others.values()))))
    (term,) = head.discriminator_terms(view, output_of(2)).values()
    assert term.tolist() == pytest.approx([0.7 * value for value in expected])
    (term,) = head.generator_terms(view).values()
    assert term.tolist() == pytest.approx([0.3 * value for value in expected])


def test_data_to_data_cross_entropy_by_double_loop() -> None:
    margin_ = 0.6
    head = head_of(DataToData(**CONTRAST, margin=margin_))
    view = output_of(1)
    own = [unit(head.embed.weight @ h + head.embed.bias) for h in view.features]
    proxy = [unit(head.proxy.weight[y]) for y in LABEL.tolist()]
    expected = []
    for i, y in enumerate(LABEL.tolist()):
        attraction = math.exp(min((own[i] @ proxy[i]).item() - margin_, 0.0) / 0.5)
        strangers = [
            math.exp(max((own[i] @ own[k]).item() - (1 - margin_), 0.0) / 0.5) for k in range(6) if LABEL[k] != y
        ]
        expected.append(-math.log(attraction / (attraction + sum(strangers))))
    (term,) = head.discriminator_terms(view, output_of(2)).values()
    assert term.tolist() == pytest.approx([0.7 * value for value in expected])


@pytest.mark.parametrize(
    "leaf", [Contrastive(**CONTRAST), DataToData(**CONTRAST, margin=0.98)], ids=lambda leaf: type(leaf).__name__
)
def test_contrast_has_finite_gradients_where_all_images_are_of_one_class(leaf) -> None:
    head, view = head_of(leaf), output_of(1)
    alone = view._replace(label=torch.zeros_like(LABEL))
    (term,) = head.generator_terms(alone).values()
    term.mean().backward()
    assert view.features.grad.isfinite().all()


@pytest.mark.parametrize("head", ["contragan", "d2d_ce"])
def test_contrast_in_parts_is_refused(head: str) -> None:
    chosen = [f"model/head={head}", "model.generator.width=4", "model.discriminator.width=4", "data.image_size=8"]
    with pytest.raises(ConfigError, match=f"model.head={head} compares the images of a whole batch.*accumulate=2"):
        build_model(compose(*chosen, "model.accumulate=2"))


@pytest.mark.parametrize("name", ["auxiliary", "tac", "multi_hinge"])
def test_heads_that_classify_learn_the_class_that_they_tell(name: str) -> None:
    """Raising a class logit of a real image lowers the head's own class loss of it."""
    torch.manual_seed(0)
    head = build(compose(f"model/head={name}", "data.num_classes=3").model.head, section="model").make(6)
    assert head.classifies
    features, label = torch.randn(9, 6, requires_grad=True), torch.arange(9) % 3
    own = head.class_logits(features).log_softmax(1).gather(1, label[:, None])
    assert head.class_logits(features).shape == (9, 3)
    (rise,) = torch.autograd.grad(own.sum(), features)

    def loss(moved: Tensor) -> float:
        output = DiscriminatorOutput(torch.zeros(9, 1, 4, 4), label, moved, torch.zeros(9))
        return float(head.discriminator_terms(output, output)["loss/class_real"].detach().mean())

    assert loss(features + 1e-2 * rise / rise.norm()) < loss(features)


@pytest.mark.parametrize("name", ["contragan", "d2d_ce"])
def test_contrastive_heads_tell_the_class_of_the_proxy_at_the_smallest_angle(name: str) -> None:
    head = build(compose(f"model/head={name}", "data.num_classes=3").model.head, section="model").make(6)
    features = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits = head.class_logits(features)
        embedded, proxies = head.embed(features), head.proxy.weight
        for row in range(5):
            angles = [torch.cosine_similarity(embedded[row], proxy, dim=0) / head.temperature for proxy in proxies]
            torch.testing.assert_close(logits[row], torch.stack(angles))


def test_other_heads_do_not_classify() -> None:
    for name in ("none", "projection"):
        head = build(compose(f"model/head={name}").model.head, section="model").make(6)
        assert not head.classifies
        with pytest.raises(TypeError, match="does not classify"):
            head.class_logits(torch.zeros(1, 6))
