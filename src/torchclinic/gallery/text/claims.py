"""A result on the terminal: every claim, what was measured, and whether it holds."""

from __future__ import annotations

import textwrap

from torchclinic.gallery.claim import Claim
from torchclinic.gallery.result import Result
from torchclinic.gallery.text.numbers import claim_value

WIDTH = 80
INDENT = 13


def result_text(result: Result, where: str, width: int = WIDTH) -> str:
    """A result as plain text.

    Args:
        result: What was found.
        where: The folder with its files.
        width: In columns.
    """
    seeds = len(result.seeds)
    fast = ", fast" if result.fast else ""
    head = (
        f"{result.data}{fast}, {seeds} seed{'s' if seeds != 1 else ''}, "
        f"{result.seconds:.1f} s, written to {where}"
    )
    parts = [_wrapped(f"{result.experiment}: {result.title}", width), _wrapped(head, width, 2)]
    parts += [_claim(claim, width) for claim in result.claims]
    parts += [_wrapped(f"note: {note}", width, 2) for note in result.notes]
    return "\n\n".join((f"{parts[0]}\n{parts[1]}", *parts[2:]))


def _claim(claim: Claim, width: int) -> str:
    lines = [
        f'"{claim.sentence}" ({claim.source})',
        f"{claim.measure}: {claim_value(claim)}; wanted: {claim.wanted}",
    ]
    if claim.reason:
        lines.append(f"why: {claim.reason}")
    body = "\n".join(_wrapped(line, width, INDENT, 2) for line in lines)
    return claim.judgement.value.upper().ljust(INDENT) + body[INDENT:]


def _wrapped(text: str, width: int, indent: int = 0, hanging: int = 0) -> str:
    first, rest = " " * indent, " " * (indent + hanging)
    return textwrap.fill(
        text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
    )
