"""A network as a file that PyTorch alone opens: a traced program with its weights (`torch.export`)."""

import io
import warnings
from pathlib import Path

import torch
from torch.export import Dim

from sparring.core.atomic import write_atomic
from sparring.core.errors import ConfigError
from sparring.export.networks import Inputs, Portable

BATCHES = (1, 7)  # sizes at which the file is held against the network


@torch.no_grad()
def write_program(portable: Portable, path: Path, *, tolerance: float) -> float:
    """Write `portable` to `path`, read it back and compare; returns the largest difference of a value that was seen.

    `torch.export.load(path).module()` takes what the network takes, with any number of rows.

    Raises:
        ConfigError: the network does something that a traced program cannot, or differs from the file by more than `tolerance`.
        DiskError: the file cannot be written.
    """
    network, rows = portable.network.eval(), Dim("rows")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about torch's own internals
            program = torch.export.export(network, portable.inputs, dynamic_shapes=[{0: rows} for _ in portable.inputs])
            content = io.BytesIO()
            torch.export.save(program, content)
            loaded = torch.export.load(io.BytesIO(content.getvalue())).module()
    except Exception as error:  # torch names no class of its own for all that can go wrong
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")
        raise ConfigError(
            f"the {portable.name} cannot be exported: torch.export says '{reason}'; a network of your own may not branch on "
            "values or on the number of rows (use x.shape[0], not len(x))."
        ) from error
    differences = []
    for rows_given in BATCHES:
        given = rows_of(portable.inputs, rows_given)
        differences.append((network(*given) - loaded(*given)).abs().max())
    worst = float(torch.stack(differences).max())  # NaN where one is
    if not worst <= tolerance:
        raise ConfigError(
            f"the {portable.name} computes other values from the file (by up to {worst:.2g}), as a network does that draws "
            "random numbers while it computes; it cannot be exported."
        )
    write_atomic(path, content.getvalue())
    return worst


def rows_of(inputs: Inputs, count: int) -> Inputs:
    """`count` rows of everything, repeated where there are not so many."""
    return tuple(each.repeat(count, *[1] * (each.dim() - 1))[:count] for each in inputs)
