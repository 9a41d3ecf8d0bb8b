"""The overview page in a browser: the filter, the content security policy, and what a keyboard reaches."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from auditor.cli import invoke
from tests.history.test_history import HOSTILE, folder_of, row

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; the page is not tried")
CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed; the page is not tried in a browser")
    audits = row()
    other = [audit.model_copy(update={"name": "signs", "title": HOSTILE}) for audit in audits[:1]]
    root = folder_of(tmp_path_factory.mktemp("site"), [*audits, *other])
    assert invoke(["site", str(root)]) == 0
    with playwright.sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_page()
        opened.problems = []
        opened.on("console", lambda message: opened.problems.append(message.text))
        opened.on("pageerror", lambda error: opened.problems.append(str(error)))
        opened.on("request", lambda request: opened.problems.append(request.url) if "http" in request.url[:5] else None)
        opened.goto((root / "index.html").as_uri())
        yield opened
        browser.close()


def rows(page: Any) -> int:
    count: int = page.locator("tbody tr:visible").count()
    return count


def test_nothing_is_loaded_and_the_policy_lets_the_script_run(page: Any) -> None:
    assert page.problems == []
    assert page.locator(".filter").is_visible()
    assert rows(page) == 5


def test_words_and_verdicts_filter_and_the_count_is_said(page: Any) -> None:
    page.fill("#find", "TOY 2.0")
    assert rows(page) == 3
    assert page.locator("#shown").inner_text() == "3 of 5 audits shown."
    assert page.locator(".subject:visible").count() == 1

    page.uncheck("input[value=fail]")
    assert rows(page) == 1

    page.fill("#find", "nothing of the kind")
    assert page.locator("#shown").inner_text().startswith("No audit fits")

    page.fill("#find", "")
    page.check("input[value=fail]")
    assert (rows(page), page.locator("#shown").inner_text()) == (5, "")


def test_only_the_newest_of_each_can_be_shown(page: Any) -> None:
    page.check("#newest")
    assert rows(page) == 2
    page.uncheck("#newest")


def test_the_filter_is_reached_by_keyboard_and_lines_are_named(page: Any) -> None:
    page.locator(".skip").focus()
    page.keyboard.press("Tab")

    assert page.evaluate("document.activeElement.id") == "find"
    assert all(page.locator("svg.spark").nth(i).get_attribute("aria-label") for i in range(2))
    assert page.locator("h1").count() == 1
