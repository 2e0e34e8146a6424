"""What 8, 64 and 256 GPUs would give for two networks in their published size: calculated, by the model of `scaling.py`."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from sparring.config.compose import compose
from sparring.trained.runs import build_model

GPUS = (8, 64, 256)
BIGGAN = [
    "model=biggan", "data=imagenet", "data.image_size=128", "model.latent_dim=120", "model.d_steps=2", "data.batch_size=2048",
    "model.generator.width=96", "model.generator.growth=16", "model.discriminator.width=96", "model.discriminator.growth=16",
    "model.discriminator.flat=1",
]  # fmt: skip
STYLEGAN2 = [
    "model=stylegan2", "data=imagenet", "data.image_size=256", "data.num_classes=1", "model.latent_dim=512", "data.batch_size=64",
    "model.generator.width=128", "model.generator.growth=4", "model.generator.mapping_layers=8", "model.discriminator.width=128",
    "model.discriminator.growth=4",
]  # fmt: skip


def work(overrides: list[str]) -> dict[str, float]:
    """Of a GAN in full size: parameters, floating-point operations an image and iteration, and bytes sent an iteration."""
    config = compose("train", overrides)
    with torch.device("meta"):
        model = build_model(config)
    latent, label = torch.empty(1, model.latent_dim, device="meta"), torch.zeros(1, dtype=torch.int64, device="meta")
    with FlopCounterMode(display=False) as generated:
        image = model.generator(latent, label)
    with FlopCounterMode(display=False) as judged:
        model.discriminator(image, label)
    g, d, steps = generated.get_total_flops(), judged.get_total_flops(), model.d_steps
    weights = {player: sum(each.numel() for each in getattr(model, player).parameters()) for player in model.factories}
    r1 = config.model.regularizer.get("r1")
    penalty = 5 * d / r1.interval if r1 else 0.0  # a gradient at the real images, differentiated again
    return {
        "generator": weights["generator"], "discriminator": weights["discriminator"], "batch": config.data.batch_size,
        "forward_g": g, "forward_d": d,
        # D: generate; pass and backward pass for real and generated images. G: its pass, D's to the images, both back.
        "operations": steps * (g + 6 * d + penalty) + 3 * g + 2 * d,
        "bytes": 4.0 * (steps * weights["discriminator"] + weights["generator"]),
    }  # fmt: skip


def plan(flops: float, inside: float, between: float) -> None:
    """The table of what more GPUs would give."""
    print(
        f"Calculated, not measured: {flops / 1e12:g} TFLOP/s of each GPU, {inside / 1e9:g} GB/s between those of a machine of "
        f"8, {between / 1e9:g} GB/s per GPU between machines, nothing overlapped.\n"
    )
    heads = ("network", "parameters G / D, M", "batch", "GFLOP an image and iteration", "MB an iteration", "GPUs", "ms compute",
             "ms communication", "iterations/s", "of ideal")  # fmt: skip
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for name, overrides in (("BigGAN-128", BIGGAN), ("StyleGAN2-256", STYLEGAN2)):
        facts = work(overrides)
        facts_row = (
            f"{name} | {facts['generator'] / 1e6:.1f} / {facts['discriminator'] / 1e6:.1f} | {facts['batch']} | "
            f"{facts['operations'] / 1e9:.0f} | {facts['bytes'] / 1e6:.0f}"
        )
        for gpus in GPUS:
            rows = max(facts["batch"] // gpus, 1)
            compute = facts["operations"] * rows / flops
            sent = 2 * (gpus - 1) / gpus * facts["bytes"] / (inside if gpus <= 8 else between)
            if gpus > facts["batch"]:
                print(f"| {facts_row} | {gpus} | the batch has {facts['batch']} images: more GPUs have none | | | |")
                continue
            print(
                f"| {facts_row} | {gpus} | {1e3 * compute:.0f} | {1e3 * sent:.1f} | {1 / (compute + sent):.2f} | "
                f"{compute / (compute + sent):.0%} |"
            )
