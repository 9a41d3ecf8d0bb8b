"""GitLab: uploads once, one note on a merge request or issue."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.errors import PublishError
from auditor.publish import Parcels, Reach
from auditor.publish._parcels import parcels_of
from auditor.publish.gitlab import Gitlab
from tests.publish.conftest import Heard, again
from tests.publish.services import Answer, FakeGitlab

TARGET = Gitlab(place="vision/signs!3")


@pytest.mark.parametrize(("place", "thing"), [("vision/signs!3", "merge_requests"), ("vision/signs#3", "issues")])
def test_reports_are_uploaded_and_linked_from_a_note(
    gitlab: FakeGitlab, parcels: Parcels, heard: Heard, place: str, thing: str
) -> None:
    outcome = Gitlab(place=place).publish(parcels, heard.sending())

    body = gitlab.notes[0]["body"]
    assert all(f"]({url})" in body for url in gitlab.uploads)
    assert {url.rpartition("/")[2] for url in gitlab.uploads} == {"report.pdf", "report.html"}
    assert f"/{thing}/3/notes" in " ".join(gitlab.made())
    assert outcome.address.endswith(f"/{thing}/3")


def test_the_same_audit_twice_uploads_nothing_and_keeps_one_note(
    gitlab: FakeGitlab, parcels: Parcels, heard: Heard
) -> None:
    TARGET.publish(parcels, heard.sending())
    first = dict(gitlab.uploads)

    TARGET.publish(parcels, heard.sending())

    assert gitlab.uploads == first
    assert len(gitlab.notes) == 1


def test_a_report_rendered_again_takes_the_place_of_the_older_upload(
    gitlab: FakeGitlab, run: Path, heard: Heard
) -> None:
    for content in (b"%PDF 1", b"%PDF 2"):
        again(run, "report.pdf", content)
        with parcels_of(run, images=True) as parcels:
            TARGET.publish(parcels, heard.sending())

    assert sorted(gitlab.uploads.values())[0] == b"%PDF 2"
    assert len(gitlab.uploads) == 2


def test_a_token_that_may_not_delete_uploads_is_told(gitlab: FakeGitlab, run: Path, heard: Heard) -> None:
    gitlab.maintainer = False
    for content in (b"%PDF 1", b"%PDF 2"):
        again(run, "report.pdf", content)
        with parcels_of(run, images=True) as parcels:
            outcome = TARGET.publish(parcels, heard.sending())

    assert "the token may not delete the older report.pdf; nothing links to it" in outcome.done


def test_a_note_that_shows_a_newer_audit_stays(gitlab: FakeGitlab, parcels: Parcels, heard: Heard) -> None:
    TARGET.publish(parcels, heard.sending())
    newer = gitlab.notes[0]["body"].replace(f"started={parcels.audit.started[:4]}", "started=2999")
    gitlab.notes[0]["body"] = newer

    outcome = TARGET.publish(parcels, heard.sending())

    assert "newer" in outcome.done[0]
    assert gitlab.notes[0]["body"] == newer


def test_an_upload_beyond_the_limit_is_left_out_and_the_note_says_so(
    gitlab: FakeGitlab, parcels: Parcels, heard: Heard
) -> None:
    gitlab.limit = 1_000

    TARGET.publish(parcels, heard.sending())

    assert [url.rpartition("/")[2] for url in gitlab.uploads] == ["report.html"]
    assert "report.pdf (1.4 kB) was left out: it is larger than this GitLab takes" in gitlab.notes[0]["body"]


def test_the_own_note_is_found_on_a_later_page_and_quotations_are_passed_over(
    gitlab: FakeGitlab, parcels: Parcels, heard: Heard
) -> None:
    TARGET.publish(parcels, heard.sending())
    ours = gitlab.notes[0]["body"]
    gitlab.notes += [{"id": i, "body": f"> {ours}", "author": {"id": 9}} for i in range(2, 240)]
    gitlab.notes.append({"id": 300, "body": ours, "author": {"id": 9}})

    TARGET.publish(parcels, heard.sending())

    assert len(gitlab.notes) == 240
    assert gitlab.made()[-1].endswith("/notes/1")


def test_no_line_of_a_summary_is_a_command(gitlab: FakeGitlab, run: Path, heard: Heard) -> None:
    again(run, "summary.md", "# FAIL\n\n/close\n/assign @anna\nby @team, mail a@b.example\n")
    with parcels_of(run, images=True) as parcels:
        TARGET.publish(parcels, heard.sending())

    body = gitlab.notes[0]["body"]
    assert "# FAIL" in body
    assert "\n/" not in body
    assert "@team" not in body
    assert "a@b.example" in body


@pytest.mark.parametrize(("status", "words"), [(401, "expired"), (403, "scope `api`"), (404, "no such project")])
def test_refusals_say_what_to_do(gitlab: FakeGitlab, parcels: Parcels, heard: Heard, status: int, words: str) -> None:
    gitlab.first.append(("GET", "/notes", Answer(status, {"message": "no glpat-1"})))

    with pytest.raises(PublishError, match=words) as refused:
        TARGET.publish(parcels, heard.sending())

    assert "glpat-1" not in str(refused.value)


@pytest.mark.parametrize(("visibility", "reach"), [("public", Reach.PUBLIC), ("internal", Reach.CLOSED)])
def test_who_can_look_is_the_projects_visibility(
    gitlab: FakeGitlab, heard: Heard, visibility: str, reach: Reach
) -> None:
    gitlab.visibility = visibility

    assert TARGET.reach(heard.sending()) is reach


def test_in_a_merge_requests_pipeline_the_variables_say_where(
    gitlab: FakeGitlab, parcels: Parcels, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI_API_V4_URL", f"{gitlab.base}/api/v4")
    monkeypatch.setenv("CI_PROJECT_ID", "vision/signs")
    monkeypatch.setenv("CI_MERGE_REQUEST_IID", "3")
    monkeypatch.setenv("CI_JOB_URL", "https://gitlab.example/vision/signs/-/jobs/5")

    assert Gitlab().missing() == []
    Gitlab().publish(parcels, heard.sending())

    assert "https://gitlab.example/vision/signs/-/jobs/5/artifacts/browse" in gitlab.notes[0]["body"]


def test_what_is_not_set_is_said() -> None:
    found = " ".join(Gitlab().missing())

    assert "GITLAB_TOKEN" in found
    assert "group/project!7" in found
