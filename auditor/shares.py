"""Shares in sentences, in the one form that tables and pages have too."""

from __future__ import annotations


def percent(share: float, digits: int = 0) -> str:
    """A share as "53 %".

    Args:
        share: Of one.
        digits: Behind the point.
    """
    return f"{100 * share:.{digits}f} %"
