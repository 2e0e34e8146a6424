"""Ways to draw: the distribution they promise, and that an image depends on (seed, index) alone."""

import pytest
import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.generation.batch_norm import BATCHES, ROWS, choose_statistics
from sparring.generation.sampler import Sampler, joined
from sparring.sampling.base import Players, Sampling
from sparring.sampling.langevin import Langevin
from sparring.sampling.plain import PlainSampling
from sparring.sampling.rejection import Rejection

REJECTION = {"percentile": None, "burn_in": 512, "attempts": 400, "epsilon": 1e-12}


class Copy(nn.Module):
    """G(z) = z / 8 as a row of pixels, small enough never to be clamped."""

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return (latent / 8)[:, None, None, :]


class Tilt(nn.Module):
    """D(x) = <a, z>: the log ratio of N(a, I) to N(0, I), up to a constant."""

    def __init__(self, towards: list[float]) -> None:
        super().__init__()
        self.towards = torch.tensor(towards)

    def forward(self, image: Tensor, label: Tensor) -> Tensor:
        return image.flatten(1) * 8 @ self.towards


def sampler(sampling: Sampling, **changes: object) -> Sampler:
    settings: dict[str, object] = {
        "latent_dim": 2,
        "num_classes": 3,
        "count": 40,
        "seed": 0,
        "discriminator": Tilt([0.6, -0.3]),
    }
    return Sampler(Copy(), sampling=sampling, **{**settings, **changes})  # type: ignore[arg-type]


def values(drawn: Sampler) -> Tensor:
    """The latents that the pixels show."""
    return (joined(drawn).image.double() / 127.5 - 1).flatten(1) * 8


WAYS = [PlainSampling, lambda: Rejection(**REJECTION), lambda: Rejection(**(REJECTION | {"percentile": 80.0})),
        lambda: Langevin(steps=3, step=0.1)]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_an_image_depends_on_seed_and_index_alone(way) -> None:
    whole = joined(sampler(way()))
    parts = joined(sampler(way(), count=17, start=13, batch_size=5))
    assert torch.equal(parts.image, whole.image[13:30])
    assert torch.equal(parts.label, whole.label[13:30])
    assert not torch.equal(joined(sampler(way(), seed=1)).image, whole.image)


@pytest.mark.slow
def test_rejection_draws_from_what_the_discriminator_says_the_data_are() -> None:
    drawn = values(sampler(Rejection(**REJECTION), count=2000))
    torch.testing.assert_close(drawn.mean(dim=0), torch.tensor([0.6, -0.3]).double(), atol=0.09, rtol=0)
    plain = values(sampler(PlainSampling(), count=2000))
    torch.testing.assert_close(plain.mean(dim=0), torch.zeros(2).double(), atol=0.09, rtol=0)


def test_rejection_takes_the_best_of_few_attempts_and_is_stricter_at_a_higher_percentile() -> None:
    towards = torch.tensor([0.6, -0.3]).double()
    means = [
        (
            values(sampler(Rejection(**(REJECTION | {"percentile": percentile, "attempts": attempts})), count=500))
            @ towards
        ).mean()
        for percentile, attempts in ((50.0, 400), (95.0, 400), (100.0, 1), (100.0, 5))
    ]
    assert means[0] < means[1]
    torch.testing.assert_close(means[2], (values(sampler(PlainSampling(), count=500)) @ towards).mean())
    assert means[3] > means[2] + 0.3  # the best of five


class Watched(Copy):
    """Keeps the largest coordinate of the latents that it was called with."""

    largest = 0.0

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        self.largest = max(self.largest, float(latent.abs().max()))
        return super().forward(latent, label)


def test_rejection_cuts_every_latent() -> None:
    for truncation, most in ((0.3, 0.3), (None, torch.inf)):
        network = Watched()
        way = Rejection(**(REJECTION | {"percentile": 80.0}))
        joined(
            Sampler(
                network, sampling=way, latent_dim=2, num_classes=3, count=64, seed=0, truncation=truncation,
                discriminator=Tilt([0.6, -0.3]),
            )
        )  # fmt: skip
        assert 0.29 < network.largest <= most


