"""A real browser for the tests of report.html: Debian's Chromium, which may ask for nothing outside the file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, Request, Route, expect

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
"""Of axe."""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WIDE, PHONE = (1280, 900), (400, 800)
PATIENCE = 120_000
"""Milliseconds: on a busy machine a browser takes its time, and that is no failure."""
expect.set_options(timeout=PATIENCE)


@dataclass
class Visit:
    """An open page, what it said to the console, and what it asked for beside itself."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextmanager
def visited(
    browser: Browser,
    file: Path,
    *,
    size: tuple[int, int] = WIDE,
    scheme: str = "light",
    script: bool = True,
    anchor: str = "",
) -> Iterator[Visit]:
    """The page in a window of its own; whatever it asks for but itself is written down and refused."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,  # type: ignore[arg-type]
        java_script_enabled=script,
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE)
    visit = Visit(context.new_page())
    address = file.as_uri() + anchor

    def decide(route: Route, request: Request) -> None:
        if request.url.partition("#")[0] == file.as_uri() or request.url.startswith("data:"):
            route.continue_()
        else:
            visit.asked.append(request.url)
            route.abort()

    visit.page.route("**/*", decide)
    visit.page.on("console", lambda message: visit.said.append(f"{message.type}: {message.text}"))
    visit.page.on("pageerror", lambda error: visit.said.append(f"error: {error}"))
    visit.page.goto(address)
    try:
        yield visit
    finally:
        context.close()
