"""A report in another language says how many recorded passages stand in English."""

from __future__ import annotations

import pytest

from auditor.languages import Language
from auditor.records import Audit
from auditor.reports import RenderOptions
from auditor.reports._translation import told_in
from auditor.reports.html import Html
from tests.reports.conftest import Run

UNKNOWN = "Nobody ever thought of this sentence"


def with_notes(audit: Audit, *notes: str) -> Audit:
    return audit.model_copy(update={"notes": (*audit.notes, *notes)})


@pytest.mark.parametrize(("notes", "said"), [(1, "1 段文字没有译文"), (2, "2 段文字没有译文")])
def test_the_passages_without_a_translation_are_counted_in_a_note(believable: Run, notes: int, said: str) -> None:
    audit = with_notes(believable.audit, *(f"{UNKNOWN}, {'no' * number}" for number in range(1, notes + 1)))

    told = told_in(audit, Language.of("zh"))

    assert said in told.notes[-1]
    assert len(told.notes) == len(audit.notes) + 1


def test_there_is_no_note_where_all_is_translated_or_nothing_is_asked(believable: Run) -> None:
    assert len(told_in(believable.audit, Language.of("zh")).notes) == len(believable.audit.notes)
    assert told_in(with_notes(believable.audit, UNKNOWN), Language.of("en")).notes[-1] == UNKNOWN


def test_the_page_prints_the_note(believable: Run) -> None:
    (file,) = Html().write(with_notes(believable.audit, UNKNOWN), believable.folder, RenderOptions(language="zh"))

    page = file.read_text(encoding="utf-8")

    assert UNKNOWN in page
    assert "1 段文字没有译文" in page
