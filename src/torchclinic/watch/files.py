"""Traces on disk: one safetensors file, numbers as tensors and the rest as JSON in its header."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from torchclinic.core import OutputError, Series, Trace, TracedLayer, TraceError, WatchCost

MAGIC = "torchclinic-trace"
VERSION = 1


def save_trace(trace: Trace, path: str | os.PathLike[str]) -> None:
    """Write a trace to one file, first beside the target and then renamed over it.

    Args:
        trace: What to write; values come back bitwise, NaN and infinities included.
        path: Where; the folder must exist.

    Raises:
        OutputError: If the file cannot be written.
    """
    target = Path(path)
    tensors = dict(_tensors(trace))
    header = {MAGIC: json.dumps({"version": VERSION, **_description(trace)})}
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        beside.write_bytes(save(tensors, metadata=header))
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise OutputError(
            f"cannot write the trace to {str(target)!r}: {error.strerror or error}",
            hint="the folder must exist and be writable",
        ) from error


def load_trace(path: str | os.PathLike[str]) -> Trace:
    """Read a trace that `save_trace` wrote.

    Args:
        path: The file.

    Raises:
        TraceError: If there is no such file, or it is damaged, of another kind or too new.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> name = f"{folder.name}/run.trace"
    >>> save_trace(Trace(steps={"loss": Series((1, 2), (0.5, 0.25))}), name)
    >>> load_trace(name).steps["loss"].last
    0.25
    >>> folder.cleanup()
    """
    target = Path(path)
    if not target.is_file():
        raise TraceError(f"there is no trace file {str(target)!r}", hint="give the path of a file")
    try:
        with safe_open(str(target), framework="pt") as file:
            header = (file.metadata() or {}).get(MAGIC)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise TraceError(
            f"{str(target)!r} is no trace: {error}", hint="is the file whole? was it a .trace?"
        ) from error
    if header is None:
        raise TraceError(f"{str(target)!r} is a safetensors file, but no torchclinic trace")
    try:
        return _trace(json.loads(header), tensors)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TraceError(
            f"{str(target)!r} is a damaged trace: {type(error).__name__}: {error}",
            hint="write it again with trace.save",
        ) from error


def _tensors(trace: Trace) -> Any:
    for index, layer in enumerate(trace.layers):
        for statistic, series in layer.series.items():
            yield from _pair(f"layer/{index}/{statistic}", series)
    for statistic, series in trace.steps.items():
        yield from _pair(f"step/{statistic}", series)


def _pair(name: str, series: Series) -> Any:
    yield f"{name}/steps", torch.tensor(series.steps, dtype=torch.int64)
    yield f"{name}/values", torch.tensor(series.values, dtype=torch.float64)


def _description(trace: Trace) -> dict[str, Any]:
    return {
        "layers": [
            {
                "name": layer.name,
                "kind": layer.kind,
                "order": layer.order,
                "activation": layer.activation,
                "weighted": layer.weighted,
                "statistics": list(layer.series),
                "not_applicable": dict(layer.not_applicable),
            }
            for layer in trace.layers
        ],
        "steps": list(trace.steps),
        "cost": dataclasses.asdict(trace.cost),
        "notes": list(trace.notes),
        "meta": dict(trace.meta),
    }


def _trace(header: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Trace:
    if header["version"] > VERSION:
        raise ValueError(f"version {header['version']}, and this torchclinic reads up to {VERSION}")
    layers = tuple(
        TracedLayer(
            name=layer["name"],
            kind=layer["kind"],
            order=layer["order"],
            activation=layer["activation"],
            weighted=layer["weighted"],
            series={s: _series(f"layer/{i}/{s}", tensors) for s in layer["statistics"]},
            not_applicable=layer["not_applicable"],
        )
        for i, layer in enumerate(header["layers"])
    )
    return Trace(
        layers=layers,
        steps={name: _series(f"step/{name}", tensors) for name in header["steps"]},
        cost=WatchCost(**header["cost"]),
        notes=tuple(header["notes"]),
        meta=header["meta"],
    )


def _series(name: str, tensors: Mapping[str, Tensor]) -> Series:
    steps, values = tensors[f"{name}/steps"], tensors[f"{name}/values"]
    if steps.dim() != 1 or steps.shape != values.shape:
        raise ValueError(f"{name} has {tuple(steps.shape)} steps and {tuple(values.shape)} values")
    return Series(tuple(steps.tolist()), tuple(values.tolist()))
