"""Keep the findings that a user selects by code or prefix, as in a linter."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from torchclinic.core.finding import Finding


def narrow(
    findings: Sequence[Finding], select: Sequence[str] = (), ignore: Sequence[str] = ()
) -> tuple[Finding, ...]:
    """Findings whose code starts with a selected prefix and with no ignored one.

    A consequence of a finding that is left out is lifted to its place.

    >>> narrow((), select=("GRD",))
    ()
    """
    kept: list[Finding] = []
    for finding in findings:
        consequences = narrow(finding.consequences, select, ignore)
        if _wanted(finding.code, select, ignore):
            kept.append(dataclasses.replace(finding, consequences=consequences))
        else:
            kept.extend(consequences)
    return tuple(kept)


def _wanted(code: str, select: Sequence[str], ignore: Sequence[str]) -> bool:
    chosen = not select or any(code.startswith(prefix.upper()) for prefix in select)
    return chosen and not any(code.startswith(prefix.upper()) for prefix in ignore)
