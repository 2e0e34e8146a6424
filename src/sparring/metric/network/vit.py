"""The vision transformer of DINOv2 (Dosovitskiy et al. 2021; Oquab et al. 2023), named as its published state dict."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

OFFSET = (
    0.1  # added to the patches per side before the position grid is scaled, as the published weights' own code does
)


class Attention(nn.Module):
    """Multi-head self-attention: tokens (N, T, dim) -> (N, T, dim)."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        count, tokens, dim = x.shape
        query, key, value = self.qkv(x).view(count, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self.proj(mixed.transpose(1, 2).reshape(count, tokens, dim))


class Mlp(nn.Module):
    """Two layers with GELU between them: tokens (N, T, dim) -> (N, T, dim)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, 4 * dim)
        self.fc2 = nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class LayerScale(nn.Module):
    """One factor per channel (Touvron et al. 2021, "Going deeper with image transformers")."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


class TransformerBlock(nn.Module):
    """x + scale(attention(norm(x))), then the same with the MLP."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps=1e-6), nn.LayerNorm(dim, eps=1e-6)
        self.attn, self.mlp = Attention(dim, heads), Mlp(dim)
        self.ls1, self.ls2 = LayerScale(dim), LayerScale(dim)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class Patches(nn.Module):
    """Images (N, 3, S, S) -> one token per patch (N, (S / patch)^2, dim)."""

    def __init__(self, dim: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, patch, stride=patch)

    def forward(self, image: Tensor) -> Tensor:
        return self.proj(image).flatten(2).transpose(1, 2)


class VisionTransformer(nn.Module):
    """Images (N, 3, S, S), S a multiple of `patch`, normalised by ImageNet's mean and deviation -> class token (N, dim).

    grid: patches per side of the stored position embedding (37 for the published 518 pixels), scaled to the image's.
    """

    def __init__(self, *, dim: int, depth: int, heads: int, patch: int, grid: int) -> None:
        super().__init__()
        self.patch, self.grid = patch, grid
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.mask_token = nn.Parameter(torch.zeros(1, dim))  # of the pre-training, unused here
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + grid**2, dim))
        self.patch_embed = Patches(dim, patch)
        self.blocks = nn.ModuleList(TransformerBlock(dim, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(dim, eps=1e-6)

    def positions(self, side: int) -> Tensor:
        """(1, 1 + side^2, dim) for an image of side x side patches."""
        if side == self.grid:
            return self.pos_embed
        own, dim = self.pos_embed[:, :1], self.pos_embed.shape[2]
        stored = self.pos_embed[:, 1:].view(1, self.grid, self.grid, dim).permute(0, 3, 1, 2)
        factor = (side + OFFSET) / self.grid
        scaled = F.interpolate(stored, scale_factor=(factor, factor), mode="bicubic", recompute_scale_factor=False)
        return torch.cat([own, scaled.flatten(2).transpose(1, 2)], dim=1)

    def features(self, image: Tensor) -> Tensor:
        """Images (N, 3, S, S) -> class token (N, dim)."""
        x = self.patch_embed(image)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], dim=1) + self.positions(image.shape[2] // self.patch)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)[:, 0]
