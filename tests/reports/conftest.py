"""One made-up run, built once; tests that damage it take a copy."""

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
def believable(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("believable")
    return Run(folder, build(folder, images=4))


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("hostile")
    return Run(folder, build(folder, images=4, hostile=True))


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
