"""An audit beside its past: what is found, what is left out, and what cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.pipeline.gallery import Gallery
from auditor.pipeline.remembering import with_history
from auditor.records import Audit
from auditor.runs import RunFolder
from tests.findings.audits import run_folder
from tests.history.test_history import row


def remembered(root: Path, audit: Audit, source: str | None = None) -> Audit:
    folder = RunFolder(root / "now")
    return with_history(audit, source, folder.path, root, Gallery(folder))


def test_the_first_audit_of_a_name_has_no_history(tmp_path: Path) -> None:
    audit = row()[0]

    assert remembered(tmp_path, audit) == audit


def test_earlier_audits_beside_the_run_folder_become_its_history_with_a_chart(tmp_path: Path) -> None:
    audits = row()
    for audit in audits[:3]:
        run_folder(tmp_path / audit.started[:10], audit)

    audit = remembered(tmp_path, audits[3])

    assert audit.history is not None
    assert [item.folder for item in audit.history.audits] == ["2026-01-01", "2026-02-01", "2026-02-02", "now"]
    assert audit.figures["figures/trends.svg"].alt.startswith("Trends over 4 audits.")
    assert (tmp_path / "now" / "figures" / "trends.svg").is_file()
    assert "The same weights failed 2 times" in audit.notes[0]
    assert audit.attempt == 1


def test_audits_of_other_names_and_later_ones_are_not_its_past(tmp_path: Path) -> None:
    audits = row()
    run_folder(tmp_path / "other", audits[0].model_copy(update={"name": "other"}))
    run_folder(tmp_path / "later", audits[2])
    run_folder(tmp_path / "before", audits[0])

    audit = remembered(tmp_path, audits[1])

    assert audit.history is not None
    assert [item.folder for item in audit.history.audits] == ["before", "now"]


def test_a_folder_of_the_specs_choice_is_read_instead(tmp_path: Path) -> None:
    run_folder(tmp_path / "kept" / "toy" / "1", row()[0])

    audit = remembered(tmp_path, row()[1], "kept")

    assert audit.history is not None
    assert audit.history.audits[0].folder == "toy/1"


def test_a_history_that_cannot_be_read_costs_no_audit(tmp_path: Path) -> None:
    audit = remembered(tmp_path, row()[1], "nowhere")

    assert audit.history is None
    assert "The history could not be read" in audit.notes[0]


def test_only_the_newest_of_very_many_are_kept_and_a_note_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditor.pipeline.remembering.MOST_AUDITS", 1)
    for audit in row()[:2]:
        run_folder(tmp_path / audit.started[:10], audit)

    audit = remembered(tmp_path, row()[2])

    assert audit.history is not None
    assert [item.folder for item in audit.history.audits] == ["2026-02-01", "now"]
    assert "The history keeps the last 1 of 2 earlier audits." in audit.notes
