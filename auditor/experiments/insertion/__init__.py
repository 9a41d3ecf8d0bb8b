"""Insertion: marks recovered from half A, painted on pictures without them. What a spurious score rests on."""

from __future__ import annotations

from auditor.experiments.insertion.inserting import Copies, Insertion, InsertionResult, goes_with, insert
from auditor.experiments.insertion.recovered import as_bytes, moving_marks, static_mark, with_insertion

__all__ = [
    "Copies",
    "Insertion",
    "InsertionResult",
    "as_bytes",
    "goes_with",
    "insert",
    "moving_marks",
    "static_mark",
    "with_insertion",
]
