"""The space that directions are looked for in: a generator's latents, or its styles where it has them.

Shape legend: N codes, S numbers of a code, L of a latent, K classes, F outputs of a layer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sparring.core.errors import ConfigError
from sparring.core.randomness import rows
from sparring.model.generator.base import StyleGenerator
from sparring.model.layer.pixel_noise import seeds_of

TOGETHER = 128  # images of one pass


@dataclass(frozen=True)
class Codes:
    """code: (N, S), label: (N,) classes, latent: (N, L) that they come from; on the device."""

    code: Tensor
    label: Tensor
    latent: Tensor

    def __getitem__(self, rows: slice) -> "Codes":
        return Codes(self.code[rows], self.label[rows], self.latent[rows])

    def moved(self, by: Tensor) -> "Codes":
        """by: broadcasts to (N, S)."""
        return Codes(self.code + by, self.label, self.latent)


@dataclass(frozen=True)
class Space:
    """A generator's codes and their images; `draw` chooses codes, `images` draws them.

    Args:
        generator: (latent (N, L), label (N,)) -> images (N, C, H, W), in eval mode with frozen weights, on `device`.
        num_classes: that it knows; None: unconditional.
        label: class of all codes; None: all classes in turn.
        logits: images (N, C, H, W) -> (N, K) of a classifier; None: there is none.
        class_names: (K,) of the classifier; empty without one.
        styles: whether codes are styles; else latents.
    """

    generator: nn.Module
    latent_dim: int
    num_classes: int | None
    label: int | None
    logits: Callable[[Tensor], Tensor] | None
    styles: bool
    device: torch.device
    class_names: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return "w" if self.styles else "z"

    def draw(self, count: int, *, seed: int, purpose: str) -> Codes:
        """Codes of latents from N(0, I), code i from (purpose, seed, i) alone."""
        index = torch.arange(count)
        latent = rows(torch.randn, (self.latent_dim,), "direction", purpose, seed, index=index).to(self.device)
        turn = index % self.num_classes if self.num_classes else torch.zeros_like(index)
        label = (turn if self.label is None else torch.full_like(index, self.label)).to(self.device)
        return Codes(self._style(latent, label) if self.styles else latent, label, latent)

    @torch.no_grad()
    def _style(self, latent: Tensor, label: Tensor) -> Tensor:
        assert isinstance(self.generator, StyleGenerator)
        return self.generator.style(latent, label)

    def images_of(self, codes: Codes) -> Tensor:
        """Images (N, C, H, W) of some codes in one pass, with a graph where gradients are on."""
        if not self.styles:
            return self.generator(codes.code, codes.label)
        assert isinstance(self.generator, StyleGenerator)
        return self.generator.synthesis(codes.code, seeds_of(codes.latent))

    @torch.no_grad()
    def images(self, codes: Codes) -> Tensor:
        """Images (N, C, H, W) in [-1, 1], TOGETHER at a time."""
        count = len(codes.code)
        parts = (codes[slice(first, first + TOGETHER)] for first in range(0, count, TOGETHER))
        return torch.cat([self.images_of(part).clamp(-1, 1) for part in parts])

    @torch.no_grad()
    def answers(self, codes: Codes) -> Tensor:
        """The classifier's logits (N, K) of the codes' images. Raises ConfigError without a classifier."""
        if self.logits is None:
            raise ConfigError("This needs the logits of a classifier; give classifier=<run>.")
        parts = (codes[slice(first, first + TOGETHER)] for first in range(0, len(codes.code), TOGETHER))
        return torch.cat([self.logits(self.images_of(part).clamp(-1, 1)).float() for part in parts])

    def step_along(self, vector: Tensor) -> Tensor:
        """(S,) one standard deviation of the codes along a direction (S,) of norm 1."""
        codes = self.draw(256, seed=0, purpose="spread").code
        vector = vector.to(codes)
        return vector * (codes @ vector).std()

    def first_weight(self) -> Tensor:
        """(S, F) the matrix by which a code enters the first layer; for styles, all layers that take the style itself.

        Read off the layers' outputs at 0 and at the axes, so that it does not matter how a network names them.

        Raises:
            ConfigError: no layer takes the whole code.
        """
        outputs = self.first_outputs(torch.cat([torch.zeros(1, self._size), torch.eye(self._size)]).to(self.device))
        return (outputs[1:] - outputs[0]).cpu()

    @property
    def _size(self) -> int:
        return self.draw(1, seed=0, purpose="size").code.shape[1]

    @torch.no_grad()
    def first_outputs(self, code: Tensor) -> Tensor:
        """(N, F) outputs of these layers for codes (N, S) of one class."""
        kept: list[Tensor] = []
        modules = [m for m in self.generator.modules() if any(True for _ in m.parameters(recurse=False))]
        hooks = [module.register_forward_hook(self._keeper(code, kept)) for module in modules]
        label = torch.full((len(code),), self.label or 0, device=self.device)
        latent = torch.zeros(len(code), self.latent_dim, device=self.device)
        try:
            self.images_of(Codes(code, label, latent))
        finally:
            for hook in hooks:
                hook.remove()
        if not kept:
            raise ConfigError(
                "The generator has no layer that takes its whole latent (BigGAN's take parts of it), which sefa and pca need; "
                "give direction=boundary with classifier=<run>, or direction=random."
            )
        return torch.cat([each.flatten(1) for each in (kept if self.styles else kept[:1])], 1)

    def _keeper(self, code: Tensor, kept: list[Tensor]) -> Callable[..., None]:
        def takes_code(given: Any) -> bool:
            if self.styles:  # the style itself, of every layer that takes it
                return given.shape == code.shape and torch.equal(given, code)
            begins = given[:, : code.shape[1]] if given.ndim == 2 else given  # the condition of a norm is shorter
            return begins.shape == code.shape and torch.equal(begins, code)

        def keep(_module: nn.Module, given: tuple[Any, ...], output: Any) -> None:
            if given and isinstance(given[0], Tensor) and isinstance(output, Tensor) and takes_code(given[0]):
                kept.append(output)

        return keep
