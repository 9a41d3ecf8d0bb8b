"""How often p ≤ α where nothing should be found: P(p ≤ α) must not exceed α.

Networks trained on pictures whose cue is independent of the class, is on every picture, or is not there at all. Two p
values of each kind of check: the smallest that the audit issued on the confirmation half (1 where nothing of the kind
went there), and one that no selection has touched: the sample-level regions on the discovery half, adjusted for their
largest. Discrete tests are conservative; uniformity is not expected. Source: METHODS, section 9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.detection.permuting import sign_flip
from benchmarks.detection.rows import Row, share
from benchmarks.detection.run_folders import Audited, Outcomes, read_evidence
from benchmarks.detection.scoring import Result

FAMILIES = ("clean", "variety", "independent", "everywhere")
LEVELS = (0.01, 0.05, 0.10)
ISSUED = "issued, confirmation half"
UNSELECTED = "unselected, discovery half"


@dataclass(frozen=True, slots=True)
class NullP:
    """p of each kind of one model.

    Attributes:
        issued: Kind → smallest p on the confirmation half.
        unselected: Kind → smallest adjusted p of the sample-level rows on the discovery half.
    """

    issued: Mapping[str, float]
    unselected: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class NullRow:
    """P(p ≤ level) of one kind of check; met unless the whole interval lies above the level."""

    which: str
    kind: str
    level: float
    row: Row


def null_run(results: Sequence[Result]) -> list[NullRow]:
    """P(p ≤ α) per kind, over all kinds, and of each model's smallest p times the number of its kinds."""
    models = [
        null_p(result.audited)
        for result in results
        if result.audited is not None and result.case.is_negative and result.case.family in FAMILIES
    ]
    rows: list[NullRow] = []
    for title, tables in ((ISSUED, [m.issued for m in models]), (UNSELECTED, [m.unselected for m in models])):
        kinds = sorted({kind for table in tables for kind in table})
        pools = {kind: [table[kind] for table in tables if kind in table] for kind in kinds}
        pools["all kinds, pooled"] = [p for table in tables for p in table.values()]
        pools["smallest of a model × its kinds"] = [min(1.0, min(t.values()) * len(t)) for t in tables if t]
        rows += [
            NullRow(title, name, level, _at(level, title, name, ps)) for name, ps in pools.items() for level in LEVELS
        ]
    return rows


def _at(level: float, title: str, name: str, ps: Sequence[float]) -> Row:
    row = share(f"P(p ≤ {level:g}), {title}, {name}", [p <= level for p in ps])
    above = row.low is not None and row.low > level
    return replace(row, target=f"≤ {level:g}", met=None if row.value is None else not above)


def null_p(audited: Audited) -> NullP:
    """Of one model, for every kind that was tested."""
    evidence = read_evidence(audited.folder)
    kinds = sorted({item.kind for item in evidence})
    return NullP(
        issued={kind: _issued(audited, kind) for kind in kinds},
        unselected={kind: p for kind in kinds if (p := _unselected(evidence, kind)) is not None},
    )


def _issued(audited: Audited, kind: str) -> float:
    """Smallest p of the kind in audit.json; a check that was folded into a finding counts with the finding's p."""
    found = [check.p for check in audited.checks if check.claim.kind == kind and check.p is not None]
    found += [
        check.p
        for check in audited.checks
        if check.p is not None and any(other.split(".")[0] == kind for other in check.also)
    ]
    return min(found, default=1.0)


def _unselected(evidence: Sequence[Outcomes], kind: str) -> float | None:
    """Smallest adjusted p of the kind's sample-level tests on half A; None where half A tested none."""
    tests = [
        test
        for item in evidence
        if item.kind == kind and item.class_name is None
        for test in item.screen
        if len(test) and not test.name.startswith("removal")
    ]
    if not tests:
        return None
    _, adjusted = sign_flip([test.differences for test in tests], [test.clusters for test in tests])
    return float(np.min(adjusted))
