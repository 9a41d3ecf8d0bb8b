"""Whole audits around a few checks, and run folders of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from auditor.findings.policy import Measured, rule
from auditor.findings.waivers import ModelNames
from auditor.records import Audit, Check, ImageRecord, Measurement, ModelRecord, SampleRecord
from auditor.runs import RunFolder
from auditor.spec.audit_spec import PolicySpec
from auditor.spec.standing import Standing


def audit_of(
    checks: Sequence[Check],
    *,
    metrics: Sequence[Measurement] = (),
    images: Sequence[ImageRecord] = (),
    name: str = "toy",
    day: str = "2026-03-01",
    model: str = "a",
    version: str | None = None,
    data: str = "d",
    spec: str = "s",
    policy: PolicySpec | None = None,
    standing: Standing | None = None,
) -> Audit:
    names = ModelNames(version, (model * 64,))
    measured = Measured(name, names, checks, metrics, [], [], date.fromisoformat(day))
    ruling = rule(policy or PolicySpec(), standing or Standing(), measured, {})
    return Audit(
        name=name,
        title=f"{name}, an audit",
        report_id=f"AUD-{day.replace('-', '')}-{model}{data}{spec}",
        verdict=ruling.gate.verdict,
        exit_code=ruling.gate.exit_code,
        reasons=ruling.gate.reasons,
        started=f"{day}T10:00:00Z",
        finished=f"{day}T10:05:00Z",
        spec_sha256=spec * 64,
        model=ModelRecord(
            source="python",
            name="net",
            version=version,
            architecture="Net",
            parameters=10,
            sha256_before=model * 64,
            sha256_after=model * 64,
            layers=("features",),
        ),
        sample=SampleRecord(
            source="csv", path="sample.csv", available=64, size=64, readable=64, digest=data * 64, rule="all"
        ),
        environment={"auditor": "0.1.0", "torch": "2.9.0", "device": "cpu"},
        checks=ruling.checks,
        limits=ruling.limits,
        waivers=ruling.waivers,
        baseline=ruling.baseline,
        metrics=tuple(metrics),
        images=tuple(images),
    )


def run_folder(folder: Path, audit: Audit, spec: str = "version: 1\nname: toy\n") -> Path:
    """A finished run folder that holds the audit and its spec."""
    run = RunFolder(folder)
    run.write("audit.json", audit.to_json())
    run.write("spec.yaml", spec)
    run.finish()
    return folder
