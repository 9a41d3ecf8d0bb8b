"""Every audit that any test makes is held against the published schema."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from auditor.audit_schema import audit_schema
from auditor.records import Audit


@pytest.fixture(autouse=True, scope="session")
def _audits_keep_to_their_schema() -> Iterator[None]:
    validator = jsonschema.Draft202012Validator(audit_schema())
    write = Audit.to_json

    def checked(self: Audit) -> str:
        text = write(self)
        validator.validate(json.loads(text))
        return text

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Audit, "to_json", checked)
        yield


@pytest.fixture(scope="session")
def schemas() -> Path:
    """Official schemas, which are not ours to pass on."""
    default = Path(__file__).resolve().parents[2] / "shared" / "schemas"
    path = Path(os.environ.get("AUDITOR_SCHEMAS", default))
    if not path.is_dir():
        pytest.skip(f"no official schemas at {path}; set AUDITOR_SCHEMAS")
    return path
