"""MLflow: against a real tracking server with SQLite, started here; read back as its pages read it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from auditor.errors import PublishError
from auditor.publish import Parcels, Reach
from auditor.publish._parcels import parcels_of
from auditor.publish.mlflow import Mlflow, metrics_of
from auditor.records import KeptModel, WaiverRecord, WaiverState
from tests.publish.conftest import Heard, again

pytest.importorskip("mlflow", reason="MLflow is not installed (extra mlflow)")

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # MLflow's own, of its own parts
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture
def client(mlflow_server: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return MlflowClient(mlflow_server, mlflow_server)


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


def loaded_from(parcels: Parcels, uri: str, run_id: str) -> Parcels:
    """The same audit, of a model that it loaded from a registry."""
    kept = KeptModel(uri=uri, asked=uri, server="http://127.0.0.1", run_id=run_id, sha256="0" * 64)
    model = parcels.audit.model.model_copy(update={"kept": kept})
    return replace(parcels, audit=parcels.audit.model_copy(update={"model": model}))


def test_the_version_that_an_audit_loaded_is_found_by_itself_and_shown_by_mlflows_pages(
    client: Any, parcels: Parcels, heard: Heard, mlflow_server: str
) -> None:
    trained = client.create_run(client.create_experiment("by itself"))
    client.create_registered_model("signs")
    client.create_model_version("signs", f"{trained.info.artifact_uri}/model", run_id=trained.info.run_id)

    outcome = Mlflow().publish(loaded_from(parcels, "models:/signs/1", trained.info.run_id), heard.sending())

    assert "version 1 of signs carries the tags audit.*" in outcome.done
    # what the page of a model version asks its server for
    asked = {"name": "signs", "version": "1"}
    page = httpx.get(f"{mlflow_server}/ajax-api/2.0/mlflow/model-versions/get", params=asked, trust_env=False).json()
    tags = {tag["key"]: tag["value"] for tag in page["model_version"]["tags"]}
    assert tags["audit.verdict"] == parcels.audit.verdict
    assert tags["audit.report_id"] == parcels.audit.report_id
    run = httpx.get(
        f"{mlflow_server}/ajax-api/2.0/mlflow/runs/get", params={"run_id": tags["audit.run_id"]}, trust_env=False
    ).json()["run"]
    assert {"key": "audit.model", "value": "models:/signs/1"} in run["data"]["tags"]


def test_a_version_of_that_number_that_another_run_made_gets_no_tags(
    client: Any, parcels: Parcels, heard: Heard
) -> None:
    trained = client.create_run(client.create_experiment("another"))
    client.create_registered_model("other-signs")
    client.create_model_version("other-signs", f"{trained.info.artifact_uri}/model", run_id=trained.info.run_id)

    with pytest.raises(PublishError, match="another model, so it gets no tags"):
        Mlflow().publish(loaded_from(parcels, "models:/other-signs/1", "0" * 32), heard.sending())

    assert client.get_model_version("other-signs", "1").tags == {}


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
