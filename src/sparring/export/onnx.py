"""A network as an ONNX file, which runtimes other than PyTorch read."""

import contextlib
import io
import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from torch.export import Dim

from sparring.core.atomic import write_atomic
from sparring.core.errors import ConfigError
from sparring.export.networks import Portable
from sparring.export.program import BATCHES, rows_of

OPSET = 20


@torch.no_grad()
def write_onnx(portable: Portable, path: Path, *, tolerance: float) -> float:
    """Write `portable` to `path` and hold it against the network in onnxruntime; returns the largest difference that was seen.

    Inputs and output have the names that the card gives them and any number of rows.

    Raises:
        ConfigError: a package is missing, the network has an operation that ONNX does not, or the file's values differ by more
            than `tolerance`.
        DiskError: the file cannot be written.
    """
    runtime, network = _runtime(), portable.network.eval()
    names, (gives,) = list(portable.takes), portable.gives
    output = gives if gives not in names else f"{gives}_out"
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), _quiet():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                network, portable.inputs, dynamo=True, input_names=names, output_names=[output], opset_version=OPSET,
                dynamic_shapes=[{0: Dim("rows")} for _ in portable.inputs], verbose=False,
            )  # fmt: skip
        content = program.model_proto.SerializeToString()  # type: ignore[union-attr]
        session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    except Exception as error:  # torch and onnxruntime name no class for all that can go wrong
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")
        raise ConfigError(
            f"the {portable.name} cannot be written as ONNX: {reason}; format=[pt2] may still be possible."
        ) from error
    worst = 0.0
    for rows in BATCHES:
        given = rows_of(portable.inputs, rows)
        (seen,) = session.run(None, dict(zip(names, (each.numpy() for each in given), strict=True)))
        difference = float((network(*given) - torch.from_numpy(seen)).abs().max())
        worst = difference if difference != difference else max(worst, difference)
    if not worst <= tolerance:
        raise ConfigError(
            f"the {portable.name} computes other values in onnxruntime (by up to {worst:.2g}, tolerance={tolerance:g})."
        )
    write_atomic(path, content)
    return worst


def _runtime() -> Any:
    try:
        import onnx  # noqa: F401
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"format=[onnx] needs a package that is not installed ({error.name}): pip install onnx onnxruntime onnxscript, or "
            "sparring's extra onnx."
        ) from None
    return onnxruntime


@contextlib.contextmanager
def _quiet() -> Any:
    """Without the exporter's log records of its own steps."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)
