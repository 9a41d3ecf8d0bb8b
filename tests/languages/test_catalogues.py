"""Every catalogue beside what is said: nothing is missing, unsure, left over, or has other gaps than the English."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message

from auditor.languages import CATALOGUES
from auditor.languages.gathering import RECORDED, gathered, update, written
from auditor.languages.language import read_catalogue

FILES = sorted(CATALOGUES.glob("*.po"))
GAP = re.compile(r"%\(\w+\)s|%%|\{\w+\}|<[^>]+>")
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;:?!()]|[,;:?!(][\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def said() -> Catalog:
    return gathered()


def forms(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def ours(file: Path) -> list[Message]:
    return [message for message in read_catalogue(file) if message.id and message.context != RECORDED]


def key(message: Message) -> tuple[str | None, object]:
    return message.context, message.id


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_everything_that_is_said_is_translated_and_nothing_else_is(file: Path, said: Catalog) -> None:
    wanted = {key(message) for message in said if message.id}
    found = {key(message) for message in ours(file)}

    assert found - wanted == set(), "unused: python -m auditor.languages.gathering leaves them out"
    assert wanted - found == set(), "missing: python -m auditor.languages.gathering adds them"
    assert [message.id for message in ours(file) if not all(forms(message))] == []
    assert [message.id for message in ours(file) if message.fuzzy] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_translations_have_the_gaps_and_elements_of_the_english(file: Path) -> None:
    differing = []
    for message in ours(file):
        english = message.id if isinstance(message.id, str) else message.id[-1]
        for form in forms(message):
            if Counter(GAP.findall(english)) != Counter(GAP.findall(form)):
                differing.append((english, form))

    assert differing == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_translations_bring_no_markup_of_their_own(file: Path) -> None:
    """Templates print some of them as they are, also between quotes."""
    bad = [
        form
        for message in ours(file)
        for form in forms(message)
        if set('<>"&') & set(GAP.sub("", form)) - set("".join(map(str, (message.id,))))
    ]

    assert bad == []


def test_chinese_has_full_width_punctuation() -> None:
    bad = [form for message in ours(CATALOGUES / "zh.po") for form in forms(message) if HALF_WIDTH.search(form)]

    assert bad == []


def test_what_templates_pluralise_and_what_style_sheets_say_is_gathered(said: Catalog) -> None:
    assert said.get(("%(n)s finding", "%(n)s findings")) is not None
    assert said.get("Page {page} of {pages}") is not None
    assert said.get("right", context="answer") is not None


def test_an_update_adds_what_is_new_drops_what_is_gone_and_keeps_the_rest(tmp_path: Path, said: Catalog) -> None:
    file = tmp_path / "zh.po"
    shutil.copy(CATALOGUES / "zh.po", file)
    before = file.read_text(encoding="utf-8")
    file.write_text(before + '\nmsgid "said no more"\nmsgstr "不再"\n', encoding="utf-8")

    wanted = gathered()
    wanted.add("said for the first time")
    missing = update(file, wanted)

    after = read_catalogue(file)
    assert [message.id for message in missing] == ["said for the first time"]
    assert after.get("said no more") is None
    assert file.read_text(encoding="utf-8").startswith(before[:3000])
    recorded = [message for message in read_catalogue(CATALOGUES / "zh.po") if message.context == RECORDED]
    assert len([message for message in after if message.context == RECORDED]) == len(recorded) > 0


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_catalogues_are_written_as_the_tool_writes_them(file: Path) -> None:
    assert written(read_catalogue(file)) == file.read_bytes()
