"""The templates beside default, and Chinese, in a real browser: silent, closed, accessible, inside the window."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from auditor.reports import RenderOptions
from auditor.reports.html import Html
from tests.reports.browsing import CHROMIUM, PHONE, RULES, WIDE, visited
from tests.reports.conftest import Run

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; on Debian: apt-get install chromium")


@pytest.fixture(
    scope="module",
    params=[RenderOptions("summary"), RenderOptions("medical"), RenderOptions(language="zh")],
    ids=["summary", "medical", "Chinese"],
)
def report(request: pytest.FixtureRequest, hostile: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(shutil.copytree(hostile.folder, tmp_path_factory.mktemp("browsed") / "run"))
    return Html().write(hostile.audit, folder, request.param)[0]


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_silent_closed_accessible_and_inside_the_window(
    browser: Browser, report: Path, size: tuple[int, int], scheme: str
) -> None:
    with visited(browser, report, size=size, scheme=scheme) as visit:
        found = Axe().run(visit.page, options=RULES)

        assert found.violations_count == 0, found.generate_report()
        assert visit.said == []
        assert visit.asked == []
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= size[0]
