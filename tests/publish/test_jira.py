"""Jira: attachments within the server's limit, one comment an audit, whatever goes wrong in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.errors import PublishError
from auditor.publish import Parcels, Reach
from auditor.publish._parcels import parcels_of
from auditor.publish.jira import Jira
from tests.publish.conftest import Heard, again
from tests.publish.services import Answer, FakeJira

TARGET = Jira(place="QA-1")


@pytest.fixture
def jira(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeJira]:
    with FakeJira().listening() as service:
        monkeypatch.setenv("JIRA_URL", service.base)
        monkeypatch.setenv("JIRA_TOKEN", "jira-token-1")
        assert isinstance(service, FakeJira)
        yield service


def test_reports_are_attached_and_the_verdict_is_commented(jira: FakeJira, parcels: Parcels, heard: Heard) -> None:
    outcome = TARGET.publish(parcels, heard.sending())

    audit = parcels.audit
    assert [one["filename"] for one in jira.attachments] == [
        f"{audit.report_id}-report.pdf",
        f"{audit.report_id}-report.html",
    ]
    assert jira.contents[jira.attachments[0]["id"]] == (parcels.folder / "report.pdf").read_bytes()
    assert audit.report_id in jira.comments[0]["body"]
    assert f"[^{audit.report_id}-report.pdf]" in jira.comments[0]["body"]
    assert "summary.md is not in the run folder" in jira.comments[0]["body"]
    assert outcome.address == f"{jira.base}/browse/QA-1"


def test_the_same_audit_published_twice_changes_nothing(jira: FakeJira, parcels: Parcels, heard: Heard) -> None:
    TARGET.publish(parcels, heard.sending())
    before = len(jira.made())

    outcome = TARGET.publish(parcels, heard.sending())

    assert len(jira.made()) == before
    assert "the comment is there already" in outcome.done


def test_a_report_rendered_again_replaces_its_attachment(jira: FakeJira, run: Path, heard: Heard) -> None:
    for content in (b"%PDF first", b"%PDF other"):  # of one size: only the content tells them apart
        again(run, "report.pdf", content)
        with parcels_of(run, images=True) as parcels:
            TARGET.publish(parcels, heard.sending())

    pdfs = [one for one in jira.attachments if one["filename"].endswith("report.pdf")]
    assert [jira.contents[one["id"]] for one in pdfs] == [b"%PDF other"]
    assert len(jira.comments) == 1


def test_an_account_that_may_not_delete_is_told(jira: FakeJira, run: Path, heard: Heard) -> None:
    jira.may_delete = False
    for content in (b"%PDF 1", b"%PDF 2"):
        again(run, "report.pdf", content)
        with parcels_of(run, images=True) as parcels:
            outcome = TARGET.publish(parcels, heard.sending())

    assert any("may not delete the older one" in line for line in outcome.done)


def test_a_file_beyond_the_servers_limit_is_left_out_in_words(jira: FakeJira, parcels: Parcels, heard: Heard) -> None:
    jira.limit = 1_000

    outcome = TARGET.publish(parcels, heard.sending())

    assert [one["filename"] for one in jira.attachments] == [f"{parcels.audit.report_id}-report.html"]
    assert any("report.pdf (1.4 kB) was left out: Jira takes 0.0 MB" in line for line in outcome.done)
    assert "was left out" in jira.comments[0]["body"]


def test_a_413_all_the_same_leaves_the_file_out(jira: FakeJira, parcels: Parcels, heard: Heard) -> None:
    jira.first.append(("POST", "/attachments", Answer(413, {"errorMessages": ["too large"]})))

    outcome = TARGET.publish(parcels, heard.sending())

    assert len(jira.attachments) == 1
    assert any("larger than Jira takes" in line for line in outcome.done)


def test_where_attachments_are_switched_off_only_the_comment_is_made(
    jira: FakeJira, parcels: Parcels, heard: Heard
) -> None:
    jira.enabled = False

    TARGET.publish(parcels, heard.sending())

    assert jira.attachments == []
    assert "switched off" in jira.comments[0]["body"]


def test_somebody_elses_comment_that_quotes_the_report_is_left_alone(
    jira: FakeJira, parcels: Parcels, heard: Heard
) -> None:
    words = f"see Report {parcels.audit.report_id}"
    jira.comments += [{"id": str(i), "body": words, "author": {"key": "anna"}} for i in range(130)]

    TARGET.publish(parcels, heard.sending())
    TARGET.publish(parcels, heard.sending())

    assert len(jira.comments) == 131
    assert all(one["body"] == words for one in jira.comments[:130])


def test_cloud_takes_the_mail_address_with_the_token(
    jira: FakeJira, parcels: Parcels, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIRA_USER", "bot@example.com")

    TARGET.publish(parcels, heard.sending())

    assert jira.asked[0].headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "JIRA_USER"), (403, "create attachments"), (404, "no such issue"), (400, "400")],
)
def test_refusals_say_what_to_do_and_never_the_token(
    jira: FakeJira, parcels: Parcels, heard: Heard, status: int, words: str
) -> None:
    said = {"errorMessages": ["rejected jira-token-1"]}
    jira.first.append(("GET", "/attachment/meta", Answer(status, said)))

    with pytest.raises(PublishError, match=words) as refused:
        TARGET.publish(parcels, heard.sending())

    assert "jira-token-1" not in str(refused.value)
    assert "***" in str(refused.value)


def test_an_issue_that_anybody_can_read_is_public(jira: FakeJira, heard: Heard) -> None:
    assert TARGET.reach(heard.sending()) is Reach.CLOSED

    jira.public = True

    assert TARGET.reach(heard.sending()) is Reach.PUBLIC
    assert all("authorization" not in one.headers for one in jira.asked)


def test_what_is_not_set_is_said_before_anything_is_sent() -> None:
    found = " ".join(Jira().missing())

    assert all(word in found for word in ("JIRA_URL", "JIRA_TOKEN", "--to jira:KEY-1"))
