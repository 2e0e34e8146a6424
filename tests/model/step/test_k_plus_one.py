"""K + 1 losses against an explicit softmax over K + 1 classes, and the generator's terms by hand, in float64."""

import torch
from torch import Tensor

from sparring.model.step import k_plus_one

K = 4


def logits(rows: int, seed: int) -> Tensor:
    draws = torch.Generator().manual_seed(seed)
    return (4 * torch.randn(rows, K, dtype=torch.float64, generator=draws)).requires_grad_()


def explicit(given: Tensor) -> Tensor:
    """Probabilities (N, K + 1), the last class being "generated" with logit 0."""
    return torch.cat([given, torch.zeros(len(given), 1, dtype=given.dtype)], dim=1).softmax(1)


def assert_equal_with_gradient(actual: Tensor, expected: Tensor, at: Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-12)
    weight = torch.arange(1.0, len(actual) + 1, dtype=torch.float64)
    ours, theirs = (torch.autograd.grad((weight * loss).sum(), at, retain_graph=True)[0] for loss in (actual, expected))
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_labelled_is_the_class_given_that_the_image_is_real() -> None:
    given, label = logits(6, 0), torch.tensor([0, 1, 2, 3, 3, 0])
    p = explicit(given)
    expected = -(p[torch.arange(6), label] / (1 - p[:, -1])).log()
    assert_equal_with_gradient(k_plus_one.labelled(given, label), expected, given)


def test_unlabelled_is_real_and_generated_is_the_last_class() -> None:
    given = logits(6, 1)
    p = explicit(given)
    assert_equal_with_gradient(k_plus_one.real(given), -p[:, :-1].sum(1).log(), given)
    assert_equal_with_gradient(k_plus_one.fake(given), -p[:, -1].log(), given)


def test_the_paper_s_form() -> None:
    """L_unl = -E_u[Z] / 2 + E_u[softplus Z] / 2 + E_g[softplus Z] / 2, as their code has it."""
    unlabelled, generated = logits(5, 2), logits(7, 3)
    z, g = unlabelled.logsumexp(1), generated.logsumexp(1)
    paper = -0.5 * z.mean() + 0.5 * (1 + z.exp()).log().mean() + 0.5 * (1 + g.exp()).log().mean()
    ours = (k_plus_one.real(unlabelled).mean() + k_plus_one.fake(generated).mean()) / 2
    torch.testing.assert_close(ours, paper, rtol=1e-12, atol=1e-12)


def test_huge_logits_stay_finite() -> None:
    given = torch.tensor([[1e4, 0, 0, 0], [-1e4] * 4], dtype=torch.float64, requires_grad=True)
    label = torch.tensor([1, 2])
    total = k_plus_one.labelled(given, label) + k_plus_one.real(given) + k_plus_one.fake(given)
    total.sum().backward()
    assert torch.isfinite(total).all()
    assert given.grad is not None
    assert torch.isfinite(given.grad).all()


def test_entropy() -> None:
    given = logits(6, 4)
    p = explicit(given)[:, :-1]
    p = p / p.sum(1, keepdim=True)
    assert_equal_with_gradient(k_plus_one.entropy(given), -(p * p.log()).sum(1), given)
    torch.testing.assert_close(k_plus_one.entropy(torch.zeros(1, K)), torch.tensor([K]).log())


def test_feature_matching_by_hand() -> None:
    real = torch.tensor([[1.0, 2.0], [3.0, 6.0]])
    fake = torch.tensor([[1.0, 0.0], [0.0, 0.0], [2.0, 3.0]], requires_grad=True)
    loss = k_plus_one.feature_matching(real, fake)  # means (2, 4) and (1, 1): 1 + 9
    loss.backward()
    assert loss.item() == 10
    torch.testing.assert_close(fake.grad, torch.tensor([[-2.0, -6.0]] * 3) / 3)  # -2 (difference) / 3 images


def test_pull_away_is_the_mean_over_pairs() -> None:
    features = torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    pairs = [
        (torch.dot(features[i], features[j]) / features[i].norm() / features[j].norm()) ** 2
        for i in range(5)
        for j in range(5)
        if i != j
    ]
    torch.testing.assert_close(k_plus_one.pull_away(features), torch.stack(pairs).mean())
