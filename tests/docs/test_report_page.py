"""docs/report.md names what there is."""

from __future__ import annotations

from pathlib import Path

from auditor.clauses import names
from auditor.clauses.evidence import KNOWN
from auditor.spec.audit_spec import ReportSpec

PAGE = (Path(__file__).parents[2] / "docs/report.md").read_text(encoding="utf-8")


def test_every_profile_and_every_evidence_is_on_the_page() -> None:
    for name in (*names(), *KNOWN):
        assert f"| `{name}` |" in PAGE


def test_every_key_of_the_brand_is_on_the_page() -> None:
    told_elsewhere = {"language", "template", "history"}

    for key in ReportSpec.model_fields.keys() - told_elsewhere:
        assert f"  {key}:" in PAGE, key
