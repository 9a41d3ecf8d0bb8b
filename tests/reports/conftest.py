"""One made-up run, built once; every file of tests has a copy, and tests that damage it take one of their own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from auditor.records import Audit
from tests.reports.sample_audit import build

if TYPE_CHECKING:
    from playwright.sync_api import Browser


class Run(NamedTuple):
    folder: Path
    audit: Audit


@pytest.fixture(scope="session")
def untouched_believable(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("believable")
    return Run(folder, build(folder, images=4))


@pytest.fixture(scope="session")
def untouched_hostile(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("hostile")
    return Run(folder, build(folder, images=4, hostile=True))


def copied(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same run in a folder of its own: what one file's tests render into it is not there for another's."""
    folder = tmp_path_factory.mktemp(run.folder.name.rstrip("0123456789")) / "run"
    return Run(Path(shutil.copytree(run.folder, folder)), run.audit)


@pytest.fixture(scope="module")
def believable(untouched_believable: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return copied(untouched_believable, tmp_path_factory)


@pytest.fixture(scope="module")
def hostile(untouched_hostile: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return copied(untouched_hostile, tmp_path_factory)


@pytest.fixture
def damaged(believable: Run, tmp_path: Path) -> Run:
    """A copy to break, without what other tests have rendered into the folder."""
    folder = tmp_path / "run"
    folder.mkdir()
    for part in ("evidence", "figures"):
        shutil.copytree(believable.folder / part, folder / part)
    for part in ("audit.json", "spec.yaml"):
        shutil.copy2(believable.folder / part, folder / part)
    return Run(folder, believable.audit)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    from tests.reports.browsing import CHROMIUM

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()
