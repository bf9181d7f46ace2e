"""Pieces of printed code: numbers, names, constructor calls."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from torch.optim import Optimizer

from torchclinic.remedies._edited_optimizer import EditedOptimizer


def number(value: float) -> str:
    """A number as a person would type it, to three digits.

    >>> number(0.0012345), number(0.5), number(3e-7), number(100.0)
    ('0.00123', '0.5', '3e-07', '100.0')
    """
    return repr(float(f"{value:.3g}"))


def rounded(value: float) -> float:
    """The number that `number` prints.

    >>> rounded(0.0012345)
    0.00123
    """
    return float(f"{value:.3g}")


def names(values: Iterable[str]) -> str:
    """A tuple of names as Python text, over several lines where it is long.

    >>> names(["fc1", "fc2"]), names(["fc1"])
    ('("fc1", "fc2")', '("fc1",)')
    """
    quoted = [f'"{value}"' for value in values]
    line = f"({', '.join(quoted)}{',' if len(quoted) == 1 else ''})"
    if len(line) <= 80:
        return line
    lines, current = [], ""
    for item in quoted:
        if len(current) + len(item) > 80:
            lines.append(current)
            current = ""
        current += f"{item}, "
    return "(\n" + "\n".join(f"    {row.rstrip()}" for row in [*lines, current]) + "\n)"


def submodule(name: str, root: str = "model") -> str:
    """A path to a module as a person would write it.

    >>> submodule("layers.0"), submodule("encoder.fc1"), submodule("")
    ('model.layers[0]', 'model.encoder.fc1', 'model')
    """
    path = root
    for part in name.split(".") if name else ():
        if part.isidentifier():
            path += f".{part}"
        else:
            path += f"[{part}]" if part.isdigit() else f'["{part}"]'
    return path


def constructor(factory: Any, changed: Mapping[str, Any]) -> str | None:
    """`optimizer = torch.optim.SGD(model.parameters(), lr=0.1, ...)` with some options changed.

    None where the factory is not a torch optimizer whose options can be read.
    """
    if isinstance(factory, EditedOptimizer):
        return None
    kind, options = (
        (factory.func, factory.keywords)
        if isinstance(factory, partial)
        else (
            factory,
            {},
        )
    )
    if isinstance(factory, partial) and factory.args:
        return None
    if not _is_torchs(kind):
        return None
    shown = {**options, **changed}
    text = "".join(f", {name}={_literal(value)}" for name, value in shown.items())
    return f"optimizer = torch.optim.{kind.__name__}(model.parameters(){text})"


def split_imports(code: str) -> tuple[list[str], str]:
    r"""Import statements at the top of a piece of code, and what follows them.

    >>> split_imports("import torch\n\nx = torch.zeros(1)")
    (['import torch'], 'x = torch.zeros(1)')
    """
    lines = code.strip("\n").split("\n")
    imports, end = [], 0
    for node in ast.parse(code.strip("\n")).body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            break
        end = node.end_lineno or node.lineno
        imports.append(ast.unparse(node))
    return imports, "\n".join(lines[end:]).strip("\n")


def joined(*codes: str) -> str:
    r"""Several pieces of code as one, imports first and once.

    >>> print(joined("import torch\n\nx = 1", "import torch\n\ny = 2"))
    import torch
    <BLANKLINE>
    x = 1
    y = 2
    """
    parts = [split_imports(code) for code in codes if code]
    imports = list(dict.fromkeys(line for lines, _ in parts for line in lines))
    text = "\n".join([*imports, ""] if imports else [])
    for place, (_, body) in enumerate(parts):
        gap = "\n\n" if body.startswith("def ") else ""
        text += ("\n" if text or place else "") + gap + body
    return text


def _is_torchs(kind: Any) -> bool:
    return (
        isinstance(kind, type)
        and issubclass(kind, Optimizer)
        and kind.__module__.startswith("torch.optim")
    )


def _literal(value: Any) -> str:
    return number(value) if isinstance(value, float) else repr(value)
