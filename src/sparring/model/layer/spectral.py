"""Spectral normalisation of a whole network (Miyato et al. 2018, "Spectral normalization for GANs")."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.utils import parametrize

from sparring.model.layer.shared_weight import SharedWeight

EPSILON = 1e-12  # least length of a vector that is scaled to length 1
FIRST_ITERATIONS = 15  # of the power method, so that the first weights are already normalised


def spectrally_normalise(network: nn.Module, *, embeddings: bool) -> None:
    """Divide the weight of every convolution and linear layer by its largest singular value (algorithm 1).

    The value is estimated by one power iteration per forward pass in training mode, or one for all passes in
    `weights_once`; in eval mode the last estimate is kept, so that outputs do not change. A convolution's weight is taken as
    the matrix (out, in * height * width).

    Args:
        embeddings: also embedding tables, as in the projection discriminator (Miyato and Koyama 2018).
    """
    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, *([nn.Embedding] if embeddings else []))
    for module in list(network.modules()):
        if isinstance(module, kinds):
            norm = SpectralNorm(cast(Tensor, module.weight), transposed=isinstance(module, nn.ConvTranspose2d))
            parametrize.register_parametrization(module, "weight", norm)


class SpectralNorm(SharedWeight):
    """weight -> weight / sigma, with sigma = u^T W v.

    Buffers: _u (out,), _v (in,), of length 1: estimates of the first singular vectors of W (out, in).

    Args:
        weight: that is normalised. transposed: whether its second axis is the layer's output.
    """

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, *, transposed: bool) -> None:
        super().__init__()
        self.transposed = transposed
        with torch.no_grad():
            matrix = self.matrix(weight)
            for name, length in (("_u", matrix.shape[0]), ("_v", matrix.shape[1])):
                self.register_buffer(
                    name, nn.functional.normalize(matrix.new_empty(length).normal_(), dim=0, eps=EPSILON)
                )
            for _ in range(FIRST_ITERATIONS):
                power_iteration([self], [matrix])

    def matrix(self, weight: Tensor) -> Tensor:
        """(out, in)."""
        return (weight.transpose(0, 1) if self.transposed else weight).flatten(1)

    def weight_of(self, matrix: Tensor, like: Tensor) -> Tensor:
        """A matrix (out, in) in the shape of the weight `like`."""
        shape = like.transpose(0, 1).shape if self.transposed else like.shape
        return matrix.view(shape).transpose(0, 1) if self.transposed else matrix.view(shape)

    @classmethod
    def together(cls, layers: Sequence[SharedWeight], weights: Sequence[Tensor], *, update: bool) -> Sequence[Tensor]:
        return normalised(cast("Sequence[SpectralNorm]", layers), weights, iterate=update)


def normalised(norms: Sequence[SpectralNorm], weights: Sequence[Tensor], *, iterate: bool) -> Sequence[Tensor]:
    """The weights divided by their largest singular values, all together.

    Args:
        iterate: whether a power iteration comes first, which changes the buffers of `norms`.
    """
    with torch.no_grad(), _full_precision(weights[0].device):
        matrices = [norm.matrix(weight.detach()) for norm, weight in zip(norms, weights, strict=True)]
        if iterate:
            sigmas = power_iteration(norms, matrices)
        else:
            sigmas = [norm._u.dot(matrix.mv(norm._v)) for norm, matrix in zip(norms, matrices, strict=True)]
    if not (torch.is_grad_enabled() and any(weight.requires_grad for weight in weights)):
        return torch._foreach_div(list(weights), list(sigmas))
    # Clones, since a further pass before the backward pass may iterate again.
    vectors = torch._foreach_mul([each for norm in norms for each in (norm._u, norm._v)], 1.0)
    result: Sequence[Tensor] = _Divided.apply(list(norms), *weights, *sigmas, *vectors)
    return result


def power_iteration(norms: Sequence[SpectralNorm], matrices: Sequence[Tensor]) -> Sequence[Tensor]:
    """u <- W v / |W v|, then v <- W^T u / |W^T u|, in place; returns |W^T u| = u^T W v of each, 0-d."""
    left, right = [norm._u for norm in norms], [norm._v for norm in norms]
    _scale_into(left, [matrix.mv(v) for v, matrix in zip(right, matrices, strict=True)])
    return _scale_into(right, [matrix.T.mv(u) for u, matrix in zip(left, matrices, strict=True)])


def _scale_into(targets: list[Tensor], vectors: list[Tensor]) -> Sequence[Tensor]:
    """Write the vectors, scaled to length 1, into `targets`; returns their lengths."""
    lengths = torch._foreach_norm(vectors)
    torch._foreach_copy_(targets, torch._foreach_div(vectors, torch._foreach_clamp_min(lengths, EPSILON)))
    return lengths


def _full_precision(device: torch.device) -> AbstractContextManager[object]:
    """A singular value in bf16 would be off by up to a hundredth; torch's dry runs on "meta" know no autocast."""
    available = torch.amp.is_autocast_available(device.type)
    return torch.autocast(device.type, enabled=False) if available else nullcontext()


class _Divided(torch.autograd.Function):
    """W / sigma, whose derivative has sigma's: dL/dW = (G - <G, W / sigma> u v^T) / sigma."""

    @staticmethod
    def forward(ctx: Any, norms: list[SpectralNorm], *tensors: Tensor) -> tuple[Tensor, ...]:
        count = len(norms)
        sigmas, vectors = tensors[count : 2 * count], tensors[2 * count :]
        results = tuple(torch._foreach_div(list(tensors[:count]), list(sigmas)))
        ctx.norms = norms
        ctx.save_for_backward(*results, *sigmas, *vectors)
        return results

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        count = len(ctx.norms)
        saved = ctx.saved_tensors
        results, sigmas, vectors = saved[:count], saved[count : 2 * count], saved[2 * count :]
        along = [product.sum() for product in torch._foreach_mul(list(gradients), list(results))]
        rows = torch._foreach_mul(list(vectors[::2]), along)
        through = [
            norm.weight_of(torch.outer(row, v), result)
            for norm, row, v, result in zip(ctx.norms, rows, vectors[1::2], results, strict=True)
        ]
        changes = torch._foreach_div(torch._foreach_sub(list(gradients), through), list(sigmas))
        return None, *changes, *[None] * (3 * count)
