"""What each part of the method is worth: the saved evidence judged again without it. No audit is run again.

The rules are written anew from METHODS, not taken from the auditor: sign flips over recipients, adjusted for the
largest of a kind; Holm over the kinds' smallest p; a smallest effect per sort of evidence; overlapping
claims of one class are one. They apply to models with a cue of strong or partial effect and to negatives; untrained
models, true features and declared cues are left out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from statsmodels.stats.multitest import multipletests

from benchmarks.detection import attention
from benchmarks.detection.case_folders import LOCAL
from benchmarks.detection.matching import is_right, matches, merged
from benchmarks.detection.permuting import sign_flip
from benchmarks.detection.rows import Row, share
from benchmarks.detection.run_folders import Claim, Outcomes, Paired, read_evidence
from benchmarks.detection.scoring import Result, cue_results

ALPHA = 0.05
LEAST_EFFECT: Mapping[str, float] = {
    "spurious_score": 0.15,
    "removal": 0.05,
    "background_gap": 0.15,
    "background_follow": 0.20,
    "attractor": 0.25,
}
ANY_EFFECT = 0.10
"""Smallest effect that is claimed; of evidence that `LEAST_EFFECT` does not name: follow rates and transfers.
Source: METHODS, section 8, the step `minor`."""
SHORTLISTED = "measured on what was shortlisted"


@dataclass(frozen=True, slots=True)
class Ablation:
    """One rule beside the full method.

    Attributes:
        note: What the rule does, and where its evidence is partial.
        models: Models that had the evidence that the rule needs, of `of`.
    """

    rule: str
    note: str
    models: int
    of: int
    recall: Row
    false_alarms: Row
    precision: Row


Claims = Mapping[str, Sequence[Claim] | None]
"""Case → claims; None where the model has no evidence for the rule."""


def ablations(results: Sequence[Result], chosen_on: Sequence[Result]) -> list[Ablation]:
    """Every rule, the full method first.

    Args:
        results: Of one half.
        chosen_on: Of the tuning half, on which the attention rule's method and threshold are chosen.
    """
    kept = population(results)
    full = {r.case.id: [check.claim for check in r.confirmed] for r in kept}
    found = [_compared("full method", "confirmed checks, overlapping ones as one", full, kept)]
    found += _attention_rules(kept, population(chosen_on))
    evidence = {}
    for number, result in enumerate(kept, start=1):
        assert result.audited is not None
        evidence[result.case.id] = read_evidence(result.audited.folder)
        if number % 25 == 0:
            print(f"ablations: evidence of {number} of {len(kept)} models read", file=sys.stderr)
    for name, (rule, note) in RULES.items():
        print(f"ablations: {name}", file=sys.stderr, flush=True)
        claims = {case: rule(tested) for case, tested in evidence.items()}
        found.append(_compared(name, note, claims, kept))
    return found


def population(results: Iterable[Result]) -> list[Result]:
    """Models that the rules apply to."""
    return [
        result
        for result in results
        if result.audited is not None
        and (result.case.is_positive or result.case.is_negative)
        and result.case.expects != "declared"
    ]


def _compared(rule: str, note: str, claims: Claims, results: Sequence[Result]) -> Ablation:
    """Recall, false alarms and precision of a rule's claims; models without the evidence claim nothing."""
    known = sum(claims.get(r.case.id) is not None for r in results)
    said = {r.case.id: list(claims.get(r.case.id) or ()) for r in results}
    strong = _strong_local(results)
    # what no audit measured has no figure: a rule that had nothing to judge did not stay silent
    counted = known > 0
    found = [any(matches(cue, claim) for claim in said[r.case.id] for cue in r.case.cues) for r in strong if counted]
    alarms = [bool(said[r.case.id]) for r in results if r.case.is_negative and counted]
    right = [is_right(r.case, group[0]) for r in results for group in merged(said[r.case.id])]
    return Ablation(
        rule,
        note,
        known,
        len(results),
        share(f"{rule}: recall, strong local", found),
        share(f"{rule}: false alarms", alarms),
        share(f"{rule}: precision", right),
    )


def _strong_local(results: Sequence[Result]) -> list[Result]:
    return [
        item.result
        for item in cue_results(results)
        if item.cue.role == "strong" and item.cue.family in LOCAL and not item.result.case.is_pair
    ]


