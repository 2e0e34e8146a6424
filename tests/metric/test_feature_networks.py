"""Parts of the feature networks against other implementations of them and their formulas."""

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from sparring.core.randomness import generator
from sparring.metric.features.dinov2 import DinoV2
from sparring.metric.network.resize import tf1_bilinear
from sparring.metric.network.vit import TransformerBlock, VisionTransformer
from tests.metric.clouds import images
from tests.metric.fidelity import fidelity
from tests.metric.randomised import randomised


@pytest.mark.parametrize("shape", [(32, 32), (9, 14), (400, 310)])
def test_tf1_resize_equals_torch_fidelity(shape: tuple[int, int]) -> None:
    resize = fidelity("torch_fidelity.interpolate_compat_tensorflow").interpolate_bilinear_2d_like_tensorflow1x
    image = torch.rand(2, 3, *shape, generator=generator("test resize")) * 255
    assert torch.equal(tf1_bilinear(image, 299), resize(image, (299, 299), align_corners=False))


def test_tf1_resize_equals_its_formula() -> None:
    image = torch.rand(1, 1, 5, 7, generator=generator("test resize")).double()
    resized = tf1_bilinear(image, 4)[0, 0]
    for row in range(4):
        for column in range(4):
            y, x = row * 5 / 4, column * 7 / 4
            top, left = math.floor(y), math.floor(x)
            corners = image[0, 0][[top, min(top + 1, 4)]][:, [left, min(left + 1, 6)]]
            weights = torch.tensor([[1 - (y - top)], [y - top]]) @ torch.tensor([[1 - (x - left), x - left]])
            assert float(resized[row, column]) == pytest.approx(float((corners * weights).sum()), rel=1e-6)


def test_vit_block_equals_torchs_encoder_layer() -> None:
    """torch's own pre-norm layer, with LayerScale folded into its last matrices."""
    ours = randomised(TransformerBlock(24, 3)).eval()
    theirs = nn.TransformerEncoderLayer(24, 3, 96, dropout=0.0, activation="gelu", layer_norm_eps=1e-6, batch_first=True,
                                        norm_first=True).eval()  # fmt: skip
    s = ours.state_dict()
    theirs.load_state_dict({
        "self_attn.in_proj_weight": s["attn.qkv.weight"], "self_attn.in_proj_bias": s["attn.qkv.bias"],
        "self_attn.out_proj.weight": s["attn.proj.weight"] * s["ls1.gamma"][:, None],
        "self_attn.out_proj.bias": s["attn.proj.bias"] * s["ls1.gamma"],
        "linear1.weight": s["mlp.fc1.weight"], "linear1.bias": s["mlp.fc1.bias"],
        "linear2.weight": s["mlp.fc2.weight"] * s["ls2.gamma"][:, None], "linear2.bias": s["mlp.fc2.bias"] * s["ls2.gamma"],
        **{f"{norm}.{part}": s[f"{norm}.{part}"] for norm in ("norm1", "norm2") for part in ("weight", "bias")},
    })  # fmt: skip
    x = torch.randn(2, 7, 24, generator=generator("test tokens"))
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-5)


def test_vit_positions_scale_smoothly() -> None:
    network = VisionTransformer(dim=2, depth=1, heads=1, patch=14, grid=37)
    ramp = torch.arange(37.0).repeat(37, 1)
    with torch.no_grad():
        network.pos_embed[0, 1:, 0], network.pos_embed[0, 1:, 1] = ramp.flatten(), ramp.T.flatten()
        scaled = network.positions(16)[0, 1:].view(16, 16, 2)
    assert network.positions(37) is network.pos_embed
    step = 37 / 16.1  # centres of 16 patches on the 37 of the published grid
    expected = (torch.arange(16) + 0.5) * step - 0.5
    inner = slice(2, 14)  # the border repeats the last patch
    # This cubic (a = -0.75) bends a ramp by up to 0.05; without the 0.1 patch 13 would be off by 0.19.
    torch.testing.assert_close(scaled[5, inner, 0], expected[inner], rtol=0, atol=0.06)
    torch.testing.assert_close(scaled[inner, 5, 1], expected[inner], rtol=0, atol=0.06)


@pytest.mark.slow
def test_dinov2_reads_its_published_names(tmp_path: Path) -> None:
    """A file with the names and shapes of dinov2_vits14_pretrain.pth: 12 blocks of 384, 37 x 37 positions."""
    network = VisionTransformer(dim=384, depth=12, heads=6, patch=14, grid=37)
    file = tmp_path / "dino.pth"
    torch.save(randomised(network).state_dict(), file)
    extractor = DinoV2(path=str(file), cache_dir="unused", image_size=28, batch_size=2)
    assert sum(p.numel() for p in network.parameters()) == 22_056_576
    assert extractor(images(3, 1, 8)).shape == (3, 384)
    assert extractor.protocol()["weights"] == extractor.sha256
