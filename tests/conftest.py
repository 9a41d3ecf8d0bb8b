"""Every audit that any test makes is held against the published schema."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import jsonschema
import pytest

from auditor.audit_schema import audit_schema
from auditor.cli import invoke
from auditor.records import Audit
from tests.mlflow_server import serving

Call = Callable[..., tuple[int, str, str]]


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


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """The command line with these arguments: exit code, stdout and stderr."""

    def called(*arguments: object) -> tuple[int, str, str]:
        code = invoke([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return called


@pytest.fixture(scope="session")
def schemas() -> Path:
    """Official schemas, each with its source and licence in the README beside it."""
    return Path(__file__).parent / "schemas"


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a tracking server and registry."""
    pytest.importorskip("mlflow", reason="MLflow is not installed (extra mlflow)")
    pytest.importorskip("flask", reason="MLflow is here without what its server needs (flask, sqlalchemy, alembic)")
    with serving(tmp_path_factory.mktemp("mlflow")) as address:
        yield address
