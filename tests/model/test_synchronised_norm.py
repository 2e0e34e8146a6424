"""BatchNorm over all devices: here one, where it is BatchNorm; `tests/core/test_distributed.py` trains with two."""

import copy

import pytest
import torch
import torch.distributed as dist
from torch import nn

from sparring.core.errors import ConfigError
from sparring.model.layer import synchronised_norm
from sparring.model.layer.synchronised_norm import SynchronisedNorm, synchronise


@pytest.mark.parametrize(
    ("norm", "shape"),
    [
        (nn.BatchNorm2d(3), (5, 3, 4, 4)),
        (nn.BatchNorm2d(3, affine=False), (5, 3, 4, 4)),
        (nn.BatchNorm1d(3), (7, 3)),
        (nn.BatchNorm2d(3, momentum=None), (2, 3, 2, 2)),
    ],
)
def test_it_is_batch_norm_with_its_statistics_and_two_derivatives(
    norm: nn.Module, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synchronised_norm, "active", lambda: True)
    monkeypatch.setattr(dist, "get_world_size", lambda: 1)
    monkeypatch.setattr(synchronised_norm, "mean_of_all", lambda value: value)
    theirs, network = norm.double(), nn.Sequential(copy.deepcopy(norm).double())
    synchronise(network)
    ours = network[0]
    assert isinstance(ours, SynchronisedNorm)
    draw = torch.Generator().manual_seed(0)
    for each in theirs.parameters():
        nn.init.normal_(each, generator=draw)
    ours.load_state_dict(theirs.state_dict())
    for _ in range(2):
        image = torch.randn(shape, dtype=torch.float64, generator=draw) * 3 + 1
        slopes = []
        for layer in (ours, theirs):
            leaf = image.clone().requires_grad_()
            result = layer(leaf)
            (gradient,) = torch.autograd.grad(result.pow(3).sum(), leaf, create_graph=True)
            (second,) = torch.autograd.grad(gradient.square().sum(), leaf)
            slopes.append((result, gradient, second))
        for one, other in zip(*slopes, strict=True):
            torch.testing.assert_close(one, other)
    for name, buffer in theirs.named_buffers():
        torch.testing.assert_close(ours.get_buffer(name), buffer)
    torch.testing.assert_close(ours.eval()(image), theirs.eval()(image))


def test_it_is_refused_where_there_is_no_batch_norm() -> None:
    with pytest.raises(ConfigError, match=r"model.sync_batchnorm=true needs BatchNorm"):
        synchronise(nn.Linear(2, 2), nn.ReLU())
