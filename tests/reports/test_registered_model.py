"""What the report says of a model that came from a registry."""

from __future__ import annotations

from auditor.languages import Language
from auditor.records import KeptModel
from auditor.reports._subject import model_facts
from tests.findings.audits import audit_of

KEPT = KeptModel(
    uri="models:/signs/3",
    asked="models:/signs@champion",
    server="https://mlflow.example",
    run_id="0f",
    sha256="ab" * 32,
)


def facts(kept: KeptModel | None) -> dict[str, str]:
    audit = audit_of([])
    model = audit.model.model_copy(update={"kept": kept})
    return {fact.label: fact.value for fact in model_facts(audit.model_copy(update={"model": model}))}


def test_version_alias_server_run_and_digest_are_among_the_facts_of_the_model() -> None:
    found = facts(KEPT)

    assert found["Registered as"] == "models:/signs/3 (the spec names models:/signs@champion)"
    assert found["Fetched from"] == "https://mlflow.example, run 0f"
    assert found["Artifact SHA-256"] == "ab" * 32
    assert found["Code in it was run"] == "no"


def test_code_that_was_run_is_told() -> None:
    kept = KEPT.model_copy(update={"unpickled": True, "asked": KEPT.uri, "run_id": None})

    assert facts(kept)["Code in it was run"].startswith("yes: the spec allows it")
    assert facts(kept)["Registered as"] == "models:/signs/3"


def test_a_model_from_elsewhere_has_no_such_facts() -> None:
    assert "Registered as" not in facts(None)


def test_the_facts_are_said_in_the_reports_language() -> None:
    with Language.of("zh").spoken():
        assert facts(KEPT)["注册为"] == "models:/signs/3（规格文件写作 models:/signs@champion）"
