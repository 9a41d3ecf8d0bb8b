"""Sets what the audits said against what was planted: per cue, per model, then as rows with intervals.

What counts is written in docs/detection.md. A case whose audit broke counts as a miss where a cue was planted; it says
nothing about false alarms, and is counted on a row of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from benchmarks.detection.case_folders import BACKGROUND, CLEAN, GLOBAL, LOCAL, POSITIVE, Case, Cue
from benchmarks.detection.matching import about_its_class, is_right, lies_on, matches
from benchmarks.detection.rows import Row, seconds, share
from benchmarks.detection.run_folders import ABSTAINING, Audited, Check
from benchmarks.detection.targets import (
    ABSTAINED_NEGATIVE,
    ABSTAINED_POSITIVE,
    BOTH_OF_TWO,
    BROKEN_PART,
    CRASHED,
    FALSE_ALARMS,
    GLOBAL_RECALL,
    KIND_NAMED,
    LOCAL_RECALL,
    PARTIAL_RECALL,
    PRECISION,
)

IMAGE_COUNTS = (64, 128)


@dataclass(frozen=True, slots=True)
class Result:
    """A case and its audit.

    Attributes:
        audited: None where the audit broke.
        error: Why it broke.
        wall: Seconds of the whole command, start-up included; None where it was not run by this benchmark.
    """

    case: Case
    audited: Audited | None
    error: str | None = None
    wall: float | None = None

    @property
    def confirmed(self) -> tuple[Check, ...]:
        """Findings, the strongest first; none where the audit broke."""
        return () if self.audited is None else self.audited.confirmed


@dataclass(frozen=True, slots=True)
class CueResult:
    """One planted cue that the model was measured to rely on."""

    result: Result
    cue: Cue

    @property
    def matching(self) -> tuple[Check, ...]:
        """Confirmed checks that are this cue, the strongest first."""
        return tuple(check for check in self.result.confirmed if matches(self.cue, check.claim))

    @property
    def detected(self) -> bool:
        """Whether any confirmed check is this cue."""
        return bool(self.matching)

    @property
    def kind_named(self) -> bool:
        """Whether the strongest check that is this cue has a kind that names it rightly."""
        return self.matching[0].claim.kind in self.cue.kinds

    @property
    def region_hit(self) -> bool | None:
        """Whether the strongest finding about the cue's class lies on it; None without a place or a finding."""
        if self.cue.place is None:
            return None
        about = [check for check in self.result.confirmed if about_its_class(self.cue, check.claim)]
        return lies_on(self.cue, about[0].claim.place) if about else None

    @property
    def abstained(self) -> bool:
        """Not detected, and a check of the whole sample, of its kind or at its place, gave no answer."""
        if self.result.audited is None or self.detected:
            return False
        return any(
            check.of_whole_sample
            and check.verdict in ABSTAINING
            and (check.claim.kind in self.cue.kinds or lies_on(self.cue, check.claim.place))
            for check in self.result.audited.checks
        )


def cue_results(results: Iterable[Result]) -> list[CueResult]:
    """Cues that count for recall: those of positive models, each by its own score; between ones are left out."""
    return [
        CueResult(result, cue)
        for result in results
        if result.case.is_positive
        for cue in result.case.cues
        if cue.role in POSITIVE
    ]


def abstained_negative(result: Result) -> bool:
    """Nothing confirmed, and all that was tested of some kind on the whole sample gave no answer."""
    if result.audited is None or result.confirmed:
        return False
    by_kind: dict[str, list[str]] = {}
    for check in result.audited.checks:
        if check.of_whole_sample and check.verdict != "not_tested":
            by_kind.setdefault(check.claim.kind, []).append(check.verdict)
    return any(all(verdict in ABSTAINING for verdict in verdicts) for verdicts in by_kind.values())


def untrained_refused(result: Result) -> bool:
    """Nothing confirmed, and every check that measured an effect says `insufficient`."""
    if result.audited is None or result.confirmed:
        return False
    said = [c.verdict for c in result.audited.checks if c.verdict != "not_tested" and c.measured]
    return bool(said) and all(verdict == "insufficient" for verdict in said)


def score(results: Sequence[Result], *, smoke: bool = False) -> list[Row]:
    """Every row, the headline ones first.

    Args:
        results: Of one half.
        smoke: Whether the suite is the small one, whose intervals are too wide to be set against a target.
    """

    def row(name: str, outcomes: Iterable[bool], note: str = "") -> Row:
        return share(name, list(outcomes), smoke=smoke, note=note)

    audited = [result for result in results if result.audited is not None]
    negatives = [result for result in audited if result.case.is_negative]
    return [
        *_headline(results, negatives, row),
        *_by_family(results, row),
        *_negatives(negatives, row),
        *_apart(audited, row),
        *_images_needed(results, row),
        row(CRASHED, (result.audited is None for result in results)),
        row(BROKEN_PART, (bool(result.audited and result.audited.failures) for result in audited)),
        *_durations(audited),
    ]


_Share = Callable[..., Row]


