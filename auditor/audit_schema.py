"""The published JSON schema of audit.json. `docs/audit.schema.json` is what this gives."""

from __future__ import annotations

from typing import Any

from auditor.records import SCHEMA, Audit

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def audit_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of audit.json, version 1.

    Keys may be added within a version, never renamed: unknown keys are allowed, and what was added later is optional.
    """
    schema = Audit.model_json_schema(by_alias=True)
    version = {"const": SCHEMA, "description": "Version of audit.json.", "title": "Schema", "type": "string"}
    schema["properties"] = {**schema["properties"], "schema": version}
    required = ["schema", *schema["required"]]
    return {
        **schema,
        "$schema": DRAFT,
        "$id": f"urn:{SCHEMA.replace('/', ':')}",
        "title": "audit.json",
        "required": required,
    }
