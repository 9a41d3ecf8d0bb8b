"""Two audits beside each other: what got better, worse, appeared, went, and what else changed between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from auditor.findings.baseline import UNTESTED
from auditor.findings.fingerprints import fingerprinted, stable_id
from auditor.findings.leading import main_measurement
from auditor.history.changes import Change, changes
from auditor.history.differences import Difference, difference, fisher, mcnemar
from auditor.records import Audit, Check, Measurement, Severity
from auditor.reports._words import VERDICTS

LOWER_IS_BETTER = ("error", "loss", "brier", "gap", "flip", "drop", "entropy")
"""What metrics are called that had better be small; all others had better be large, or are not judged."""
HIGHER_IS_BETTER = ("accuracy", "precision", "recall", "f1", "auc", "sensitivity", "specificity")


class Turn(StrEnum):
    """What became of a finding or a metric from the first audit to the second."""

    APPEARED = "appeared"
    WORSE = "worse"
    BETTER = "better"
    WENT = "went"
    NOT_TESTED = "not_tested"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Compared:
    """One finding or metric in both audits.

    Attributes:
        id: Of the check, or metrics.<name>.
        severity: The higher of both; None for metrics.
        first, second: The number that speaks for it; None where it was not measured.
        words: What is behind the turn.
    """

    id: str
    turn: Turn
    severity: Severity | None
    first: Measurement | None
    second: Measurement | None
    difference: Difference | None
    words: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both audits, what changed between them, findings by severity, metrics."""

    first: Audit
    second: Audit
    changes: tuple[Change, ...]
    findings: tuple[Compared, ...]
    metrics: tuple[Compared, ...]

    def worse(self, least: Severity = Severity.LOW) -> bool:
        """Whether a metric or a finding of that severity got worse beyond doubt, or such a finding appeared."""
        bad = [item for item in (*self.findings, *self.metrics) if item.turn in (Turn.APPEARED, Turn.WORSE)]
        return any(item.severity is None or item.severity.rank >= least.rank for item in bad)

    def to_tree(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "schema": "auditor/comparison@1",
            "first": _head(self.first),
            "second": _head(self.second),
            "worse": self.worse(),
            "changes": [asdict(item) for item in self.changes],
            "findings": [_tree(item) for item in self.findings],
            "metrics": [_tree(item) for item in self.metrics],
        }


def compare(first: Audit, second: Audit, folders: tuple[Path, Path]) -> Comparison:
    """The second audit against the first.

    Args:
        folders: Run folders, for the specs in them.
    """
    keys = [_keyed(first), _keyed(second)]
    findings = list(_findings(keys[0], keys[1]))
    order = list(Turn)
    findings.sort(key=lambda item: (order.index(item.turn), -item.severity.rank if item.severity else 0, item.id))
    metrics = tuple(_metrics(first, second))
    return Comparison(first, second, tuple(changes(first, second, folders)), tuple(findings), metrics)


def _keyed(audit: Audit) -> dict[str, Check]:
    """By fingerprint, with the name of the audit left out: two specs of one model can be compared."""
    return {check.fingerprint or "": check for check in fingerprinted("", audit.checks)}


def _findings(first: Mapping[str, Check], second: Mapping[str, Check]) -> Iterator[Compared]:
    taken = set()
    for key, now in second.items():
        if not now.is_finding:
            continue
        before = first.get(key)
        if before is None or not before.is_finding:
            alias = _same_cue(now, first.values())
            before = alias or before
        if before is not None:
            taken.add(before.id)
        yield _compared(before, now)
    for key, before in first.items():
        if before.is_finding and before.id not in taken:
            yield _compared(before, second.get(key))


def _same_cue(check: Check, others: Iterable[Check]) -> Check | None:
    """The same cue of the same class under the name of another kind."""
    name, merged = stable_id(check.id), {stable_id(item) for item in check.also}
    for other in others:
        alike = stable_id(other.id) in merged or name in {stable_id(item) for item in other.also}
        if other.is_finding and other.class_name == check.class_name and alike:
            return other
    return None


def _compared(before: Check | None, now: Check | None) -> Compared:
    known = now if now is not None else before
    assert known is not None
    left, right = _pair(before, now)
    apart = difference(left, right) if left is not None and right is not None else None
    severities = [check.severity for check in (before, now) if check is not None and check.severity is not None]
    turn, words = _turn(before, now, apart)
    return Compared(known.id, turn, max(severities, key=lambda s: s.rank, default=None), left, right, apart, words)


def _pair(before: Check | None, now: Check | None) -> tuple[Measurement | None, Measurement | None]:
    """The same number of both: the one that speaks for the later finding, else the earlier's."""
    for leader in (now, before):
        if leader is None or not leader.is_finding:
            continue
        main = main_measurement(leader)
        pair = tuple(check.measurement(main.name) if check and main else None for check in (before, now))
        if all(pair) or leader is before or before is None or not before.is_finding:
            return pair[0], pair[1]
    return (main_measurement(before) if before else None), (main_measurement(now) if now else None)


