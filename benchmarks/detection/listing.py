"""Every miss and every wrong finding by name, with what the audit said: what the methods are tuned by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.detection.case_folders import Case, Cue
from benchmarks.detection.matching import about_its_class, is_right, lies_on
from benchmarks.detection.run_folders import Check
from benchmarks.detection.scoring import CueResult, Result, abstained_negative, cue_results, untrained_refused

CLOSEST = 4
"""Checks shown of a miss: those that came nearest to finding it."""
_ORDER = (
    "confirmed",
    "declared_legitimate",
    "suspected",
    "inconclusive",
    "not_reproduced",
    "encoded",
    "present_not_used",
    "no_evidence",
    "insufficient",
    "not_tested",
)


def listed(results: Sequence[Result]) -> dict[str, list[dict[str, Any]]]:
    """Title → entries, each with the case, what was planted, and what the audit said."""
    cues = cue_results(results)
    negatives = [r for r in results if r.case.is_negative]
    return {
        "misses": [_miss(item) for item in cues if not item.detected],
        "false alarms": [_entry(r, r.confirmed) for r in negatives if r.confirmed],
        "untrained models not refused": [
            _entry(r, _said([check for check in _checks(r) if check.verdict not in ("not_tested", "insufficient")]))
            for r in results
            if r.case.role == "untrained" and r.audited is not None and not untrained_refused(r)
        ],
        "findings that are not a planted cue, on models that have one": [
            _entry(r, wrong) for r in results if r.case.is_positive and (wrong := _wrong(r))
        ],
        "cues found under another kind's name": [
            _entry(item.result, item.matching, item.cue) for item in cues if item.detected and not item.kind_named
        ],
        "negatives without an answer": [
            _entry(r, [check for check in _checks(r) if check.of_whole_sample and check.verdict == "insufficient"])
            for r in negatives
            if abstained_negative(r)
        ],
        "true features": [_entry(r, r.confirmed) for r in results if r.case.role == "true_feature"],
        "between, excluded": [_entry(r, r.confirmed) for r in results if r.case.role == "between"],
        "audits that broke": [_broken(r) for r in results if r.audited is None],
        "audits with a broken part": [
            {**_entry(r, ()), "said": list(r.audited.failures)} for r in results if r.audited and r.audited.failures
        ],
    }


def _checks(result: Result) -> tuple[Check, ...]:
    return () if result.audited is None else result.audited.checks


def _wrong(result: Result) -> list[Check]:
    return [check for check in result.confirmed if not is_right(result.case, check.claim)]


def _miss(item: CueResult) -> dict[str, Any]:
    """A planted cue that was not found, with the checks of its kind or at its place."""
    cue, result = item.cue, item.result
    if result.audited is None:
        return _broken(result)
    near = [
        check
        for check in result.audited.checks
        if about_its_class(cue, check.claim) and (check.claim.kind in cue.kinds or lies_on(cue, check.claim.place))
    ]
    entry = _entry(result, _said(near), cue)
    if not near:
        entry["said"] = [f"no check of kind {' or '.join(cue.kinds)}, and none at its place"]
    if item.abstained:
        entry["said"].append("counts as abstention")
    entry["said"] += [f"elsewhere: {check.words}" for check in _wrong(result)]
    return entry


def _said(checks: Sequence[Check]) -> list[Check]:
    """The checks that came nearest to a finding."""
    ranked = sorted(checks, key=lambda check: (_rank(check), -check.claim.effect))
    return ranked[:CLOSEST]


def _rank(check: Check) -> int:
    return _ORDER.index(check.verdict) if check.verdict in _ORDER else len(_ORDER)


def _entry(result: Result, checks: Sequence[Check], cue: Cue | None = None) -> dict[str, Any]:
    case = result.case
    cues = case.cues if cue is None else (cue,)
    return {
        "id": case.id,
        "case": _case_words(case),
        "planted": [item.words for item in cues],
        "said": [check.words for check in checks],
    }


def _broken(result: Result) -> dict[str, Any]:
    return {**_entry(result, ()), "said": [f"the audit broke: {result.error}"]}


def _case_words(case: Case) -> str:
    boxes = "boxes" if case.boxes else "no boxes"
    looks = [part for part in (case.design, case.place) if part]
    return ", ".join([case.family, case.role, *looks, f"{case.pixels} px", f"{case.images} images", boxes])