def test_the_accepted_score_inverts_to_the_density_ratio() -> None:
    rejection, logits = Rejection(**REJECTION), torch.tensor([-3.0, -0.5, 1.0, 4.0]).double()
    torch.testing.assert_close(rejection.score(logits, 1.5).sigmoid(), (logits - 1.5).clamp(max=0).exp())


@pytest.mark.slow
def test_one_langevin_step_in_closed_form_and_many_find_the_mode() -> None:
    drawn = sampler(Langevin(steps=1, step=0.2), count=64)
    index = torch.arange(64)
    latent = drawn.latents(index)
    noise = drawn.players.normal(index, "langevin", 1, 2)[:, 0]
    expected = latent - 0.1 * (latent - torch.tensor([0.6, -0.3])) + 0.2**0.5 * noise
    torch.testing.assert_close(values(drawn), expected.double(), atol=0.04, rtol=0)  # a byte is 1/16 here
    many = values(sampler(Langevin(steps=60, step=0.1), count=1000))
    torch.testing.assert_close(many.mean(dim=0), torch.tensor([0.6, -0.3]).double(), atol=0.12, rtol=0)
    assert many.std(dim=0).sub(1).abs().max() < 0.12


def test_langevin_slope_against_autograd_of_the_energy_in_parts() -> None:
    players = Players(Copy(), Tilt([0.6, -0.3]), lambda index: index, 2, None, 0, torch.device("cpu"))
    latent = torch.randn(5, 2)
    slope = Langevin.energy_gradient(players, latent, torch.zeros(5, dtype=torch.int64))
    torch.testing.assert_close(slope, latent - torch.tensor([0.6, -0.3]))


class Normed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.batch = nn.BatchNorm1d(2, affine=False)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return self.batch(latent * torch.tensor([3.0, 0.5]) + label[:, None])


def players_of(network: nn.Module, truncation: float | None = None) -> Players:
    return Players(network, None, lambda index: index % 4, 2, truncation, 0, torch.device("cpu"))


def test_standing_statistics_are_those_of_the_weights() -> None:
    network = Normed().eval()
    players = players_of(network, truncation=0.5)
    choose_statistics(network, "standing", players)
    means, variances = [], []
    for batch in range(BATCHES):
        index = torch.arange(batch * ROWS, (batch + 1) * ROWS)
        latent = players.latents(index, "standing statistics")
        assert latent.abs().max() <= 0.5
        output = latent * torch.tensor([3.0, 0.5]) + (index % 4)[:, None]
        means.append(output.mean(dim=0))
        variances.append(output.var(dim=0))
    torch.testing.assert_close(network.batch.running_mean, torch.stack(means).mean(dim=0))
    torch.testing.assert_close(network.batch.running_var, torch.stack(variances).mean(dim=0))
    assert not network.batch.training
    assert network.batch.momentum == 0.1


def test_batch_statistics_are_those_of_the_block_and_running_ones_are_left() -> None:
    network, latent = Normed().eval(), torch.randn(32, 2) * 5
    label = torch.zeros(32, dtype=torch.int64)
    choose_statistics(network, "running", players_of(network))
    torch.testing.assert_close(network(latent, label), latent * torch.tensor([3.0, 0.5]), atol=1e-3, rtol=1e-4)
    choose_statistics(network, "batch", players_of(network))
    torch.testing.assert_close(network(latent, label).mean(dim=0), torch.zeros(2), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: choose_statistics(Copy(), "standing", players_of(Copy())), "Copy has no BatchNorm"),
        (lambda: choose_statistics(Copy(), "mean", players_of(Copy())), "bn=mean is unknown"),
        (lambda: sampler(Langevin(steps=1, step=0.1), discriminator=None), "needs a discriminator"),
        (lambda: Langevin(steps=0, step=0.1), "steps=0"),
        (lambda: Rejection(**(REJECTION | {"attempts": 0})), "attempts=0"),
    ],
)
def test_what_cannot_work_is_refused(make, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        make()
