"""What an audit's findings are held against beside limits: the owner's waivers and the baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from auditor.errors import Problem, SpecError
from auditor.spec.audit_spec import PolicySpec
from auditor.spec.baseline_file import BaselineFile, read_baseline
from auditor.spec.reading import SpecFile
from auditor.spec.waiver_file import PlacedWaiver, read_waivers


@dataclass(frozen=True, slots=True)
class Standing:
    """Read before anything runs, so that a mistake in it costs no audit.

    Attributes:
        waivers_text: The file as read, for the run folder.
        baseline_file: As the spec names it.
        baseline_sha256: Of the file.
    """

    waivers: tuple[PlacedWaiver, ...] = ()
    waivers_text: str | None = None
    baseline: BaselineFile | None = None
    baseline_file: str = ""
    baseline_sha256: str = ""
    baseline_text: str | None = None


def read_standing(file: SpecFile, today: date) -> tuple[Standing, list[Problem]]:
    """The files that `policy` names, and every mistake in them; what is wrong in the spec itself is told elsewhere."""
    policy = file.tree.get("policy")
    if not isinstance(policy, dict):
        return Standing(), []
    problems: list[Problem] = []
    waivers: list[PlacedWaiver] = []
    waivers_text = baseline = baseline_text = None
    name, sha256 = "", ""
    if isinstance(policy.get("waivers"), str):
        path, shown = _place(file, policy["waivers"])
        try:
            waivers, mistakes = read_waivers(path, shown=shown, days=_days(policy), today=today)
            problems += mistakes
            # as the spec has it: where the spec lies is no business of the report's readers
            waivers = [replace(item, file=policy["waivers"]) for item in waivers]
            waivers_text = path.read_text(encoding="utf-8")
        except SpecError as error:
            problems += error.problems
    if isinstance(policy.get("baseline"), str):
        path, shown = _place(file, policy["baseline"])
        name = policy["baseline"]
        try:
            baseline, sha256 = read_baseline(path, shown=shown)
            baseline_text = path.read_text(encoding="utf-8")
        except SpecError as error:
            problems += [file.problem(("policy", "baseline"), str(problem)) for problem in error.problems]
    return Standing(tuple(waivers), waivers_text, baseline, name, sha256, baseline_text), problems


def _place(file: SpecFile, name: str) -> tuple[Path, str]:
    """Where a file named in the spec lies, and how messages call it."""
    return file.folder / name, str(Path(file.shown_path).parent / name)


def _days(policy: Mapping[str, Any]) -> int:
    days = policy.get("waiver_days")
    usual: int = PolicySpec.model_fields["waiver_days"].default
    return days if isinstance(days, int) and not isinstance(days, bool) else usual
