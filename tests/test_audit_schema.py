"""The published schema of audit.json."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from auditor.audit_schema import audit_schema
from auditor.cli import invoke
from auditor.records import SCHEMA

DOCS = Path(__file__).resolve().parent.parent / "docs"


def test_the_published_schema_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    invoke(["schema", "audit"])

    assert capsys.readouterr().out == (DOCS / "audit.schema.json").read_text()


def test_an_audit_of_another_version_is_refused() -> None:
    smallest = json.loads((DOCS / "audit.schema.json").read_text())

    assert smallest["properties"]["schema"]["const"] == SCHEMA
    with pytest.raises(jsonschema.ValidationError, match="auditor/audit@2"):
        jsonschema.Draft202012Validator(smallest).validate({"schema": "auditor/audit@2"})


def test_what_a_later_version_adds_is_no_mistake() -> None:
    schema = audit_schema()

    assert "additionalProperties" not in schema
    assert set(schema["required"]) < set(schema["properties"])
    jsonschema.Draft202012Validator.check_schema(schema)
