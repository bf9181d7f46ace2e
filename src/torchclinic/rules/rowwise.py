"""Where the rows of a batch meet, in words."""

from __future__ import annotations

from torchclinic.core.facts import Case


def met(case: Case) -> str:
    """The line that makes rows meet, and how; "" where it is not known.

    >>> met(Case())
    ''
    """
    found = case.batch.meeting if case.batch is not None else None
    if found is None:
        return ""
    if found.how == "spread":
        return f"{found.line} spreads (rows, 1) over (rows,), which gives (rows, rows)"
    return f"{found.line} runs its {found.how} over axis 0, that of the rows"
