"""Every shipped spec is ready to run; the demonstration finds each cheat for what it is and accuses nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from auditor.demo.auditing import NETWORKS, prepare
from auditor.pipeline import RunRequest, run
from auditor.plan import make_plan
from auditor.records import Audit, AuditVerdict, Verdict
from auditor.shipped import shipped_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo")
    prepare(path)
    return path


def audited(folder: Path, name: str, overrides: Sequence[str] = ()) -> Audit:
    given = ["probes=[quick, {use: overlay, most: 3}]", "visualizations=[saliency]", "metrics=[performance]"]
    plan = make_plan(folder / f"{name}.yaml", [*given, "report.formats=[json]", *overrides])
    return run(plan, RunRequest(folder / "runs" / name))


def test_the_starter_is_a_valid_spec_but_for_its_pictures(tmp_path: Path) -> None:
    (tmp_path / "pictures" / "class").mkdir(parents=True)
    (tmp_path / "pictures" / "class" / "1.png").write_bytes(b"")
    spec = tmp_path / "starter.yaml"
    spec.write_bytes((shipped_folder("audit_specs") / "starter.yaml").read_bytes())

    assert make_plan(spec).spec.model.weights == "DEFAULT"


@pytest.mark.parametrize("name", NETWORKS)
def test_the_demonstrations_specs_have_no_mistakes(folder: Path, name: str) -> None:
    plan = make_plan(folder / f"{name}.yaml")

    assert plan.spec.model.sha256 is not None
    assert plan.spec.policy.fail_on == "medium"


def test_the_tag_is_found_as_a_mark_in_the_corner(folder: Path) -> None:
    audit = audited(folder, "tag")

    assert audit.verdict is AuditVerdict.FAIL
    (finding,) = audit.findings
    assert finding.kind == "overlay"
    assert finding.region is not None
    assert finding.region.name.endswith("top-left")


def test_the_frame_is_found_as_a_border(folder: Path) -> None:
    audit = audited(folder, "frame")

    assert audit.verdict is AuditVerdict.FAIL
    assert [finding.kind for finding in audit.findings] == ["border"]


def test_the_honest_network_is_not_accused_though_both_marks_are_there(folder: Path) -> None:
    audit = audited(folder, "honest")

    assert audit.verdict is AuditVerdict.PASS
    assert audit.findings == ()
    present = [check for check in audit.checks if check.verdict is Verdict.PRESENT_NOT_USED]
    assert {check.kind for check in present} == {"overlay", "border"}
