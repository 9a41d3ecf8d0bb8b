"""Clause maps: which clause of a law or framework asks for what, and what of it an audit really holds.

A map is a data file with its source and date; it names the evidence that would support a clause. Whether that evidence
is there is decided here, from the audit alone. A clause is supported by evidence, never fulfilled by it.
"""

from __future__ import annotations

from auditor.clauses.coverage import supported
from auditor.clauses.maps import ClauseMap, MapError, names, read_map

__all__ = ["ClauseMap", "MapError", "names", "read_map", "supported"]
