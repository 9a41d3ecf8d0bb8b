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
    """A copy to break."""
    folder = tmp_path / "run"
    shutil.copytree(believable.folder, folder)
    for report in folder.glob("report.*"):
        report.unlink()
    return Run(folder, believable.audit)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    from tests.reports.browsing import CHROMIUM

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()
