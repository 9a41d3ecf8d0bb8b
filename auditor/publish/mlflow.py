"""MLflow tracking server and model registry, through MLflow's own client (extra `mlflow`)."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import Field

from auditor.errors import PublishError
from auditor.findings.words import headline
from auditor.publish import Outcome, Parcels, Reach, Sending, Target
from auditor.records import Audit, Severity, WaiverState
from auditor.surroundings import required, setting
from auditor.tracking_server import RUN, SECRETS, VERSION, said, without_credentials

if TYPE_CHECKING:
    from mlflow import MlflowClient

REPORT_TAG = "audit.report_id"
FOLDER = "audit"
"""Where the files lie among a run's artifacts that are not ours."""
A_BATCH = 900
"""Metrics a request; the interface takes 1,000."""
LONGEST_TAG = 5_000
"""Characters of a tag that every MLflow server takes."""


class Mlflow(Target):
    """Logs the audit as a run (artifacts, metrics, `audit.*` tags) and tags the version of the registered model.

    `--to mlflow:models:/NAME/3` or `models:/NAME@alias` tags that version and makes a run of the audit; `--to mlflow`
    alone does so for the version that the audit loaded (model source `mlflow`). `--to mlflow:runs:/RUN_ID` logs into a
    run that is there; `--to mlflow:EXPERIMENT`, or nothing, makes a run in that experiment (the audit's name). Needs
    the extra `mlflow` and MLFLOW_TRACKING_URI; MLFLOW_REGISTRY_URI and MLflow's own variables for credentials are
    obeyed. A version's stage or alias is never changed: approval is a person's act.
    """

    tracking: str = Field("", description="address of the tracking server; MLFLOW_TRACKING_URI by default")
    registry: str = Field(
        "", description="address of the registry; MLFLOW_REGISTRY_URI by default, else the same server"
    )
    experiment: str = Field("", description="where a run of the audit is made; the audit's name by default")
    valid_days: int | None = Field(
        None, ge=1, description="after so many days the tag audit.expires says to audit again"
    )
    files: tuple[str, ...] = Field(
        ("audit.json", "report.html", "report.pdf", "summary.md", "audit.sarif", "junit.xml", "attestation.json"),
        description="which files become artifacts",
    )

    def missing(self) -> list[str]:
        found = [] if self.tracking else required("address of the tracking server", "MLFLOW_TRACKING_URI")
        if ":/" in self.place and not (VERSION.fullmatch(self.place) or RUN.fullmatch(self.place)):
            found.append(f"'{self.place}' is neither models:/NAME/VERSION, models:/NAME@ALIAS nor runs:/RUN_ID")
        if find_spec("mlflow") is None:
            found.append("MLflow is not installed: pip install 'auditor[mlflow]'")
        return found

    def reach(self, sending: Sending) -> Reach:
        """MLflow cannot be asked: an address of the whole Internet and no credentials is open to anybody."""
        parts = urlsplit(self._tracking)
        if parts.scheme not in ("http", "https"):
            return Reach.CLOSED
        if setting(*SECRETS) or parts.password:
            return Reach.CLOSED
        if sending.show is not None:
            return Reach.UNKNOWN
        try:
            addresses = [item[4][0] for item in socket.getaddrinfo(parts.hostname, None)]
        except OSError as error:
            raise PublishError(f"MLflow: {parts.hostname} cannot be found: {error.strerror or error}") from None
        everywhere = any(ipaddress.ip_address(str(one).partition("%")[0]).is_global for one in addresses)
        return Reach.PUBLIC if everywhere else Reach.CLOSED

    def picture_files(self, parcels: Parcels) -> list[str]:
        return [one.name for one in parcels.chosen(self.files) if one.pictures]

    def publish(self, parcels: Parcels, sending: Sending) -> Outcome:
        kept = parcels.audit.model.kept
        if not self.place and kept is not None and VERSION.fullmatch(kept.uri):
            return self.model_copy(update={"place": kept.uri})._publish(parcels, sending)
        return self._publish(parcels, sending)

    def _publish(self, parcels: Parcels, sending: Sending) -> Outcome:
        audit = parcels.audit
        if sending.show is not None:
            self._show(parcels, sending)
            return Outcome("", ())
        with _in_words():
            from mlflow import MlflowClient

            client = MlflowClient(self._tracking, self.registry or setting("MLFLOW_REGISTRY_URI") or None)
            version = self._version(client, audit)
            run, words = self._run(client, audit)
            done = [words]
            for file in parcels.chosen(self.files):
                client.log_artifact(run, str(file.path), self._folder or None)
            done.append(f"artifacts: {', '.join(file.name for file in parcels.chosen(self.files))}")
            self._log(client, run, audit)
            address = self._run_address(client, run)
            if version is not None:
                name, number = version
                for key, value in {**self._tags(audit), "audit.run_id": run, "audit.report": address}.items():
                    client.set_model_version_tag(name, number, key, value)
                done.append(f"version {number} of {name} carries the tags audit.*")
                source = client.get_model_version(name, number)
                client.set_tag(run, "audit.model", f"models:/{name}/{number}")
                if source.run_id:
                    client.set_tag(run, "audit.model_run_id", source.run_id)
        return Outcome(address, (*done, *parcels.absent(("report.html", "report.pdf"))))

    @property
    def _tracking(self) -> str:
        return self.tracking or setting("MLFLOW_TRACKING_URI")

    @property
    def _folder(self) -> str:
        return FOLDER if RUN.fullmatch(self.place) else ""

    def _experiment(self, audit: Audit) -> str:
        return self.experiment or (self.place if self.place and ":/" not in self.place else audit.name)

    def _version(self, client: MlflowClient, audit: Audit) -> tuple[str, str] | None:
        """Name and number of the registered version that was named.

        Raises:
            PublishError: The audit loaded the version of that number from elsewhere: this one was never audited.
        """
        named = VERSION.fullmatch(self.place)
        if named is None:
            return None
        if named["alias"]:
            found = client.get_model_version_by_alias(named["name"], named["alias"])
        else:
            found = client.get_model_version(named["name"], named["version"])
        kept = audit.model.kept
        if kept is not None and kept.uri == f"models:/{named['name']}/{found.version}" and kept.run_id != found.run_id:
            raise PublishError(
                f"MLflow: {kept.uri} on {without_credentials(self._tracking)} comes from run {found.run_id or 'none'}, "
                f"the audited one from run {kept.run_id or 'none'} on {kept.server}: another model, so it gets no tags"
            )
        return named["name"], str(found.version)

    def _run(self, client: MlflowClient, audit: Audit) -> tuple[str, str]:
        """The run that holds the audit: the one named, the one of this report id, or a new one."""
        named = RUN.fullmatch(self.place)
        if named is not None:
            return str(client.get_run(named["run"]).info.run_id), f"run {named['run']} holds the audit"
        experiment = self._experiment(audit)
        known = client.get_experiment_by_name(experiment)
        number = client.create_experiment(experiment) if known is None else known.experiment_id
        same = client.search_runs([number], f"tags.`{REPORT_TAG}` = '{audit.report_id}'", max_results=1)
        if same:
            return str(same[0].info.run_id), f"the run of {audit.report_id} was changed"
        made = client.create_run(
            number,
            start_time=_milliseconds(audit.started),
            tags={REPORT_TAG: audit.report_id},
            run_name=audit.report_id,
        )
        return str(made.info.run_id), f"a run was made in experiment {experiment}"

    def _log(self, client: MlflowClient, run: str, audit: Audit) -> None:
        from mlflow.entities import Metric, RunTag

        moment = _milliseconds(audit.finished)
        # the same audit has the same values at the same moment and step, which MLflow keeps once
        metrics = [Metric(key, value, moment, 0) for key, value in metrics_of(audit).items()]
        for start in range(0, len(metrics), A_BATCH):
            client.log_batch(run, metrics=metrics[start : start + A_BATCH])
        client.log_batch(run, tags=[RunTag(key, value) for key, value in self._tags(audit).items()])
        if not RUN.fullmatch(self.place):
            client.set_tag(run, "mlflow.note.content", headline(audit))
            client.set_terminated(run, "FINISHED", _milliseconds(audit.finished))

    def _tags(self, audit: Audit) -> dict[str, str]:
        tags = {
            REPORT_TAG: audit.report_id,
            "audit.verdict": str(audit.verdict),
            "audit.name": audit.name,
            "audit.headline": headline(audit),
            "audit.date": audit.finished,
            "audit.findings": str(len(audit.findings)),
            "audit.fail_on": audit.fail_on,
            "audit.attempt": str(audit.attempt),
            "audit.model_sha256": audit.model.sha256_before,
            "audit.spec_sha256": audit.spec_sha256,
            "audit.sample_digest": audit.sample.digest,
            "audit.schema": audit.schema_version,
        }
        if audit.model.file_sha256:
            tags["audit.model_file_sha256"] = audit.model.file_sha256
        if ends := self._ends(audit):
            tags["audit.expires"] = min(ends)
        return {key: value[:LONGEST_TAG] for key, value in tags.items()}

    def _ends(self, audit: Audit) -> list[str]:
        """Days, as YYYY-MM-DD, after which the verdict no longer holds: of waivers in force, and of `valid_days`."""
        ends = [waiver.expires for waiver in audit.waivers if waiver.state is WaiverState.APPLIED]
        if self.valid_days is not None:
            ends.append((_moment(audit.finished) + timedelta(days=self.valid_days)).date().isoformat())
        return ends

    def _run_address(self, client: MlflowClient, run: str) -> str:
        if urlsplit(self._tracking).scheme not in ("http", "https"):
            return f"runs:/{run}"
        parts = urlsplit(self._tracking)
        host = parts.netloc.rpartition("@")[2]
        experiment = client.get_run(run).info.experiment_id
        return f"{parts.scheme}://{host}{parts.path.rstrip('/')}/#/experiments/{experiment}/runs/{run}"

    def _show(self, parcels: Parcels, sending: Sending) -> None:
        """What a dry run prints: calls of MLflow's client, as it makes the requests."""
        audit = parcels.audit
        show = sending.show or (lambda _: None)
        parts = urlsplit(self._tracking)
        show(f"MLflow at {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")
        if RUN.fullmatch(self.place):
            show(f"  into {self.place}, folder {FOLDER}/")
        else:
            show(
                f"  in experiment {self._experiment(audit)}: the run with {REPORT_TAG}={audit.report_id}, or a new one"
            )
        for file in parcels.chosen(self.files):
            show(f"  log_artifact {file.name} ({file.size_words})")
        for key, value in metrics_of(audit).items():
            show(f"  log_metric {key} = {value:.6g}")
        where = ["set_tag", *(["set_model_version_tag"] if VERSION.fullmatch(self.place) else [])]
        for key, tag in self._tags(audit).items():
            show(f"  {' and '.join(where)} {key} = {tag}")


