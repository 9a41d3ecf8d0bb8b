"""`auditor publish`: all that is not set at once, consent before pictures are public, and a dry run without a token."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import Call
from tests.publish.services import FakeGithub, FakeGitlab

PLACE = "gitlab:vision/signs!3"


def test_the_address_is_on_stdout_and_what_was_done_on_stderr(
    run: Path,
    gitlab: FakeGitlab,
    call: Call,
) -> None:
    code, out, err = call("publish", run, "--to", PLACE)

    assert code == 0
    assert out.strip() == f"{gitlab.base}/vision/signs/-/merge_requests/3"
    assert "gitlab: a note was added" in err
    assert "glpat-1" not in out + err


def test_all_that_is_not_set_is_said_at_once(run: Path, call: Call) -> None:
    code, _, err = call("publish", run, "--to", "jira", "--to", "github")

    assert code == 2
    for word in ("JIRA_URL", "JIRA_TOKEN", "--to jira:KEY-1", "GITHUB_TOKEN", "owner/repository"):
        assert word in err


def test_pictures_do_not_go_to_a_public_place_unasked(
    run: Path,
    gitlab: FakeGitlab,
    call: Call,
) -> None:
    gitlab.visibility = "public"

    code, _, err = call("publish", run, "--to", PLACE)

    assert code == 2
    assert "is a public place, and report.pdf and report.html hold pictures" in err
    assert "--no-images" in err
    assert gitlab.made() == []


def test_yes_agrees(run: Path, gitlab: FakeGitlab, call: Call) -> None:
    gitlab.visibility = "public"

    code, _, err = call("publish", run, "--to", PLACE, "--yes")

    assert code == 0
    assert "warning" in err
    assert len(gitlab.uploads) == 2


@dataclass
class Answered:
    code: int
    screen: str


def at_a_terminal(answer: bytes, *arguments: object) -> Answered:
    """The command in a terminal of its own, which somebody answers when it asks."""
    import pty

    ours, theirs = pty.openpty()
    opened = 'tty=$1; shift; exec "$@" <"$tty" >"$tty" 2>&1'  # by the first of a session: Ctrl-C then reaches it
    command = ["sh", "-c", opened, "sh", os.ttyname(theirs), sys.executable, "-m", "auditor", *map(str, arguments)]
    # where the tests run in the background, Ctrl-C is ignored, and children inherit that
    listens = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen(command, start_new_session=True, preexec_fn=listens)
    screen, latest, again = b"", time.monotonic() + 120, None
    while process.poll() is None or select.select([ours], [], [], 0)[0]:
        if select.select([ours], [], [], 0.1)[0]:
            screen += os.read(ours, 1024)
        if answer and again is None and screen.endswith(b"[y/N]: "):
            again = time.monotonic()
        if again is not None and time.monotonic() > again:
            # once more after a while: what comes just as a process begins to read a line can pass it by
            os.write(ours, answer)
            again = time.monotonic() + 2
        if time.monotonic() > latest:
            process.kill()
    os.close(ours)
    os.close(theirs)
    return Answered(process.wait(timeout=60), screen.decode().replace("\r\n", "\n"))


def test_at_a_terminal_yes_puts_pictures_into_a_public_place(run: Path, gitlab: FakeGitlab) -> None:
    gitlab.visibility = "public"

    done = at_a_terminal(b"y\n", "publish", run, "--to", PLACE)

    assert done.code == 0, done.screen
    assert done.screen.startswith(f"warning: {PLACE} is a public place, and report.pdf and report.html hold pictures")
    assert "Put them there? [y/N]: y" in done.screen
    assert len(gitlab.uploads) == 2


@pytest.mark.parametrize("answer", [b"n\n", b"\n"], ids=["no", "nothing"])
def test_at_a_terminal_anything_else_publishes_nothing(run: Path, gitlab: FakeGitlab, answer: bytes) -> None:
    gitlab.visibility = "public"

    done = at_a_terminal(answer, "publish", run, "--to", PLACE)

    assert done.code == 2, done.screen
    assert "Put them there? [y/N]:" in done.screen
    assert "nothing was published there; --no-images leaves pictures out" in done.screen
    assert gitlab.made() == []


@pytest.mark.parametrize("answer", [b"\x03", b"\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_an_interruption_of_the_question_publishes_nothing(run: Path, gitlab: FakeGitlab, answer: bytes) -> None:
    gitlab.visibility = "public"

    done = at_a_terminal(answer, "publish", run, "--to", PLACE)

    assert done.code == 130, done.screen
    assert "Traceback" not in done.screen
    assert gitlab.made() == []


def test_a_closed_place_asks_nobody(run: Path, gitlab: FakeGitlab) -> None:
    done = at_a_terminal(b"", "publish", run, "--to", PLACE)

    assert done.code == 0, done.screen
    assert "public" not in done.screen
    assert len(gitlab.uploads) == 2


def test_without_files_that_show_pictures_nobody_is_asked(
    run: Path,
    gitlab: FakeGitlab,
    call: Call,
) -> None:
    gitlab.visibility = "public"

    code, _, err = call("publish", run, "--to", PLACE, "--set", "gitlab.files=[audit.json]")

    assert code == 0
    assert "public" not in err
    assert [url.rpartition("/")[2] for url in gitlab.uploads] == ["audit.json"]


def test_a_dry_run_sends_nothing_and_shows_no_token(
    run: Path,
    gitlab: FakeGitlab,
    call: Call,
) -> None:
    code, out, err = call("publish", run, "--to", PLACE, "--dry-run")

    assert code == 0
    assert gitlab.asked == []
    assert f"POST {gitlab.base}/api/v4/projects/vision%2Fsigns/merge_requests/3/notes" in out
    assert "PRIVATE-TOKEN: ***" in out
    assert "glpat-1" not in out + err


def test_one_target_that_refuses_does_not_stop_the_next(
    run: Path,
    gitlab: FakeGitlab,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with FakeGithub().listening() as github:
        monkeypatch.setenv("GITHUB_API_URL", github.base)
        monkeypatch.setenv("GITHUB_TOKEN", "wrong")
        code, _, err = call("publish", run, "--to", "github:vision/signs#12", "--to", PLACE)

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
    call: Call,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    code, _, err = call("publish", run, *arguments)

    assert code == 2
    assert "Traceback" not in err
    assert words in " ".join(err.replace("│", " ").split())
