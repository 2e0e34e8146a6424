"""The first lines of a training: device, data with its counts, and networks with their parameters."""

import lightning.pytorch as L
import torch

from sparring.training.parts import TrainingParts


def opening_lines(parts: TrainingParts, trainer: L.Trainer, strategy: str) -> list[str]:
    """Three lines, after the one of the command line that names the run directory; a fourth where a setting does nothing.

    Args:
        parts: with the data set up.
        trainer: knows the devices.
        strategy: how several devices would share the work, as asked for.
    """
    compiled = ", compiled: the first iterations take longer" if parts.model.compiled else ""
    lines = [f"Device: {_device(trainer)}{compiled}", f"Data: {_data(parts)}", f"Model: {_model(parts)}"]
    if strategy == "fsdp" and trainer.world_size == 1:
        lines.insert(1, "Note: trainer.strategy=fsdp has one device: nothing is divided.")
    return lines


def _device(trainer: L.Trainer) -> str:
    root = trainer.strategy.root_device
    if root.type == "cuda":
        name = torch.cuda.get_device_name(root)
    else:
        name = f"{root.type}, {torch.get_num_threads()} thread(s)" if root.type == "cpu" else root.type
    count = f"{trainer.world_size} x " if trainer.world_size > 1 else ""
    return f"{count}{name}, precision {trainer.precision}, {trainer.max_steps:,} iterations"


def _data(parts: TrainingParts) -> str:
    data, shape = parts.data, parts.data.shape
    counts = {split: len(data.whole(split).label) for split in ("train", "val", "test")}
    images = ", ".join(f"{count:,} {split}" for split, count in counts.items() if count)
    size = f"{shape.image_size} x {shape.image_size}, {shape.channels} channel{'s' * (shape.channels > 1)}"
    return f"{size}, {shape.num_classes} classes: {images} images, {data.batch_size} per batch"


def _model(parts: TrainingParts) -> str:
    model = parts.model
    sizes = [
        f"{player} {_short(sum(each.numel() for each in getattr(model, player).parameters()))}"
        for player in model.factories
    ]
    return f"{', '.join(sizes)} parameters"


def _short(count: int) -> str:
    """1.23 M, 94.2 k, 512."""
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return str(count)
