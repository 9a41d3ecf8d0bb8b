"""What cells of a picture decide, in numbers and in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auditor.regions import Region
from auditor.statistics.intervals import mean_intervals

__all__ = ["STRONGEST", "CellEffect", "effect_of", "row_of", "strongest", "what_decides"]

STRONGEST = 6
"""Cells that are measured again, and listed."""


@dataclass(frozen=True, slots=True)
class CellEffect:
    """What the explained score loses when one cell comes from other pictures.

    Attributes:
        drop: Mean fall of the score; low, high: its bootstrap interval over donors, None where it was only screened.
        flips: Share of donors with which the prediction changes.
    """

    region: Region
    drop: float
    low: float | None
    high: float | None
    flips: float


def effect_of(
    region: Region, drops: np.ndarray, flips: np.ndarray, bounds: tuple[float, float] | None, seed: int
) -> CellEffect:
    """The mean over donors with its interval.

    Args:
        drops, flips: Of each donor, (donors,).
        bounds: Least and greatest fall possible; None where the score has no bounds.
    """
    span = float(np.abs(drops).max())
    lower, upper = bounds or (-span, span)
    values = drops.clip(lower, upper)[None]
    lows, highs = mean_intervals(
        values, np.ones(values.shape, bool), np.arange(len(drops)), seed=seed, lower=lower, upper=upper
    )
    return CellEffect(region, float(drops.mean()), float(lows[0]), float(highs[0]), float(flips.mean()))


def strongest(cells: Sequence[CellEffect]) -> list[CellEffect]:
    """The cells that matter most, at most six."""
    measured = [cell for cell in cells if cell.low is not None]
    return sorted(measured, key=lambda cell: (-cell.drop, cell.region.name))[:STRONGEST]


def what_decides(cells: Sequence[CellEffect], name: str, score: float) -> str:
    """One sentence: the cells whose replacement moves the prediction, or that no single one does."""
    deciding = [cell for cell in strongest(cells) if (cell.low or 0) > 0 and cell.drop >= 0.05 * min(1.0, abs(score))]
    if not deciding:
        return f"{name} ({score:.2f}): no single cell decides; the evidence is spread over the picture."
    words = "; ".join(f"{_where(cell.region)} (−{cell.drop:.2f})" for cell in deciding)
    return f"{name} ({score:.2f}) rests on {words}."


def row_of(cell: CellEffect) -> tuple[str, float, float, float, float]:
    """As the page's table prints it; of a cell that was measured again."""
    assert cell.low is not None
    assert cell.high is not None
    return (_where(cell.region), cell.drop, cell.low, cell.high, cell.flips)


def _where(region: Region) -> str:
    row, column = region.name.removeprefix("cell-r").split("c")
    return f"row {row}, column {column}"
