"""The pages of the visualizers are those that their files give."""

from __future__ import annotations

import re

import pytest

from auditor.registry import names
from docs.visualizer_pages import FOLDER, pages

PAGES = pages()


@pytest.mark.parametrize("file", PAGES)
def test_a_page_is_up_to_date(file: str) -> None:
    path = FOLDER / file

    assert path.is_file(), "run: python -m docs.visualizer_pages"
    assert path.read_text(encoding="utf-8") == PAGES[file], "run: python -m docs.visualizer_pages"


def test_there_is_a_page_for_every_visualizer_and_for_nothing_else() -> None:
    assert {path.name for path in FOLDER.glob("*.md")} == {f"{name}.md" for name in names("visualizers")} | {
        "README.md"
    }


@pytest.mark.parametrize("name", names("visualizers"))
def test_a_page_says_what_it_shows_how_to_read_it_what_it_costs_and_where_it_comes_from(name: str) -> None:
    sections = dict(re.findall(r"^## (.+)\n\n((?:(?!^## ).*\n?)+)", PAGES[f"{name}.md"], re.MULTILINE))

    for title in ("What it shows, and what it cannot", "How to read it", "What it costs", "Source"):
        assert sections[title].strip().endswith("."), title
