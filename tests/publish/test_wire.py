"""Requests are tried again with growing pauses, as the service asks; secrets are never shown."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import httpx
import pytest

from auditor.errors import PublishError
from auditor.publish._wire import Wire, asked_pause
from tests.publish.conftest import Heard
from tests.publish.services import Answer, Request, Service


class Echo(Service):
    def answer(self, request: Request) -> Answer:
        return Answer(json={"path": request.path})


@pytest.fixture
def echo() -> Iterator[Service]:
    with Echo().listening() as service:
        yield service


def wire(service: Service, heard: Heard, *, dry: bool = False) -> Wire:
    headers = {"Authorization": "Bearer s3cret"}
    return Wire("Service", service.base, headers, ("s3cret",), heard.sending(dry=dry), timeout=5)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_500_then_200_is_an_answer(echo: Service, heard: Heard, method: str) -> None:
    echo.first.append((method, "/x", Answer(500)))

    reply = wire(echo, heard).ask(method, "/x")

    assert reply.content == {"path": "/x"}
    assert len(heard.pauses) == 1


def test_a_limit_is_waited_for_as_long_as_the_service_asks(echo: Service, heard: Heard) -> None:
    echo.first += [("GET", "/x", Answer(429, headers={"Retry-After": "17"})), ("GET", "/x", Answer(503))]

    wire(echo, heard).ask("GET", "/x")

    assert heard.pauses[0] == 17
    assert 1 <= heard.pauses[1] <= 4


def test_githubs_403_with_a_limit_is_waited_for_and_a_plain_403_is_not(echo: Service, heard: Heard) -> None:
    echo.first.append(("GET", "/x", Answer(403, headers={"Retry-After": "3"})))
    wire(echo, heard).ask("GET", "/x")
    echo.first.append(("GET", "/x", Answer(403)))

    with pytest.raises(PublishError, match="403"):
        wire(echo, heard).ask("GET", "/x")

    assert heard.pauses == [3]


def test_who_asks_for_an_hour_is_left_alone(echo: Service, heard: Heard) -> None:
    echo.first.append(("GET", "/x", Answer(429, headers={"Retry-After": "3600"})))

    with pytest.raises(PublishError, match="wait 3600 s"):
        wire(echo, heard).ask("GET", "/x")

    assert heard.pauses == []


def test_after_five_tries_it_is_given_up_with_pauses_that_grow(echo: Service, heard: Heard) -> None:
    echo.first += [("GET", "/x", Answer(502, {"message": "bad gateway"}))] * 5

    with pytest.raises(PublishError, match="502"):
        wire(echo, heard).ask("GET", "/x")

    assert len(echo.asked) == 5
    assert [1 <= heard.pauses[0] <= 2, 2 <= heard.pauses[1] <= 3, 4 <= heard.pauses[2] <= 5] == [True] * 3


def test_nobody_there_is_said_after_five_tries(heard: Heard) -> None:
    nobody = Echo(base="http://127.0.0.1:1")

    with pytest.raises(PublishError, match="ConnectError"):
        wire(nobody, heard).ask("GET", "/x")

    assert len(heard.pauses) == 4


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "5"}, 5),
        ({"retry-after": formatdate(1_000_060, usegmt=True)}, 60),
        ({"retry-after": formatdate(999_000, usegmt=True)}, 0),
        ({"retry-after": "soon"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1000030"}, 30),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "1000030"}, 30),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "1000030"}, None),
        ({}, None),
    ],
)
def test_pauses_are_read_from_every_header_in_use(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_pause(httpx.Response(429, headers=headers), now=1_000_000) == seconds


def test_a_redirection_is_not_followed_and_named(echo: Service, heard: Heard) -> None:
    echo.first.append(("GET", "/x", Answer(302, headers={"Location": "https://elsewhere.example/login"})))

    with pytest.raises(PublishError, match="elsewhere"):
        wire(echo, heard).ask("GET", "/x")


def test_a_list_that_goes_on_elsewhere_is_not_followed(echo: Service, heard: Heard) -> None:
    link = {"Link": '<https://elsewhere.example/2>; rel="next"'}
    echo.first.append(("GET", "/x", Answer(json=[1], headers=link)))

    with pytest.raises(PublishError, match="another host"):
        list(wire(echo, heard).pages("/x"))


def test_a_dry_run_sends_nothing_and_masks_the_token(echo: Service, heard: Heard, tmp_path: Path) -> None:
    (tmp_path / "report.pdf").write_bytes(b"12345")
    dry = wire(echo, heard, dry=True)

    dry.ask("POST", "/x", body={"text": "with s3cret inside"})
    dry.ask("POST", "/y", file=("report.pdf", tmp_path / "report.pdf", "application/pdf"))

    assert echo.asked == []
    shown = "\n".join(heard.shown)
    assert "s3cret" not in shown
    assert "Authorization: Bearer ***" in shown
    assert "report.pdf (application/pdf, 5 bytes)" in shown


def test_a_token_over_plain_http_to_another_machine_is_warned_of(heard: Heard) -> None:
    far = Wire("Service", "http://jira.example", {}, ("s3cret",), heard.sending())

    far._open()
    far.close()

    assert "not https" in heard.warnings[0]
