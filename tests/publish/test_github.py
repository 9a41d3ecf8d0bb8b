"""GitHub: one sticky comment, SARIF to code scanning, no picture."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.errors import PublishError
from auditor.publish import Parcels, Reach
from auditor.publish._parcels import parcels_of
from auditor.publish.github import Github
from tests.publish.conftest import Heard, again
from tests.publish.services import Answer, FakeGithub

TARGET = Github(place="vision/signs#12")
SARIF = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "auditor"}}, "results": []}]}


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGithub]:
    with FakeGithub().listening() as service:
        monkeypatch.setenv("GITHUB_API_URL", service.base)
        monkeypatch.setenv("GITHUB_TOKEN", "ghs_1")
        assert isinstance(service, FakeGithub)
        yield service


@pytest.fixture
def with_sarif(run: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Parcels]:
    again(run, "audit.sarif", json.dumps(SARIF))
    monkeypatch.setenv("GITHUB_SHA", "4b" * 20)
    monkeypatch.setenv("GITHUB_REF", "refs/pull/12/merge")
    with parcels_of(run, images=True) as parcels:
        yield parcels


def test_one_comment_sticks_and_the_next_audit_of_that_name_takes_it_over(
    github: FakeGithub, parcels: Parcels, run: Path, heard: Heard
) -> None:
    TARGET.publish(parcels, heard.sending())
    later = parcels.audit.model_copy(update={"report_id": "AUD-29990101-00000000", "started": "2999-01-01T00:00:00Z"})
    again(run, "audit.json", later.to_json())

    with parcels_of(run, images=True) as second:
        outcome = TARGET.publish(second, heard.sending())

    assert len(github.comments) == 1
    assert "AUD-29990101-00000000" in github.comments[0]["body"]
    assert outcome.address == "https://github.example/c/1"


def test_a_comment_for_each_report_where_that_is_asked(
    github: FakeGithub, parcels: Parcels, run: Path, heard: Heard
) -> None:
    target = Github(place="vision/signs#12", sticky="report")
    target.publish(parcels, heard.sending())
    target.publish(parcels, heard.sending())
    again(run, "audit.json", parcels.audit.model_copy(update={"report_id": "AUD-2"}).to_json())
    with parcels_of(run, images=True) as second:
        target.publish(second, heard.sending())

    assert len(github.comments) == 2


def test_an_older_audit_never_replaces_a_newer_one(
    github: FakeGithub, parcels: Parcels, run: Path, heard: Heard
) -> None:
    TARGET.publish(parcels, heard.sending())
    again(run, "audit.json", parcels.audit.model_copy(update={"started": "2001-01-01T00:00:00Z"}).to_json())
    with parcels_of(run, images=True) as older:
        outcome = TARGET.publish(older, heard.sending())

    assert any("newer; it was left as it is" in line for line in outcome.done)
    assert github.made() == ["POST /repos/vision/signs/issues/12/comments"]


def test_the_same_audit_twice_sends_no_second_comment(github: FakeGithub, parcels: Parcels, heard: Heard) -> None:
    TARGET.publish(parcels, heard.sending())
    TARGET.publish(parcels, heard.sending())

    assert github.made() == ["POST /repos/vision/signs/issues/12/comments"]


def test_somebody_elses_comment_with_our_marker_is_passed_over(
    github: FakeGithub, parcels: Parcels, heard: Heard
) -> None:
    TARGET.publish(parcels, heard.sending())
    stolen = {**github.comments[0], "foreign": True, "body": github.comments[0]["body"] + "hello"}
    github.comments = [stolen, *({"id": i, "body": "x"} for i in range(2, 150))]

    TARGET.publish(parcels, heard.sending())
    TARGET.publish(parcels, heard.sending())

    assert len(github.comments) == 150
    assert parcels.audit.report_id in github.comments[-1]["body"]


def test_sarif_is_packed_and_uploaded_for_commit_and_ref(github: FakeGithub, with_sarif: Parcels, heard: Heard) -> None:
    github.processing = [{"processing_status": "pending"}, {"processing_status": "complete"}]

    TARGET.publish(with_sarif, heard.sending())

    upload = github.sarifs[0]
    assert upload["sarif"] == SARIF
    assert (upload["commit_sha"], upload["ref"]) == ("4b" * 20, "refs/pull/12/merge")
    assert heard.pauses == [3]


def test_sarif_that_code_scanning_refuses_fails_after_the_comment_is_made(
    github: FakeGithub, with_sarif: Parcels, heard: Heard
) -> None:
    github.processing = [{"processing_status": "failed", "errors": ["locationFromSarifResult: no location"]}]

    with pytest.raises(PublishError, match="no location"):
        TARGET.publish(with_sarif, heard.sending())

    assert len(github.comments) == 1


def test_without_code_scanning_the_comment_is_still_made(github: FakeGithub, with_sarif: Parcels, heard: Heard) -> None:
    github.code_scanning = False

    with pytest.raises(PublishError, match="code scanning is not switched on"):
        TARGET.publish(with_sarif, heard.sending())

    assert len(github.comments) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(413, {"message": "Payload Too Large"}), "larger than GitHub takes"),
        (Answer(422, {"message": "ref is invalid"}), "does not accept"),
    ],
)
def test_sarif_errors_say_why(
    github: FakeGithub, with_sarif: Parcels, heard: Heard, answer: Answer, words: str
) -> None:
    github.first.append(("POST", "/sarifs", answer))

    with pytest.raises(PublishError, match=words):
        TARGET.publish(with_sarif, heard.sending())


def test_a_summary_longer_than_a_comment_is_cut_at_a_line(github: FakeGithub, run: Path, heard: Heard) -> None:
    again(run, "summary.md", "# FAIL\n" + "a line of the summary\n" * 5_000)
    with parcels_of(run, images=True) as parcels:
        TARGET.publish(parcels, heard.sending())

    body = github.comments[0]["body"]
    assert len(body) <= 65_536
    assert "Cut here" in body
    assert body.rstrip().endswith(f"Report {parcels.audit.report_id}")


def test_no_picture_leaves_and_the_artifacts_are_linked(
    github: FakeGithub, parcels: Parcels, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_REPOSITORY", "vision/signs")
    monkeypatch.setenv("GITHUB_RUN_ID", "99")
    monkeypatch.setenv("GITHUB_REF", "refs/pull/12/merge")

    Github().publish(parcels, heard.sending())

    assert "https://github.com/vision/signs/actions/runs/99#artifacts" in github.comments[0]["body"]
    assert "data:image" not in github.comments[0]["body"]
    assert Github().picture_files(parcels) == []


def test_the_number_comes_from_the_event_where_the_ref_is_a_branch(
    github: FakeGithub, parcels: Parcels, heard: Heard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 12}}))
    monkeypatch.setenv("GITHUB_REPOSITORY", "vision/signs")
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))

    Github().publish(parcels, heard.sending())

    assert len(github.comments) == 1


@pytest.mark.parametrize(("status", "words"), [(401, "expired"), (403, "pull-requests: write"), (404, "no such repo")])
def test_refusals_say_what_to_do(github: FakeGithub, parcels: Parcels, heard: Heard, status: int, words: str) -> None:
    github.first.append(("GET", "/comments", Answer(status, {"message": "ghs_1 is bad"})))

    with pytest.raises(PublishError, match=words) as refused:
        TARGET.publish(parcels, heard.sending())

    assert "ghs_1" not in str(refused.value)


def test_who_can_look_is_the_repositorys_visibility(github: FakeGithub, heard: Heard) -> None:
    assert TARGET.reach(heard.sending()) is Reach.CLOSED

    github.private = False

    assert TARGET.reach(heard.sending()) is Reach.PUBLIC


def test_what_is_not_set_is_said() -> None:
    found = " ".join(Github().missing())

    assert "GITHUB_TOKEN" in found
    assert "owner/repository#12" in found