def _headline(results: Sequence[Result], negatives: Sequence[Result], row: _Share) -> list[Row]:
    cues = cue_results(results)
    single = [item for item in cues if not item.result.case.is_pair]
    pairs = [cues_of for cues_of in _by_pair(cues) if len(cues_of) > 1]
    detected = [item for item in cues if item.detected]
    judged = [result for result in results if result.case.role not in ("between", "true_feature")]
    hits = [item.region_hit for item in cues if item.region_hit is not None]
    return [
        row(LOCAL_RECALL, _found(single, "strong", LOCAL), note="corner tag, centred text, frame, moving tag"),
        row(GLOBAL_RECALL, _found(single, "strong", GLOBAL)),
        row("recall, strong background", _found(single, "strong", BACKGROUND)),
        row(PARTIAL_RECALL, _found(single, "partial"), note="all families"),
        row(FALSE_ALARMS, (bool(result.confirmed) for result in negatives), note="clean and hard negatives"),
        row(
            PRECISION,
            (is_right(result.case, check.claim) for result in judged for check in result.confirmed),
            note="over all models but between and true-feature ones",
        ),
        row(KIND_NAMED, (item.kind_named for item in detected)),
        row("region hit, strongest finding of the class", hits, note="cues that have a place"),
        row(BOTH_OF_TWO, (all(item.detected for item in both) for both in pairs), note="models that rely on both"),
        row(ABSTAINED_POSITIVE, (item.abstained for item in cues)),
        row(ABSTAINED_NEGATIVE, (abstained_negative(result) for result in negatives), note="untrained left out"),
    ]


def _found(cues: Sequence[CueResult], role: str, families: Sequence[str] | None = None) -> list[bool]:
    return [
        item.detected for item in cues if item.cue.role == role and (families is None or item.cue.family in families)
    ]


def _by_pair(cues: Sequence[CueResult]) -> list[list[CueResult]]:
    grouped: dict[str, list[CueResult]] = {}
    for item in cues:
        if item.result.case.is_pair:
            grouped.setdefault(item.result.case.id, []).append(item)
    return list(grouped.values())


def _by_family(results: Sequence[Result], row: _Share) -> list[Row]:
    cues = cue_results(results)
    single = [item for item in cues if not item.result.case.is_pair]
    found = []
    for family in sorted({item.cue.family for item in single}):
        for role in POSITIVE:
            outcomes = _found(single, role, (family,))
            if outcomes:
                found.append(row(f"recall, {role}, {family}", outcomes))
    for role in POSITIVE:
        outcomes = _found([item for item in cues if item.result.case.is_pair], role)
        if outcomes:
            found.append(row(f"recall, {role}, one of two cues", outcomes, note="cues of pairs, each for itself"))
    return found


def _negatives(negatives: Sequence[Result], row: _Share) -> list[Row]:
    hard = [result for result in negatives if result.case.family not in CLEAN]
    clean = [result for result in negatives if result.case.family in CLEAN]
    rows = [
        row("false alarms, all clean models", (bool(result.confirmed) for result in clean)),
        row("false alarms, all hard negatives", (bool(result.confirmed) for result in hard)),
    ]
    for family in sorted({result.case.family for result in negatives}):
        alarms = [bool(result.confirmed) for result in negatives if result.case.family == family]
        rows.append(row(f"false alarms, {family}", alarms))
    return rows


def _apart(audited: Sequence[Result], row: _Share) -> list[Row]:
    """What is scored apart: untrained models, true features, cues that the owner declares legitimate."""
    untrained = [result for result in audited if result.case.role == "untrained"]
    features = [result for result in audited if result.case.role == "true_feature"]
    declared = [result for result in audited if result.case.expects == "declared"]
    return [
        row("untrained model refused as insufficient", (untrained_refused(result) for result in untrained)),
        row(
            "true feature found where it lies",
            (any(matches(cue, check.claim) for check in r.confirmed for cue in r.case.cues) for r in features),
            note="causally the same as a cue; legitimacy is the owner's call",
        ),
        row(
            "true feature: something else confirmed",
            (not all(any(matches(c, k.claim) for c in r.case.cues) for k in r.confirmed) for r in features),
        ),
        row(
            "declared cue recognised as legitimate",
            (
                any(c.verdict == "declared_legitimate" for c in (r.audited.checks if r.audited else ()))
                for r in declared
            ),
            note="where it was not confirmed to begin with, there is nothing to declare",
        ),
    ]


def _images_needed(results: Sequence[Result], row: _Share) -> list[Row]:
    single = [item for item in cue_results(results) if not item.result.case.is_pair]
    return [
        row(
            f"recall, {role}, {images} images",
            _found([item for item in single if item.result.case.images == images], role),
        )
        for role in POSITIVE
        for images in IMAGE_COUNTS
    ]


def _durations(audited: Sequence[Result]) -> list[Row]:
    timed = [result.audited for result in audited if result.audited is not None and result.audited.seconds]
    return [
        seconds("seconds, an audit", [sum(item.seconds.values()) for item in timed]),
        seconds("seconds, its probes", [item.seconds["probes"] for item in timed if "probes" in item.seconds]),
        seconds("seconds, the whole command", [result.wall for result in audited if result.wall is not None]),
    ]


def counts(results: Sequence[Result]) -> dict[str, int]:
    """Models by role, and cues of pairs that are neither strong nor partial."""
    found = Counter(result.case.role for result in results)
    between = sum(
        cue.role not in POSITIVE for r in results if r.case.is_positive and r.case.is_pair for cue in r.case.cues
    )
    return {
        "models": len(results),
        **dict(sorted(found.items())),
        "cues of pairs left out (S < .25)": between,
    }
