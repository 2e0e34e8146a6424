"""Principal axes in closed form."""

import torch

from sparring.direction.math.eigen import principal_components, regressed, semantic_axes


def test_a_diagonal_weight_gives_the_axes_in_order() -> None:
    """Every column is scaled to norm 1 first, so the axes are ordered by how many outputs each has."""
    weight = torch.zeros(3, 6)
    weight[1, :3], weight[2, 3:5], weight[0, 5] = 0.1, 5.0, 100.0
    axes, values = semantic_axes(weight)
    torch.testing.assert_close(axes, torch.eye(3, dtype=torch.float64)[[1, 2, 0]])
    torch.testing.assert_close(values, torch.tensor([3.0, 2.0, 1.0], dtype=torch.float64))


def test_components_are_orthonormal_and_both_ways_of_finding_them_agree() -> None:
    torch.manual_seed(0)
    features = torch.randn(40, 12) * torch.linspace(3, 0.5, 12)
    basis, deviations, shares = principal_components(features, 12)
    torch.testing.assert_close(basis @ basis.T, torch.eye(12, dtype=torch.float64), atol=1e-10, rtol=0)
    torch.testing.assert_close(deviations.square().sum(), features.double().var(0).sum())
    assert abs(float(shares.sum()) - 1) < 1e-12
    wide = torch.cat([features, torch.zeros(40, 40)], 1)  # more features than samples: the other product
    other, same, _ = principal_components(wide, 5)
    torch.testing.assert_close(other[:, :12], basis[:5], atol=1e-8, rtol=0)
    torch.testing.assert_close(same, deviations[:5])


def test_random_axes_explain_less() -> None:
    torch.manual_seed(0)
    features = torch.randn(200, 10) @ torch.randn(10, 10)
    basis, deviations, _ = principal_components(features, 1)
    random = torch.linalg.qr(torch.randn(10, 10, dtype=torch.float64)).Q
    assert (features.double() @ random).std(0).max() < deviations[0] + 1e-9
    torch.testing.assert_close((features.double() @ basis[0]).std(), deviations[0])


def test_regression_recovers_the_latent_direction_of_a_component() -> None:
    torch.manual_seed(0)
    code = torch.randn(500, 4)
    hidden = code @ torch.diag(torch.tensor([1.0, 5.0, 0.1, 0.1]))
    basis, _, _ = principal_components(hidden, 1)
    (found,) = regressed(code, hidden.double() @ basis.T)
    assert abs(float(found[1])) > 0.99
