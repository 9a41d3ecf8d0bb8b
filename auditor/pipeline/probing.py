"""Runs the probes, each saved as it ends, and turns what they measured into checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor import registry
from auditor.evidence import CausalMap, CheckEvidence, ProbeEvidence
from auditor.experiments.experiment import Experiment
from auditor.figures import encode_png
from auditor.findings.gate import declare_legitimate
from auditor.findings.judging import Circumstances, judge
from auditor.findings.merging import merge
from auditor.media import Medium
from auditor.records import Box, Check, PartFailure
from auditor.runs import safe_name
from auditor.statistics.testing import ALPHA, above_chance

if TYPE_CHECKING:
    from auditor.pipeline.subject import Subject
    from auditor.plan import Plan, PlannedPart
    from auditor.progress import Progress
    from auditor.runs import RunFolder


def run_probes(
    plan: Plan, subject: Subject, folder: RunFolder, progress: Progress
) -> tuple[list[ProbeEvidence], CausalMap | None, list[PartFailure]]:
    """Run every probe; one that breaks is recorded and the others go on.

    What a run that broke off had finished is read back instead of being run again.
    """
    experiment = make_experiment(plan, subject, progress, folder)
    evidence: list[ProbeEvidence] = []
    failures: list[PartFailure] = []
    if subject.model.output == "embedding" or subject.scores.shape[1] < 2:
        reason = "the model gives no class scores (output: embedding), so no prediction can follow anything"
        return [], None, [PartFailure(part=f"probes.{p.name}", reason=reason, required=p.required) for p in plan.probes]
    unfit = plan.unfit.get("probes", ())
    if unfit and not plan.probes:
        reason = f"none of the {len(unfit)} kinds of test can be made on {plan.medium.several} in this version"
        return [], None, [PartFailure(part="probes", reason=reason, required=True)]
    causal = _causal_map(plan, experiment, folder)
    for planned in plan.probes:
        if not planned.part.shares_budget:
            experiment.budget += planned.part.forwards() * len(subject.sample)
        saved = folder.load_record(f"probes/{planned.key}", ProbeEvidence)
        if saved is not None:
            experiment.budget -= saved.spent
            evidence.append(saved)
            continue
        before = experiment.budget
        try:
            found = planned.part.run(experiment)
        except MemoryError:
            raise
        except Exception as error:
            failures.append(
                PartFailure(
                    part=f"probes.{planned.key}", reason=f"{type(error).__name__}: {error}", required=planned.required
                )
            )
            progress.message(f"probe {planned.key} broke: {type(error).__name__}: {error}")
            continue
        if not found.checks:
            found = found.model_copy(update={"checks": (_nothing_compared(planned, plan.medium),)})
        found = found.model_copy(update={"spent": before - experiment.budget})
        folder.save_record(f"probes/{planned.key}", found)
        evidence.append(found)
    return evidence, causal, failures


def _nothing_compared(planned: PlannedPart, medium: Medium) -> CheckEvidence:
    """Of a probe that could make no check: a required one leaves the audit incomplete, it does not pass."""
    why = f"no check could be made: it takes {medium.several} that are predicted as different classes"
    name = planned.part.own_name
    return CheckEvidence(kind=planned.part.planned().kind, region=Box(name=name) if name else None, too_few=why)


def _causal_map(plan: Plan, experiment: Experiment, folder: RunFolder) -> CausalMap:
    """The causal map of every audit, with the region probe's options where it is planned."""
    planned: Any = next((p.part for p in plan.probes if p.name == "region"), None)
    region = registry.load("probes", "region")
    options: Any = planned or region(**region.budgets["standard"])
    finished = folder.load_record("probes/region", ProbeEvidence) is not None
    saved = folder.load_record("causal-map", CausalMap)
    if saved is not None and finished:
        experiment.budget -= saved.forwards
        return saved
    causal = experiment.causal_map(options.cells, options.donors_screen, options.most)
    if planned is None:  # nobody planned for its forwards: it must not take them from the probes
        experiment.budget += causal.forwards
    folder.save_record("causal-map", causal)
    return causal


def make_experiment(plan: Plan, subject: Subject, progress: Progress, folder: RunFolder) -> Experiment:
    """What the probes share, with the preset's budget of forwards for the probes of places."""
    return Experiment(
        sample=subject.sample,
        predictor=subject.predictor,
        scores=subject.scores,
        classes=subject.classes,
        clusters=subject.clusters,
        halves=subject.halves,
        seed=plan.spec.runtime.seed,
        budget=plan.shared_forwards() * len(subject.sample),
        progress=progress.step,
        keep_picture=lambda name, picture: _keep(folder, subject, name, picture),
    )


def _keep(folder: RunFolder, subject: Subject, name: str, picture: np.ndarray) -> str:
    """A composed picture as PNG under the evidence, as a viewer would see it."""
    path = f"evidence/pictures/{safe_name(name)}.png"
    folder.write(path, encode_png(subject.sample.shown(picture)))
    return path


def circumstances(plan: Plan, subject: Subject) -> Circumstances:
    """Whether the model is better than chance on the sample; without labels nobody knows."""
    labels, predicted = subject.sample.labels, subject.predicted
    known = labels >= 0
    if not known.any():
        return Circumstances(None, "", plan.spec.runtime.seed)
    correct, count = int((predicted == labels)[known].sum()), int(known.sum())
    classes = len(subject.classes)
    majority = float(np.bincount(labels[known]).max() / count)
    chance = max(1 / classes, majority if majority < 1 else 1 / classes)
    p = above_chance(correct, count, chance)
    words = f"accuracy {correct}/{count} is not above chance ({chance:.2f}, one-sided p = {p:.2g})"
    return Circumstances(p <= ALPHA, words, plan.spec.runtime.seed)


def checks_of(plan: Plan, subject: Subject, evidence: Sequence[ProbeEvidence]) -> list[Check]:
    """Judge, merge overlapping cues, and mark what the owner declares legitimate."""
    measured = [check for probe in evidence for check in probe.checks]
    checks = merge(judge(measured, circumstances(plan, subject)))
    lines = {planned.key: planned.line for planned in plan.probes}
    placed = [check.model_copy(update={"spec_line": _line(check, lines)}) for check in checks]
    return declare_legitimate(placed, plan.spec.policy.legitimate)


def _line(check: Check, lines: Mapping[str, int | None]) -> int | None:
    """Of the spec: that of the kind's probe, or of the one probe that gave the region its name."""
    own = f"{check.kind}.{check.region.name}" if check.region is not None else check.kind
    return lines.get(own, lines.get(check.kind))