def metrics_of(audit: Audit) -> dict[str, float]:
    """What a tracking server can plot: counts, metrics and the findings' and limits' values, with both ends."""
    found: dict[str, float] = {"audit.exit_code": audit.exit_code, "audit.checks": len(audit.checks)}
    found["audit.findings"] = len(audit.findings)
    for severity in Severity:
        found[f"audit.findings.{severity}"] = sum(one.severity is severity for one in audit.findings)
    named = [(item.name, item) for item in audit.metrics]
    named += [(f"{check.id}.{item.name}", item) for check in audit.findings for item in check.measurements]
    named += [(f"limit.{limit.name}", limit.measurement) for limit in audit.limits if limit.measurement is not None]
    for name, item in named:
        key = "audit." + re.sub(r"[^\w./ -]", "_", name, flags=re.ASCII)[:200]
        for end, value in (("", item.value), (".low", item.low), (".high", item.high)):
            if value is not None:
                found[key + end] = value
    return found


@contextmanager
def _in_words() -> Iterator[None]:
    """MLflow's errors, and those of the store of artifacts behind it, as ours; credentials never shown.

    Raises:
        PublishError: What the server said.
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError) as error:
        raise PublishError(f"MLflow: {said(error)}") from None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _milliseconds(text: str) -> int:
    return int(_moment(text).timestamp() * 1000)