def _attention_rules(results: Sequence[Result], chosen_on: Sequence[Result]) -> list[Ablation]:
    maps: dict[str, dict[str, attention.Attention]] = {}
    for result in {r.case.id: r for r in (*results, *chosen_on)}.values():
        assert result.audited is not None
        maps[result.case.id] = attention.attentions(result.audited, result.case.pixels)
    choice = attention.choose(maps, _strong_local(chosen_on), [r for r in chosen_on if r.case.is_negative])
    if choice is None:
        none: Claims = {}
        return [_compared(name, "no maps to choose by", none, results) for name in ("attention only", "area-only null")]
    with_maps = {case: of_case[choice.method] for case, of_case in maps.items() if choice.method in of_case}
    above = {case: item.above(choice.threshold) for case, item in with_maps.items()}
    above_area = {case: item.above_area() for case, item in with_maps.items()}
    chosen = f"{choice.method}, chosen on {len(chosen_on)} models of the tuning half"
    enrichment = f"enrichment ≥ {choice.threshold:.2f} of {chosen}, F1 {choice.f1:.2f} there"
    return [
        _compared("attention only", enrichment, above, results),
        _compared("area-only null", f"mass above area, sign flips over images, {chosen}", above_area, results),
    ]


def _decided(
    evidence: Sequence[Outcomes], tests_of: Callable[[Outcomes], list[Paired]], *, control: bool = True
) -> list[Claim] | None:
    """Claims from tests: adjusted within a kind and over kinds, and at least the smallest effect.

    Args:
        evidence: Of one model.
        tests_of: The tests of a check that the rule looks at.
        control: Whether the control's rate is subtracted.

    Returns:
        None where the rule finds no test at all.
    """
    by_kind: dict[str, list[tuple[Outcomes, Paired, np.ndarray]]] = {item.kind: [] for item in evidence}
    for item in evidence:
        for test in tests_of(item):
            if len(test):
                by_kind[item.kind].append((item, test, test.differences if control else test.effect))
    if not any(by_kind.values()):
        return None
    adjusted = {
        kind: sign_flip([values for _, _, values in rows], [test.clusters for _, test, _ in rows])[1]
        for kind, rows in by_kind.items()
    }
    smallest = {kind: float(np.min(ps)) for kind, ps in adjusted.items() if len(ps)}
    qs = dict(zip(smallest, multipletests(list(smallest.values()), method="holm")[1], strict=True))
    return [
        item.claim(float(values.mean()))
        for kind, rows in by_kind.items()
        for (item, test, values), p in zip(rows, adjusted[kind], strict=True)
        if qs[kind] <= ALPHA and p <= ALPHA and values.mean() >= _least(test.name)
    ]


def _least(name: str) -> float:
    return LEAST_EFFECT.get("removal" if name.startswith("removal") else name, ANY_EFFECT)


def _follows(tests: Iterable[Paired]) -> list[Paired]:
    return [test for test in tests if not test.name.startswith("removal")]


def _mean_removal(item: Outcomes) -> list[Paired]:
    """Flips by removal, averaged over the kinds of fill, which share their recipients."""
    fills = [test for test in item.confirm if test.name.startswith("removal")]
    if len(fills) < 2:
        return []
    effect = np.mean([test.effect for test in fills], axis=0)
    control = np.mean([test.control for test in fills], axis=0)
    return [Paired("removal", "B", fills[0].clusters, effect, control)]


def removal_only(evidence: Sequence[Outcomes]) -> list[Claim] | None:
    """Flips when the region is filled, minus its control's, mean of the fills."""
    return _decided(evidence, _mean_removal)


def insertion_only(evidence: Sequence[Outcomes]) -> list[Claim] | None:
    """Spurious score of inserted patches, minus its control's."""
    return _decided(evidence, lambda item: [test for test in item.confirm if test.name == "spurious_score"])


def no_control(evidence: Sequence[Outcomes]) -> list[Claim] | None:
    """Raw effect on half B."""
    return _decided(evidence, lambda item: _follows(item.confirm), control=False)


def no_control_no_split(evidence: Sequence[Outcomes]) -> list[Claim] | None:
    """Raw effect on half A, where every region was tried."""
    return _decided(evidence, lambda item: _follows(item.screen), control=False)


def screen_decides(evidence: Sequence[Outcomes]) -> list[Claim] | None:
    """What stood out on half A, uncorrected, is believed."""
    if not any(item.screen for item in evidence):
        return None
    return [
        item.claim(max(float(test.differences.mean()) for test in item.screen if len(test)))
        for item in evidence
        if item.stood_out and any(len(test) for test in item.screen)
    ]


def screen_corrected(evidence: Sequence[Outcomes]) -> list[Claim] | None:
    """Half A decides over every region, corrected as half B would be."""
    return _decided(evidence, lambda item: _follows(item.screen))


RULES: Mapping[str, tuple[Callable[[Sequence[Outcomes]], list[Claim] | None], str]] = {
    "removal only": (removal_only, f"mean of the fills on half B; {SHORTLISTED}"),
    "insertion only": (insertion_only, f"spurious score on half B; {SHORTLISTED}"),
    "no control": (no_control, f"raw effect on half B; {SHORTLISTED}, with its control"),
    "no control, no split": (no_control_no_split, "raw effect on half A, every region"),
    "no split, screen decides": (screen_decides, "half A, every region, uncorrected"),
    "no split, corrected": (screen_corrected, "half A, every region, corrected like half B"),
}
