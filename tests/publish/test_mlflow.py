"""MLflow: against a real tracking server with SQLite, started here; read back as its pages read it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auditor.errors import PublishError
from auditor.publish import Parcels, Reach
from auditor.publish._parcels import parcels_of
from auditor.publish.mlflow import Mlflow, metrics_of
from auditor.records import WaiverRecord, WaiverState
from tests.publish.conftest import Heard, again

pytest.importorskip("mlflow", reason="MLflow is not installed (extra mlflow)")
pytest.importorskip("flask", reason="MLflow is here without what its server needs (flask, sqlalchemy, alembic)")

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # MLflow's own, of its own parts
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
SECONDS_TO_START = 300


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A tracking server and registry on loopback, artifacts served by it."""
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "artifacts"), "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--workers", "1"],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(port, process, folder / "log.txt")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, 15)
        process.wait(timeout=60)


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    import httpx

    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health", timeout=5, trust_env=False).text == "OK":
                return
        except httpx.TransportError:
            time.sleep(0.5)
    raise RuntimeError(f"the tracking server did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture
def client(server: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return MlflowClient(server, server)


def test_an_audit_becomes_a_run_with_files_metrics_and_tags(
    client: Any, parcels: Parcels, heard: Heard, tmp_path: Path
) -> None:
    outcome = Mlflow(place="first").publish(parcels, heard.sending())

    audit = parcels.audit
    experiment = client.get_experiment_by_name("first")
    (run,) = client.search_runs([experiment.experiment_id], f"tags.`audit.report_id` = '{audit.report_id}'")
    assert {one.path for one in client.list_artifacts(run.info.run_id)} == {"audit.json", "report.html", "report.pdf"}
    copy = Path(client.download_artifacts(run.info.run_id, "audit.json", str(tmp_path)))
    assert copy.read_bytes() == (parcels.folder / "audit.json").read_bytes()
    assert run.data.metrics == pytest.approx(metrics_of(audit))
    assert run.data.metrics["audit.accuracy"] == next(m.value for m in audit.metrics if m.name == "accuracy")
    assert run.data.tags["audit.verdict"] == audit.verdict
    assert run.data.tags["audit.model_sha256"] == audit.model.sha256_before
    assert run.info.status == "FINISHED"
    assert outcome.address.endswith(f"/runs/{run.info.run_id}")


def test_the_same_audit_twice_is_one_run_with_each_metric_once(
    client: Any, parcels: Parcels, run: Path, heard: Heard, tmp_path: Path
) -> None:
    Mlflow(place="twice").publish(parcels, heard.sending())
    again(run, "report.html", "<p>rendered again</p>")
    with parcels_of(run, images=True) as second:
        Mlflow(place="twice").publish(second, heard.sending())

    (only,) = client.search_runs([client.get_experiment_by_name("twice").experiment_id])
    assert len(client.get_metric_history(only.info.run_id, "audit.findings")) == 1
    copy = Path(client.download_artifacts(only.info.run_id, "report.html", str(tmp_path)))
    assert copy.read_text() == "<p>rendered again</p>"


def test_a_registered_version_carries_the_verdict_and_the_way_to_the_report(
    client: Any, parcels: Parcels, heard: Heard
) -> None:
    trained = client.create_run(client.create_experiment("training"))
    client.create_registered_model("traffic-signs")
    version = client.create_model_version(
        "traffic-signs", f"{trained.info.artifact_uri}/model", run_id=trained.info.run_id
    )
    client.set_registered_model_alias("traffic-signs", "candidate", version.version)

    Mlflow(place="models:/traffic-signs@candidate", experiment="signs", valid_days=30).publish(parcels, heard.sending())

    tags = client.get_model_version("traffic-signs", version.version).tags
    run = client.get_run(tags["audit.run_id"])
    assert tags["audit.verdict"] == parcels.audit.verdict
    assert tags["audit.report_id"] == parcels.audit.report_id
    assert tags["audit.report"].endswith(run.info.run_id)
    assert tags["audit.expires"] > tags["audit.date"][:10]
    assert run.data.tags["audit.model"] == f"models:/traffic-signs/{version.version}"
    assert run.data.tags["audit.model_run_id"] == trained.info.run_id
    assert client.get_model_version_by_alias("traffic-signs", "candidate").version == version.version


def test_a_run_that_is_there_gets_the_files_in_a_folder_and_goes_on(
    client: Any, parcels: Parcels, heard: Heard
) -> None:
    trained = client.create_run(client.create_experiment("own run"))

    Mlflow(place=f"runs:/{trained.info.run_id}").publish(parcels, heard.sending())

    run = client.get_run(trained.info.run_id)
    assert "audit/report.pdf" in {one.path for one in client.list_artifacts(run.info.run_id, "audit")}
    assert run.data.tags["audit.verdict"] == parcels.audit.verdict
    assert run.info.status == "RUNNING"


@pytest.mark.parametrize("place", ["models:/no-such-model/3", "runs:/0123456789abcdef0123456789abcdef"])
def test_what_is_not_there_is_said_in_words(client: Any, parcels: Parcels, heard: Heard, place: str) -> None:
    with pytest.raises(PublishError, match=r"MLflow: .*not found"):
        Mlflow(place=place).publish(parcels, heard.sending())


def test_a_server_out_of_reach_is_said_without_credentials(
    parcels: Parcels, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://anna:geheim@127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    with pytest.raises(PublishError, match="MLflow") as refused:
        Mlflow(place="x").publish(parcels, heard.sending())

    assert "geheim" not in str(refused.value)


def test_a_dry_run_asks_nobody(parcels: Parcels, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://anna:geheim@127.0.0.1:1")

    Mlflow(place="models:/traffic-signs/3").publish(parcels, heard.sending(dry=True))

    shown = "\n".join(heard.shown)
    assert "geheim" not in shown
    assert "log_artifact report.pdf" in shown
    assert f"set_tag and set_model_version_tag audit.verdict = {parcels.audit.verdict}" in shown


@pytest.mark.parametrize(
    ("address", "token", "reach"),
    [
        ("http://127.0.0.1:5000", "", Reach.CLOSED),
        ("http://10.1.2.3:5000", "", Reach.CLOSED),
        ("http://8.8.8.8:5000", "", Reach.PUBLIC),
        ("https://8.8.8.8", "a-token", Reach.CLOSED),
        ("sqlite:///mlflow.db", "", Reach.CLOSED),
    ],
)
def test_an_open_server_on_the_internet_is_public(
    heard: Heard, monkeypatch: pytest.MonkeyPatch, address: str, token: str, reach: Reach
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)

    assert Mlflow().reach(heard.sending()) is reach


def test_what_is_not_set_is_said() -> None:
    found = Mlflow(place="models:/traffic-signs").missing()

    assert "MLFLOW_TRACKING_URI is not set" in found[0]
    assert "models:/NAME/VERSION" in found[1]


def test_a_waiver_in_force_ends_the_verdict_before_its_time(parcels: Parcels) -> None:
    words = {"id": "W1", "check": "corner.*", "statement": "s", "owner": "o", "approver": "a", "ticket": "T-1"}
    rest = {"created": "2026-01-01", "days_left": 9, "words": "w", "file": "waivers.yaml"}
    applied = WaiverRecord(**words, **rest, expires="2026-02-01", state=WaiverState.APPLIED)  # type: ignore[arg-type]
    stale = applied.model_copy(update={"expires": "2026-01-15", "state": WaiverState.STALE})
    audit = parcels.audit.model_copy(update={"waivers": (applied, stale), "finished": "2026-01-20T00:00:00Z"})

    assert Mlflow(valid_days=30)._tags(audit)["audit.expires"] == "2026-02-01"
    assert Mlflow(valid_days=3)._tags(audit)["audit.expires"] == "2026-01-23"
    assert "audit.expires" not in Mlflow()._tags(parcels.audit.model_copy(update={"waivers": ()}))
