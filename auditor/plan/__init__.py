"""From a spec to a plan: every name resolved, every option checked, cost known. Loads nothing, imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from auditor.errors import SpecError
from auditor.media import Medium
from auditor.plan.checking import Checker
from auditor.plan.planned import USUAL, Plan, PlannedPart, Workload
from auditor.spec.audit_spec import DatasetSpec, ModelSpec
from auditor.spec.reading import read_spec_file, validate

__all__ = ["USUAL", "Plan", "PlannedPart", "Workload", "make_plan"]

_PART_KEYS = {"visualizations": "visualizers", "probes": "probes", "metrics": "metrics"}


def make_plan(path: Path, overrides: Sequence[str] = ()) -> Plan:
    """Read and check a spec.

    Raises:
        SpecError: With every mistake that shows without loading the model or a picture.
    """
    spec_file = read_spec_file(path, overrides)
    spec, problems = validate(spec_file)
    checker = Checker(spec_file, problems)
    model_source = checker.source("model", "models", ModelSpec)
    dataset_source = checker.source("dataset", "datasets", DatasetSpec)
    medium = checker.medium = getattr(dataset_source, "medium", Medium.PICTURE)
    parts = {kind: checker.parts(key, kind) for key, kind in _PART_KEYS.items()}
    checker.targets(parts["visualizers"], dataset_source)
    fit = {kind: tuple(one for one in items if medium in one.part.media) for kind, items in parts.items()}
    unfit = {kind: tuple(one for one in items if medium not in one.part.media) for kind, items in parts.items()}
    reports = checker.formats()
    checker.brand()
    checker.files(model_source, dataset_source)
    checker.input_size()
    checker.policy()
    standing = checker.standing()
    if problems or spec is None:
        unique = {(p.file, p.line or 0, p.what): p for p in problems}
        ordered = sorted(unique, key=lambda key: (key[0] != spec_file.shown_path, *key))
        raise SpecError([unique[key] for key in ordered])
    return Plan(
        spec,
        spec_file,
        model_source,
        dataset_source,
        fit["visualizers"],
        fit["probes"],
        fit["metrics"],
        reports,
        unfit,
        standing,
    )
