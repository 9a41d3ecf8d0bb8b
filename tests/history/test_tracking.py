"""Audits on an MLflow tracking store, a real one on SQLite; skipped where the extra is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auditor.errors import RunFolderError
from auditor.history.reading import read
from auditor.history.trends import history_of
from auditor.records import Audit
from tests.history.test_history import row

mlflow = pytest.importorskip("mlflow", reason="the extra `mlflow` is not installed; no tracking store is tried")
pytestmark = pytest.mark.filterwarnings("default")  # MLflow's own, at import and on its database


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    mlflow.set_tracking_uri(address)
    store = mlflow.MlflowClient(address)
    store.create_experiment("audits", artifact_location=(tmp_path / "artifacts").as_uri())
    yield store
    mlflow.set_tracking_uri(None)  # or it would win over the environment in every later test of this process


def log(client: Any, audit: Audit, place: str | None = None, *, text: str | None = None) -> str:
    experiment = client.get_experiment_by_name("audits").experiment_id
    run: str = client.create_run(experiment, tags={"audit.verdict": audit.verdict.value}).info.run_id
    client.log_text(run, text or audit.to_json(), "/".join(filter(None, (place, "audit.json"))))
    return run


def test_audits_are_read_from_runs_that_carry_the_tag(client: Any) -> None:
    audits = row()
    runs = [log(client, audits[1], "audit"), log(client, audits[0])]
    client.create_run(client.get_experiment_by_name("audits").experiment_id, tags={"other": "run"})

    found = read("mlflow:audits")

    assert [audit.address for audit in found.audits] == [f"runs:/{runs[1]}", f"runs:/{runs[0]}"]
    assert history_of(found.of("toy"), found.source).audits[1].changed == ("model",)
    assert found.warnings == ()


def test_runs_without_an_audit_or_with_a_broken_one_are_told(client: Any) -> None:
    broken = log(client, row()[0], text="{}")
    experiment = client.get_experiment_by_name("audits").experiment_id
    bare = client.create_run(experiment, tags={"audit.verdict": "pass"}).info.run_id

    found = read("mlflow:audits")

    assert found.audits == ()
    assert any(bare in warning and "no audit.json" in warning for warning in found.warnings)
    assert any(broken in warning and "not an audit" in warning for warning in found.warnings)


@pytest.mark.usefixtures("client")
def test_an_experiment_that_is_not_there_says_so() -> None:
    with pytest.raises(RunFolderError, match="no such experiment on sqlite"):
        read("mlflow:none")
