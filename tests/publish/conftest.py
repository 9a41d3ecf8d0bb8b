"""A finished run folder, an environment without tokens, and a sending that never sleeps."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from auditor.publish import Parcels, Sending
from auditor.publish._parcels import parcels_of
from auditor.runs import RunFolder
from tests.publish.services import FakeGitlab
from tests.reports.sample_audit import build

VARIABLES = (
    "JIRA_URL",
    "JIRA_USER",
    "JIRA_TOKEN",
    "GITLAB_TOKEN",
    "GITLAB_URL",
    "CI_API_V4_URL",
    "CI_SERVER_URL",
    "CI_MERGE_REQUEST_IID",
    "CI_JOB_URL",
    "CI_PROJECT_ID",
    "CI_MERGE_REQUEST_PROJECT_ID",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "GITHUB_API_URL",
    "GITHUB_REPOSITORY",
    "GITHUB_REF",
    "GITHUB_SHA",
    "GITHUB_RUN_ID",
    "GITHUB_SERVER_URL",
    "GITHUB_EVENT_PATH",
    "AUDITOR_WEBHOOK_URL",
    "AUDITOR_WEBHOOK_SECRET",
    "MLFLOW_TRACKING_URI",
    "MLFLOW_REGISTRY_URI",
    "MLFLOW_TRACKING_TOKEN",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with a small stand-in for the PDF: what it holds makes no difference to those who send it."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    folder.mkdir()
    audit = build(folder, images=2)
    (folder / "audit.json").write_text(audit.to_json())
    (folder / "report.html").write_bytes(b"<!doctype html><img src='data:image/jpeg;base64,AAAA'>")
    (folder / "report.pdf").write_bytes(b"%PDF-1.7\n" + b"\0\xff" * 700)
    RunFolder(folder).finish()
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.fixture
def parcels(run: Path) -> Iterator[Parcels]:
    with parcels_of(run, images=True) as found:
        yield found


@pytest.fixture
def gitlab(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitlab]:
    with FakeGitlab().listening() as service:
        monkeypatch.setenv("GITLAB_URL", service.base)
        monkeypatch.setenv("GITLAB_TOKEN", "glpat-1")
        assert isinstance(service, FakeGitlab)
        yield service


@dataclass
class Heard:
    """What a sending said and how long it would have waited."""

    shown: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def sending(self, *, dry: bool = False) -> Sending:
        return Sending(self.shown.append if dry else None, self.warnings.append, self.pauses.append)


@pytest.fixture
def heard() -> Heard:
    return Heard()


def again(run: Path, name: str, content: bytes | str) -> None:
    """A file of the run changes, as `auditor render` changes it."""
    folder = RunFolder(run)
    folder.write(name, content)
    folder.finish()
