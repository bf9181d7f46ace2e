"""time_words(): a span of time as a person says it."""

from __future__ import annotations


def time_words(seconds: float) -> str:
    """The span in the unit that suits it, rounded to what one wants to know of a wait.

    **Units**: seconds.

    >>> time_words(42.4), time_words(170), time_words(9000)
    ('42 s', '3 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
