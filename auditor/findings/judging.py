"""From raw paired outcomes to verdicts. Pure: the same evidence gives the same verdicts, today and next year.

Source: docs/methods.md, statistics and verdicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from statsmodels.stats.multitest import multipletests

from auditor.evidence import CheckEvidence, PairedEffects
from auditor.findings.grades import STEPS, grade, severity
from auditor.findings.measuring import listed, measure, measurements_of, units_of
from auditor.findings.words import recommendation, sentence
from auditor.records import Check, Grade, Measurement, Verdict
from auditor.shares import percent
from auditor.statistics.testing import ALPHA, across_kinds, minimum_detectable_effect, sign_flip_test

LOCATION_KINDS = ("overlay", "corner", "border", "region", "cluster")
"""From the most specific to the least; their regions overlap."""
MINIMUM_COUNT = 8
LARGEST_MDE = 0.25
BACKGROUND_FOLLOWED = 0.10
"""Background follow, minus its control, from which a BG-gap can confirm. [tuned on the tuning half of the benchmark]"""
PRESENCE_ALPHA = 0.05
ORDINARY = {"watermark_gap": 0.05, "attractor": 0.10, "background_gap": 0.05, "background_follow": 0.05}
"""What any legible mark and any strange background cost an honest network, more than their controls do: these tests ask
whether the effect is larger, and not whether it is exactly nothing (minimum-effect tests: Murphy and Myors, Journal of
Applied Psychology 1999). [networks of the benchmark's tuning half that rely on neither]"""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What holds for all checks of an audit.

    Attributes:
        above_chance: Whether accuracy is above chance; None without labels.
        chance_words: The figures, for sentences.
        seed: Of permutation draws and bootstrap.
    """

    above_chance: bool | None
    chance_words: str
    seed: int


@dataclass(frozen=True, slots=True)
class _Numbers:
    """What a check carries whatever its verdict."""

    measurements: tuple[Measurement, ...] = ()
    main: Measurement | None = None
    p: float | None = None
    q: float | None = None
    mde: float | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    """One test of one check on the confirmation half."""

    check: int
    test: PairedEffects


@dataclass(frozen=True, slots=True)
class _Own:
    """An effect that brings its own p."""

    check: int
    name: str
    p: float


def judge(evidence: Sequence[CheckEvidence], circumstances: Circumstances) -> list[Check]:
    """Verdict of every check, in the order given."""
    p_of, q_of = _corrected(evidence, circumstances.seed)
    return [
        _judge_one(item, p_of.get(index, {}), q_of.get(index, {}), circumstances) for index, item in enumerate(evidence)
    ]


def _corrected(
    evidence: Sequence[CheckEvidence], seed: int
) -> tuple[dict[int, dict[str, float]], dict[int, dict[str, float]]]:
    """Adjusted p within each kind, and q across kinds, for each test of the confirmation half that can confirm."""
    rows: dict[str, list[_Row]] = {}
    for index, item in enumerate(evidence):
        if item.not_tested is None and item.judged:
            rows.setdefault(item.kind, [])
            rows[item.kind] += [_Row(index, test) for test in item.confirm if _can_confirm(item, test)]
    own: dict[str, list[_Own]] = {kind: [] for kind in rows}
    for index, item in enumerate(evidence):
        if item.not_tested is None and item.judged:
            own[item.kind] += [_Own(index, effect.name, effect.p) for effect in item.tested]
    adjusted: dict[str, list[float]] = {
        kind: [*_within(found, seed), *_holm([effect.p for effect in own[kind]])] for kind, found in rows.items()
    }
    # what the discovery half left out was not tested on the confirmation half, of which it knows nothing
    tested = {kind: ps for kind, ps in adjusted.items() if ps}
    qs = across_kinds(tested, overlapping=sum(kind in LOCATION_KINDS for kind in tested) > 1)
    p_of: dict[int, dict[str, float]] = {}
    q_of: dict[int, dict[str, float]] = {}
    for kind, found in rows.items():
        names = [(row.check, row.test.name) for row in found] + [(effect.check, effect.name) for effect in own[kind]]
        for (check, name), p, q in zip(names, adjusted[kind], qs.get(kind, []), strict=True):
            p_of.setdefault(check, {})[name] = p
            q_of.setdefault(check, {})[name] = q
    return p_of, q_of


def _can_confirm(item: CheckEvidence, test: PairedEffects) -> bool:
    """Following confirms anywhere that is judged; removal only where the region is provably off the object.

    A BG-gap says that accuracy falls, not that the background is believed: it confirms where predictions follow too.
    """
    if test.name == "background_gap":
        follow = next((other for other in item.confirm if other.name == "background_follow"), None)
        return follow is not None and len(follow) > 0 and float(np.mean(follow.differences)) >= BACKGROUND_FOLLOWED
    if not test.name.startswith("removal"):
        return True
    return item.off_object and _fills_sane(item) and _fills_agree(item)


def _fills_sane(item: CheckEvidence) -> bool:
    return sum(fill.passed for fill in item.fills) >= 2


def _fills_agree(item: CheckEvidence) -> bool:
    signs = [np.sign(np.mean(test.differences)) for test in item.confirm if test.name.startswith("removal")]
    return bool(signs) and max(signs.count(1.0), signs.count(-1.0)) >= 2


def _within(rows: Sequence[_Row], seed: int) -> list[float]:
    """Max-statistic over the checks of one kind; rows share recipients, so they share the signs."""
    if not rows:
        return []
    recipients = sorted({i for row in rows for i in row.test.recipients})
    column = {recipient: position for position, recipient in enumerate(recipients)}
    clusters = np.zeros(len(recipients), dtype=int)
    differences = np.full((len(rows), len(recipients)), np.nan)
    for place, row in enumerate(rows):
        columns = [column[i] for i in row.test.recipients]
        differences[place, columns] = np.asarray(row.test.differences) - ORDINARY.get(row.test.name, 0.0)
        clusters[columns] = row.test.clusters
    _, adjusted = sign_flip_test(differences, list(clusters), seed=seed)
    return [float(p) for p in adjusted]


def _holm(ps: Sequence[float]) -> list[float]:
    """Effects with p of their own share no permutations: Holm keeps the family's error."""
    return [float(p) for p in multipletests(ps, method="holm")[1]] if ps else []


def _judge_one(
    item: CheckEvidence, p_of: dict[str, float], q_of: dict[str, float], circumstances: Circumstances
) -> Check:
    if item.not_tested is not None:
        return _check(item, Verdict.NOT_TESTED, why=item.not_tested)
    if item.too_few is not None:
        return _check(item, Verdict.INSUFFICIENT, why=item.too_few)
    if item.absent is not None:
        return _check(item, Verdict.NO_EVIDENCE, why=item.absent)
    measurements = measurements_of(item, circumstances.seed)
    if item.described is not None:
        if circumstances.above_chance is False and (item.screen or item.confirm):
            return _check(item, Verdict.INSUFFICIENT, _Numbers(tuple(measurements)), why=circumstances.chance_words)
        return _check(item, Verdict.NO_EVIDENCE, _Numbers(tuple(measurements)))
    main = _main_test(measurements, q_of)
    tests = item.confirm or item.screen
    units = max(
        [*(units_of(test) for test in tests), *(t.measurement.count for t in (*item.tested, *listed(item.encoded)))],
        default=0,
    )
    own = [effect.detectable for effect in item.tested if effect.detectable is not None]
    mde = min(own) if own else minimum_detectable_effect(units) if units else None
    numbers = _Numbers(
        tuple(measurements), main, p_of.get(main.name) if main else None, q_of.get(main.name) if main else None, mde
    )
    if not item.judged:
        return _check(item, Verdict.NOT_TESTED, numbers, why=_UNJUDGED)
    if circumstances.above_chance is False:
        return _check(item, Verdict.INSUFFICIENT, numbers, why=circumstances.chance_words)
    if units < MINIMUM_COUNT:
        why = f"{units} images can follow another class here, {MINIMUM_COUNT} are needed"
        return _check(item, Verdict.INSUFFICIENT, numbers, why=why)
    reached = _confirmed_grade(item.kind, measurements, q_of)
    if reached is not None and item.at_most_suspected is not None:
        return _check(item, Verdict.SUSPECTED, numbers, why=item.at_most_suspected)
    if reached is not None:
        harmful = _harmful(item, circumstances.seed)
        check = _check(item, Verdict.CONFIRMED, numbers, grade=reached)
        return check.model_copy(update={"severity": severity(reached, harmful=harmful is True), "harmful": harmful})
    verdict, why = _without_confirmation(item, p_of, q_of, mde)
    return _check(item, verdict, numbers, why=why)


_UNJUDGED = "it reaches the object, which moves with it, so following proves nothing; see the causal map"


def _main_test(measurements: Iterable[Measurement], q_of: dict[str, float]) -> Measurement | None:
    """The test that speaks for the check: the most significant that can confirm, else the first."""
    named = [m for m in measurements if m.name in STEPS or m.name.startswith("removal")]
    able = [m for m in named if m.name in q_of]
    if able:
        return min(able, key=lambda m: (q_of[m.name], -(m.value or 0.0)))
    return named[0] if named else None


def _confirmed_grade(kind: str, measurements: Sequence[Measurement], q_of: dict[str, float]) -> Grade | None:
    """The highest grade that any test reaches with q ≤ .05 and a positive lower bound."""
    reached = [
        grade(m.name, m.value, kind)
        for m in measurements
        if m.name in q_of and q_of[m.name] <= ALPHA and m.value is not None and m.low is not None and m.low > 0
    ]
    grades = [g for g in reached if g is not None]
    return max(grades, key=list(Grade).index) if grades else None


def _harmful(item: CheckEvidence, seed: int) -> bool | None:
    """Whether labels show that the cue costs accuracy: pictures are classified better once it is removed."""
    if item.accuracy_gain is None or len(item.accuracy_gain) < MINIMUM_COUNT:
        return None
    gain = measure(item.accuracy_gain, "accuracy_gain", seed)
    return bool(gain.low is not None and gain.low > 0)


def _without_confirmation(
    item: CheckEvidence,
    p_of: dict[str, float],
    q_of: dict[str, float],
    mde: float | None,
) -> tuple[Verdict, str]:
    if item.out_of_budget:
        return Verdict.SUSPECTED, "it stood out on the discovery half; the budget held no confirmation for it"
    if item.stood_out and item.uncontrolled is not None:
        return Verdict.SUSPECTED, item.uncontrolled
    able = bool(p_of)
    significant = able and min(q_of.values()) <= ALPHA
    nearly = able and min(*p_of.values(), *(effect.p for effect in item.tested), 1.0) <= ALPHA
    if item.stood_out and (item.confirm or item.tested):
        removal_only = not significant and _removal_speaks(item)
        if removal_only and not (_fills_sane(item) and _fills_agree(item)):
            return Verdict.INCONCLUSIVE, _fill_words(item)
        if significant:
            return Verdict.NO_EVIDENCE, "the effect is real but below the level that is reported as minor"
        if nearly:
            return Verdict.SUSPECTED, "significant alone, not after correction for the number of checks"
        return Verdict.NOT_REPRODUCED, "it stood out on the discovery half and vanished on the confirmation half"
    if item.encoded is not None and item.encoded.p <= PRESENCE_ALPHA:
        return Verdict.ENCODED, "it can be read from the network's features; no test of its use came out"
    if mde is None or round(mde, 2) > LARGEST_MDE:
        shown = "no effect at all" if mde is None else f"only effects of {percent(mde)} and more"
        return Verdict.INSUFFICIENT, f"with so few images {shown} would have been seen"
    if item.presence is not None and item.presence.p <= PRESENCE_ALPHA:
        return Verdict.PRESENT_NOT_USED, ""
    return Verdict.NO_EVIDENCE, ""


def _removal_speaks(item: CheckEvidence) -> bool:
    """Whether removing the region flips predictions more than removing its control, by any fill."""
    return any(
        test.name.startswith("removal") and len(test) >= MINIMUM_COUNT and np.mean(test.differences) >= 0.05
        for test in item.confirm
    )


def _fill_words(item: CheckEvidence) -> str:
    failed = [fill.fill for fill in item.fills if not fill.passed]
    if failed:
        return f"removal moves predictions, but filled pictures look unlike pictures to the model ({', '.join(failed)})"
    return "removal moves predictions, but the kinds of fill disagree"


def _check(
    item: CheckEvidence, verdict: Verdict, numbers: _Numbers = _Numbers(), *, why: str = "", grade: Grade | None = None
) -> Check:
    return Check(
        id=item.id,
        kind=item.kind,
        region=item.region,
        class_name=item.class_name,
        verdict=verdict,
        grade=grade,
        measurements=numbers.measurements,
        p=numbers.p,
        q=numbers.q,
        minimum_detectable_effect=numbers.mde,
        sentence=sentence(item, verdict, numbers.main, grade, numbers.mde, why),
        recommendation=recommendation(item.kind) if verdict is Verdict.CONFIRMED else "",
    )
