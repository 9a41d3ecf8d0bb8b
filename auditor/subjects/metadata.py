"""The groups that metadata put pictures into: one column after the other, as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from auditor.subjects import Sample

__all__ = ["MetadataColumn", "metadata_columns"]

MOST_NUMBERS = 8
"""A column with more distinct numbers than these is a quantity (age, dose) and is cut into thirds."""


@dataclass(frozen=True, slots=True)
class MetadataColumn:
    """One column of `dataset.columns.groups`.

    Attributes:
        name: The column's.
        groups: Values, in order.
        code: int64 (n,), which of them each picture has; −1 where the cell is empty.
    """

    name: str
    groups: tuple[str, ...]
    code: np.ndarray


def metadata_columns(sample: Sample) -> tuple[list[MetadataColumn], list[str]]:
    """Every metadata column of a sample, and what must be said of it: empty cells, quantities that were cut.

    Args:
        sample: Its pictures' `groups`.
    """
    names = dict.fromkeys(name for picture in sample.pictures for name in picture.groups)
    columns, notes = [], []
    for name in names:
        cells = [picture.groups.get(name, "") for picture in sample.pictures]
        empty = cells.count("")
        if empty:
            notes.append(f"{name}: {empty} of {len(cells)} pictures have no value and are left out")
        numbers = _numbers(cells)
        if numbers is not None:
            cells, cuts = _thirds(cells, numbers)
            notes.append(f"{name}: a quantity, cut into thirds at {cuts[0]:g} and {cuts[1]:g}")
        groups = tuple(sorted(set(cells) - {""}))
        place = {group: code for code, group in enumerate(groups)}
        columns.append(MetadataColumn(name, groups, np.array([place.get(cell, -1) for cell in cells], dtype=np.int64)))
    return columns, notes


def _numbers(cells: list[str]) -> np.ndarray | None:
    """The column as numbers, NaN where empty; None where it is no quantity."""
    try:
        numbers = np.array([float(cell) if cell else np.nan for cell in cells])
    except ValueError:
        return None
    known = numbers[~np.isnan(numbers)]
    return numbers if np.isfinite(known).all() and len(np.unique(known)) > MOST_NUMBERS else None


def _thirds(cells: list[str], numbers: np.ndarray) -> tuple[list[str], tuple[float, float]]:
    low, high = (float(cut) for cut in np.nanquantile(numbers, [1 / 3, 2 / 3], method="inverted_cdf"))
    names = (f"up to {low:g}", f"{low:g} to {high:g}", f"over {high:g}")
    third = np.where(numbers <= low, 0, np.where(numbers <= high, 1, 2))
    return [names[at] if cell else "" for cell, at in zip(cells, third, strict=True)], (low, high)
