"""Audits on an MLflow tracking server: runs that hold an audit.json. Needs the extra `mlflow`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from auditor.errors import RunFolderError
from auditor.history.reading import MLFLOW, Found, Past, ordered, parse
from auditor.tracking_server import said, without_credentials

VERDICT_TAG = "audit.verdict"
"""Runs that carry it are audits."""
PLACES = ("audit.json", "audit/audit.json")
"""Where a run keeps it among its artifacts."""
PAGE = 200


def read_experiment(name: str) -> Found:
    """Every audit of an experiment, oldest first.

    Args:
        name: Of the experiment; the server and its credentials are MLflow's own settings.

    Raises:
        RunFolderError: MLflow is not installed, the server cannot be reached, or it has no such experiment.
    """
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError:
        what = "reading audits from a tracking server needs MLflow; install the extra: pip install 'auditor[mlflow]'"
        raise RunFolderError(f"{MLFLOW}{name}: {what}") from None
    client = MlflowClient()
    audits: list[Past] = []
    warnings: list[str] = []
    try:
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            raise RunFolderError(f"{MLFLOW}{name}: no such experiment on {without_credentials(client.tracking_uri)}")
        for run in _runs(client, experiment.experiment_id):
            address = f"runs:/{run.info.run_id}"
            content = _audit_of(client, run.info.run_id)
            if content is None:
                warnings.append(f"{address}: has the tag {VERDICT_TAG} and no {PLACES[0]}; left out of the history")
                continue
            try:
                audits.append(parse(content, address))
            except ValueError as error:
                warnings.append(f"{address}: left out of the history, it is not an audit: {str(error).splitlines()[0]}")
    except MlflowException as error:
        raise RunFolderError(f"{MLFLOW}{name}: {without_credentials(client.tracking_uri)}: {said(error)}") from None
    return Found(f"{MLFLOW}{name}", ordered(audits), tuple(warnings))


def _runs(client: Any, experiment: str) -> Iterator[Any]:
    token = None
    while True:
        page = client.search_runs([experiment], f"tags.`{VERDICT_TAG}` LIKE '%'", max_results=PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _audit_of(client: Any, run: str) -> bytes | None:
    """audit.json of a run, or None where it has none."""
    for place in PLACES:
        folder = Path(place).parent.as_posix()
        listed = client.list_artifacts(run, None if folder == "." else folder)
        if any(item.path == place for item in listed):
            with TemporaryDirectory() as temporary:
                return Path(client.download_artifacts(run, place, temporary)).read_bytes()
    return None
