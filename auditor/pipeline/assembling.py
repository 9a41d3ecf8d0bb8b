"""Puts spec, environment, evidence and findings together into the audit."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import auditor
from auditor import registry
from auditor.engine.device import describe
from auditor.engine.precision import gate_of
from auditor.evidence import ProbeEvidence
from auditor.findings.gate import stored
from auditor.findings.policy import Measured, rule
from auditor.findings.waivers import ModelNames
from auditor.pipeline.stating import stated
from auditor.records import (
    Audit,
    Check,
    ImageRecord,
    ModelRecord,
    PartFailure,
    Picture,
    PlannedCheck,
    SampleRecord,
    Unreadable,
    Verdict,
)
from auditor.runs import RunFolder, earlier_audits
from auditor.subjects import VolumeSample

STACKS = 5
"""Ways in which clips or volumes were taken that the report names."""

if TYPE_CHECKING:
    from auditor.pipeline.explained import Explained
    from auditor.pipeline.subject import Subject
    from auditor.plan import Plan
    from auditor.subjects import Preprocessing


def assemble(
    *,
    plan: Plan,
    subject: Subject,
    digest_after: str,
    explained: Explained,
    evidence: Sequence[ProbeEvidence],
    checks: Sequence[Check],
    failures: Sequence[PartFailure],
    pictures: Mapping[str, Picture],
    summary_figures: Sequence[str],
    thumbnails: Sequence[str],
    folder: RunFolder,
    started: str,
    seconds: Mapping[str, float],
    peak_memory: float | None,
) -> Audit:
    """The whole audit as a plain value, with its verdict."""
    spec = plan.spec
    lines = {name: plan.spec_file.line(("policy", "limits", name)) for name in spec.policy.limits}
    model = _model_record(plan, subject, digest_after)
    now = datetime.now(UTC)
    finished = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    measured = Measured(
        name=spec.name,
        model=ModelNames(model.version, tuple(filter(None, (model.sha256_before, model.file_sha256)))),
        checks=checks,
        metrics=explained.metrics,
        failures=failures,
        required=list(dict.fromkeys(planned.part.planned().kind for planned in plan.probes if planned.required)),
        today=now.date(),
    )
    ruling = rule(spec.policy, plan.standing, measured, lines)
    kept, left_out = stored(ruling.checks)
    return Audit(
        name=spec.name,
        title=spec.title or spec.name,
        purpose=spec.purpose,
        owner=spec.owner,
        report_id=_report_id(plan, model, started),
        verdict=ruling.gate.verdict,
        exit_code=ruling.gate.exit_code,
        reasons=ruling.gate.reasons,
        fail_on=spec.policy.fail_on,
        started=started,
        finished=finished,
        seconds=dict(seconds),
        peak_memory_mib=peak_memory,
        spec_sha256=plan.spec_file.sha256,
        question_sha256=plan.question_sha256,
        spec_path=plan.spec_file.repository_path,
        attempt=1 + earlier_audits(folder.path, plan.question_sha256, model.sha256_before),
        model=model,
        sample=_sample_record(plan, subject),
        environment=_environment(plan, subject),
        runtime=_runtime(plan, subject, evidence),
        test_plan=plan.test_plan,
        not_tested=_not_tested(plan, checks),
        checks=tuple(kept),
        checks_left_out=left_out,
        limits=ruling.limits,
        waivers=ruling.waivers,
        baseline=ruling.baseline,
        metrics=tuple(explained.metrics),
        per_class=tuple(explained.tables.get("per_class", [])),
        confusion=explained.tables.get("confusion"),
        visualizations=tuple(explained.visualizations),
        null_maps=tuple(explained.null_maps),
        trust_rules=dict(explained.trust_rules),
        agreement=explained.tables.get("agreement"),
        images=_image_records(subject, explained, thumbnails),
        figures=dict(pictures),
        summary_figures=tuple(summary_figures),
        failures=tuple(failures),
        notes=(*ruling.warnings, *_notes(subject, explained, evidence)),
        **stated(spec.report, plan.folder, folder, finished),
    )


def _model_record(plan: Plan, subject: Subject, digest_after: str) -> ModelRecord:
    model, preprocessing = subject.model, subject.model.preprocessing
    return ModelRecord(
        source=model.source,
        name=model.name,
        version=model.version,
        architecture=type(model.module).__name__,
        parameters=sum(parameter.numel() for parameter in model.module.parameters()),
        file_sha256=model.file_sha256,
        kept=model.kept,
        sha256_before=subject.digest,
        sha256_after=digest_after,
        layers=tuple(subject.layers.names),
        layer_notes=tuple(subject.layers.notes),
        classes=subject.classes,
        output=model.output,
        preprocessing={
            "input": " × ".join(str(side) for side in preprocessing.extent)
            + (f" px, {preprocessing.channels}" if preprocessing.depth is None else _in_depth(plan, preprocessing)),
            "resize": preprocessing.resize
            + (f" (crop ratio {preprocessing.crop_ratio})" if preprocessing.resize == "crop" else ""),
            "mean": list(preprocessing.mean),
            "std": list(preprocessing.std),
            "scale": preprocessing.scale,
            "transform": preprocessing.transform,
            "origin": preprocessing.origin,
        },
    )


def _in_depth(plan: Plan, preprocessing: Preprocessing) -> str:
    return f" ({plan.medium.layers}, height, width), {preprocessing.channels}"


def _sample_record(plan: Plan, subject: Subject) -> SampleRecord:
    sample, pictures = subject.sample, subject.sample.pictures
    groups: dict[str, Counter[str]] = {}
    for picture in pictures:
        for column, value in picture.groups.items():
            groups.setdefault(column, Counter())[value] += 1
    per_class = Counter(subject.classes[label] for label in sample.labels if label >= 0)
    return SampleRecord(
        source=plan.spec.dataset.source,
        medium=plan.medium.value,
        path=str(getattr(plan.dataset_source, "path", "")),
        available=sample.available,
        size=len(sample) + len(sample.unreadable),
        readable=len(sample),
        unreadable=tuple(Unreadable(image=name, why=why) for name, why in sample.unreadable),
        converted=tuple(Unreadable(image=name, why=what) for name, what in sample.converted),
        duplicates=tuple(tuple(names) for names in sample.duplicates),
        digest=sample.digest,
        rule=sample.rule,
        labelled=int((sample.labels >= 0).sum()),
        with_masks=sum(picture.mask is not None for picture in pictures),
        with_boxes=sum(picture.box is not None for picture in pictures),
        per_class=dict(sorted(per_class.items())),
        per_group={column: dict(sorted(counts.items())) for column, counts in groups.items()},
    )


def _environment(plan: Plan, subject: Subject) -> dict[str, Any]:
    import numpy
    import scipy
    import torch

    return {
        "auditor": auditor.__version__,
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "torchvision": version("torchvision"),  # importing it for this would cost seconds
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "device": describe(subject.device),
        "precision": "; ".join(("fp32", *gate_of(subject.predictor).notes)),
        "threads": torch.get_num_threads(),
        "seed": plan.spec.runtime.seed,
    }


def _runtime(plan: Plan, subject: Subject, evidence: Sequence[ProbeEvidence]) -> dict[str, Any]:
    return {
        "chunk": subject.predictor.chunk,
        "forwards": subject.predictor.forwards,
        "forwards_by_probe": {probe.probe: probe.forwards for probe in evidence},
        "halves": {half: len(indices) for half, indices in subject.halves.items()},
        "clusters": len(set(subject.clusters.tolist())),
        "overrides": list(plan.spec_file.overrides),
        "options": {probe.probe: dict(probe.options) for probe in evidence},
    }


def _not_tested(plan: Plan, checks: Sequence[Check]) -> tuple[PlannedCheck, ...]:
    """Kinds of check that exist and were not planned, and planned ones that had nothing to work on."""
    planned = {item.name for item in plan.probes}
    unfit = {item.name: item.part for item in plan.unfit.get("probes", ())}
    found = []
    for name in registry.names("probes"):
        row = registry.load("probes", name)().planned()  # type: ignore[attr-defined]
        if name not in planned:
            why = "not asked for in the spec"
            if name in unfit:
                why = registry.unfit_words(type(unfit[name]), plan.medium)
            found.append(row.model_copy(update={"rationale": why}))
            continue
        whole = [check for check in checks if check.kind == name and check.class_name is None]
        if whole and all(check.verdict is Verdict.NOT_TESTED for check in whole):
            found.append(row.model_copy(update={"rationale": whole[0].sentence}))
    return tuple(found)


def _image_records(subject: Subject, explained: Explained, thumbnails: Sequence[str]) -> tuple[ImageRecord, ...]:
    halves = {int(i): half for half, indices in subject.halves.items() for i in indices}
    records = []
    for index, picture in enumerate(subject.sample.pictures):
        predicted = int(subject.predicted[index])
        label = int(subject.sample.labels[index])
        records.append(
            ImageRecord(
                image=picture.name,
                label=subject.classes[label] if label >= 0 else None,
                predicted=subject.classes[predicted],
                score=float(subject.scores[index, predicted]),
                half=halves.get(index),
                figures=tuple(explained.image_figures.get(index, ())),
                thumbnail=thumbnails[index],
            )
        )
    return tuple(records)


def _notes(subject: Subject, explained: Explained, evidence: Sequence[ProbeEvidence]) -> tuple[str, ...]:
    notes = [*_stacks(subject), *subject.model.notes, *subject.layers.notes, *subject.predictor.notes, *explained.notes]
    for probe in evidence:
        told = f"{probe.probe}: "
        notes += [note if note.startswith(told) else told + note for note in probe.notes]
    return tuple(dict.fromkeys(notes))


def _stacks(subject: Subject) -> list[str]:
    """What was taken of the clips or volumes, the commonest first."""
    sample = subject.sample
    if not isinstance(sample, VolumeSample):
        return []
    kinds = Counter(stack.words for stack in sample.stacks).most_common()
    words = [f"{count} of {len(sample)} {sample.medium.several}: {what}" for what, count in kinds[:STACKS]]
    rest = sum(count for _, count in kinds[STACKS:])
    return [*words, f"{rest} more {sample.medium.several}, each taken in another way"] if rest else words


def _report_id(plan: Plan, model: ModelRecord, started: str) -> str:
    """Short, stable for the run: date and the first digits of a digest over spec, model and start."""
    digest = hashlib.sha256(f"{plan.spec_file.sha256}{model.sha256_before}{started}".encode()).hexdigest()
    return f"AUD-{started[:10].replace('-', '')}-{digest[:8].upper()}"