def _turn(before: Check | None, now: Check | None, apart: Difference | None) -> tuple[Turn, str]:
    was, is_now = before is not None and before.is_finding, now is not None and now.is_finding
    if is_now and not was:
        if before is None or before.verdict in UNTESTED:
            return Turn.APPEARED, "the first audit did not test it"
        doubt = "beyond what both intervals allow" if apart and apart.certain else "within the doubt of both numbers"
        return Turn.APPEARED, f"{VERDICTS[before.verdict]} before; the difference is {doubt}"
    if was and not is_now:
        if now is not None and now.verdict in UNTESTED:
            return Turn.NOT_TESTED, f"the second audit could not tell: {VERDICTS[now.verdict]}"
        if now is None:
            return Turn.WENT, "the second audit found no such cue"
        doubt = "beyond what both intervals allow" if apart and apart.certain else "within the doubt of both numbers"
        return Turn.WENT, f"{VERDICTS[now.verdict]} now; the difference is {doubt}"
    assert before is not None
    assert now is not None
    if apart is not None and apart.certain:
        return (Turn.WORSE if apart.value > 0 else Turn.BETTER), _severity_words(before, now)
    return Turn.UNCHANGED, _severity_words(before, now)


def _severity_words(before: Check, now: Check) -> str:
    if before.severity is now.severity or before.severity is None or now.severity is None:
        return ""
    return f"severity {before.severity.value} → {now.severity.value}"


def _metrics(first: Audit, second: Audit) -> Iterator[Compared]:
    before = {item.name: item for item in first.metrics}
    for item in second.metrics:
        if item.name not in before:
            continue
        other = before[item.name]
        apart = difference(other, item)
        if apart is not None and item.name == "accuracy":
            apart = _tested(apart, first, second, other, item)
        yield Compared(f"metrics.{item.name}", _metric_turn(item.name, apart), None, other, item, apart, "")


def _metric_turn(name: str, apart: Difference | None) -> Turn:
    if apart is None or not apart.certain or apart.value == 0:
        return Turn.UNCHANGED
    if any(word in name for word in LOWER_IS_BETTER):
        return Turn.WORSE if apart.value > 0 else Turn.BETTER
    if any(word in name for word in HIGHER_IS_BETTER):
        return Turn.WORSE if apart.value < 0 else Turn.BETTER
    return Turn.UNCHANGED


def _tested(apart: Difference, first: Audit, second: Audit, before: Measurement, now: Measurement) -> Difference:
    """Accuracy with a test: paired on the same pictures, else of two shares."""
    pairs = _pairs(first, second)
    if pairs:
        lost = sum(was and not is_now for was, is_now in pairs)
        gained = sum(is_now and not was for was, is_now in pairs)
        test = f"exact McNemar on {len(pairs)} pictures: {lost} lost, {gained} gained"
        return _with_p(apart, mcnemar(lost, gained), test)
    counts = []
    for item in (before, now):
        right = (item.value or 0.0) * item.count
        if not item.count or abs(right - round(right)) > 0.01:  # weighted, or over clusters: no plain count of pictures
            return apart
        counts.append((round(right), item.count))
    return _with_p(apart, fisher(*counts[0], *counts[1]), "Fisher's exact test of two shares")


def _with_p(apart: Difference, p: float, test: str) -> Difference:
    return Difference(apart.value, apart.low, apart.high, apart.apart, p, test)


def _pairs(first: Audit, second: Audit) -> Sequence[tuple[bool, bool]]:
    """(right in the first, right in the second) of every picture, where both audits took the same ones."""
    if first.sample.digest != second.sample.digest:
        return []
    now = {item.image: item for item in second.images}
    shared = [(item, now[item.image]) for item in first.images if item.label is not None and item.image in now]
    return [(a.predicted == a.label, b.predicted == b.label) for a, b in shared]


def _head(audit: Audit) -> dict[str, Any]:
    return {
        "report_id": audit.report_id,
        "name": audit.name,
        "started": audit.started,
        "verdict": audit.verdict.value,
        "model_sha256": audit.model.sha256_before,
        "model_version": audit.model.version,
        "sample_digest": audit.sample.digest,
        "spec_sha256": audit.spec_sha256,
    }


def _tree(item: Compared) -> dict[str, Any]:
    return {
        "id": item.id,
        "turn": item.turn.value,
        "severity": item.severity.value if item.severity is not None else None,
        "first": _number(item.first),
        "second": _number(item.second),
        "difference": None
        if item.difference is None
        else {**asdict(item.difference), "certain": item.difference.certain},
        "words": item.words,
    }


def _number(item: Measurement | None) -> dict[str, Any] | None:
    return None if item is None else item.model_dump(include={"name", "value", "low", "high", "unit", "count"})
