"""`auditor publish`: all that is not set at once, consent before pictures are public, and a dry run without a token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.cli import invoke
from tests.publish.services import FakeGithub, FakeGitlab

PLACE = "gitlab:vision/signs!3"


@pytest.fixture
def gitlab(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitlab]:
    with FakeGitlab().listening() as service:
        monkeypatch.setenv("GITLAB_URL", service.base)
        monkeypatch.setenv("GITLAB_TOKEN", "glpat-1")
        assert isinstance(service, FakeGitlab)
        yield service


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = invoke(["publish", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_address_is_on_stdout_and_what_was_done_on_stderr(
    run: Path,
    gitlab: FakeGitlab,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = call(capsys, run, "--to", PLACE)

    assert code == 0
    assert out.strip() == f"{gitlab.base}/vision/signs/-/merge_requests/3"
    assert "gitlab: a note was added" in err
    assert "glpat-1" not in out + err


def test_all_that_is_not_set_is_said_at_once(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capsys, run, "--to", "jira", "--to", "github")

    assert code == 2
    for word in ("JIRA_URL", "JIRA_TOKEN", "--to jira:KEY-1", "GITHUB_TOKEN", "owner/repository"):
        assert word in err


def test_pictures_do_not_go_to_a_public_place_unasked(
    run: Path,
    gitlab: FakeGitlab,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gitlab.visibility = "public"

    code, _, err = call(capsys, run, "--to", PLACE)

    assert code == 2
    assert "is a public place, and report.pdf and report.html hold pictures" in err
    assert "--no-images" in err
    assert gitlab.made() == []


def test_yes_agrees(run: Path, gitlab: FakeGitlab, capsys: pytest.CaptureFixture[str]) -> None:
    gitlab.visibility = "public"

    code, _, err = call(capsys, run, "--to", PLACE, "--yes")

    assert code == 0
    assert "warning" in err
    assert len(gitlab.uploads) == 2


def test_without_files_that_show_pictures_nobody_is_asked(
    run: Path,
    gitlab: FakeGitlab,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gitlab.visibility = "public"

    code, _, err = call(capsys, run, "--to", PLACE, "--set", "gitlab.files=[audit.json]")

    assert code == 0
    assert "public" not in err
    assert [url.rpartition("/")[2] for url in gitlab.uploads] == ["audit.json"]


def test_a_dry_run_sends_nothing_and_shows_no_token(
    run: Path,
    gitlab: FakeGitlab,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = call(capsys, run, "--to", PLACE, "--dry-run")

    assert code == 0
    assert gitlab.asked == []
    assert f"POST {gitlab.base}/api/v4/projects/vision%2Fsigns/merge_requests/3/notes" in out
    assert "PRIVATE-TOKEN: ***" in out
    assert "glpat-1" not in out + err


def test_one_target_that_refuses_does_not_stop_the_next(
    run: Path,
    gitlab: FakeGitlab,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with FakeGithub().listening() as github:
        monkeypatch.setenv("GITHUB_API_URL", github.base)
        monkeypatch.setenv("GITHUB_TOKEN", "wrong")
        code, _, err = call(capsys, run, "--to", "github:vision/signs#12", "--to", PLACE)

    assert code == 2
    assert "GITHUB_TOKEN is not accepted" in err
    assert len(gitlab.notes) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--to", "jirra:QA-1"), "did you mean 'jira'"),
        (("--to", PLACE, "--set", "gitlab.stikcy=report"), "its options: place, files, sticky"),
        (("--to", PLACE, "--set", "jira.files=[x]"), "nothing is published to 'jira'"),
        (("--to", PLACE, "--set", "sticky=report"), "TARGET.OPTION=VALUE"),
    ],
)
def test_mistakes_are_said_without_a_traceback(
    run: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    words: str,
) -> None:
    code, _, err = call(capsys, run, *arguments)

    assert code == 2
    assert "Traceback" not in err
    assert words in " ".join(err.replace("│", " ").split())
