"""Requests to one service: tried again with growing pauses, secrets masked wherever they could be shown."""

from __future__ import annotations

import ipaddress
import json as jsons
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from auditor.errors import PublishError
from auditor.publish import Sending

if TYPE_CHECKING:
    import httpx

TRIES = 5
LONGEST_WAIT = 300.0
"""Seconds; a service that asks for more is left alone, and the message says when to come back."""
AGAIN = frozenset({429, 500, 502, 503, 504})
MASK = "***"
SHOWN = 4_000
"""Characters of a body that a dry run prints."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a service answered.

    Attributes:
        status: The HTTP status; 0 in a dry run, where nothing was asked.
        content: The decoded JSON, or the raw bytes where it is none.
        next_page: Address of the following page, where there is one.
    """

    status: int
    content: Any
    next_page: str | None = None

    @property
    def good(self) -> bool:
        """Whether it was done, or is assumed to have been."""
        return self.status < 300


@dataclass(slots=True)
class Wire:
    """The way to one service.

    Attributes:
        service: Its name, for messages.
        base: Address that paths are appended to.
        headers: Sent with every request; values of secrets are masked wherever they are shown.
        secrets: What must never be seen.
    """

    service: str
    base: str
    headers: Mapping[str, str]
    secrets: tuple[str, ...]
    sending: Sending
    timeout: float = 60.0
    _client: httpx.Client | None = field(default=None, repr=False)

    def ask(
        self,
        method: str,
        path: str,
        *,
        assumed: Any = None,
        body: Any = None,
        raw: bytes | None = None,
        file: tuple[str, Path, str] | None = None,
        headers: Mapping[str, str] | None = None,
        allowed: frozenset[int] = frozenset(),
        follow: bool = False,
        refusals: Mapping[int, str] | None = None,
    ) -> Reply:
        """One request.

        Args:
            path: Appended to `base`, or a whole address.
            assumed: What a dry run takes for the answer.
            body: Sent as JSON.
            raw: Sent as it is.
            file: Name, path and media type of what is sent as the form field `file`.
            allowed: Statuses that are answers rather than errors.
            follow: Whether redirections are followed (without credentials, to another host).
            refusals: Status → what to do about it, in words.

        Raises:
            PublishError: Refused, or out of reach after five tries.
        """
        address = path if "://" in path else self.base.rstrip("/") + path
        all_headers = {**self.headers, **(headers or {})}
        if body is not None:
            raw = jsons.dumps(body, ensure_ascii=False, allow_nan=False).encode()
            all_headers["Content-Type"] = "application/json"
        if self.sending.show is not None:
            self.sending.show(self._shown(method, address, all_headers, raw, file))
            return Reply(0, assumed)

        def once() -> httpx.Response:
            request: dict[str, Any] = {"headers": all_headers, "follow_redirects": follow}
            if raw is not None:
                request["content"] = raw
            if file is None:
                return self._open().request(method, address, **request)
            with file[1].open("rb") as content:
                return self._open().request(method, address, files={"file": (file[0], content, file[2])}, **request)

        response = self._with_patience(method, address, once, allowed)
        if not response.is_success and response.status_code not in allowed:
            raise PublishError(self._refused(method, address, response, refusals or {}))
        following = response.links.get("next", {}).get("url")
        return Reply(response.status_code, _content(response), following)

    def pages(self, path: str, *, refusals: Mapping[int, str] | None = None) -> Iterator[Any]:
        """All items of a list that the service gives page by page (`Link: rel="next"`); none in a dry run."""
        following: str | None = path
        while following is not None:
            reply = self.ask("GET", following, assumed=[], refusals=refusals)
            yield from reply.content
            following = reply.next_page
            if following is not None and urlsplit(following)[:2] != urlsplit(self.base)[:2]:
                raise PublishError(f"{self.service}: its list goes on at another host ({following}); not followed")

    def mask(self, text: str) -> str:
        """Without secrets, and without characters that move a terminal's cursor."""
        for secret in sorted((one for one in self.secrets if one), key=len, reverse=True):
            text = text.replace(secret, MASK)
        return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "", text)

    def close(self) -> None:
        """Close connections."""
        if self._client is not None:
            self._client.close()

    def _open(self) -> httpx.Client:
        if self._client is None:
            import httpx

            if self.secrets and not _safe(self.base):
                self.sending.warn(
                    f"{self.service}: {urlsplit(self.base).netloc} is not https; tokens go there readable"
                )
            self._client = httpx.Client(timeout=self.timeout)
        return self._client

    def _with_patience(
        self, method: str, address: str, once: Callable[[], httpx.Response], allowed: frozenset[int]
    ) -> httpx.Response:
        import httpx
        from tenacity import RetryCallState, Retrying, retry_if_exception, retry_if_result, stop_after_attempt
        from tenacity.wait import wait_exponential_jitter

        growing = wait_exponential_jitter(initial=1, max=30)

        def seconds(state: RetryCallState) -> float:
            outcome = state.outcome
            asked = None if outcome is None or outcome.failed else asked_pause(outcome.result())
            if asked is not None and asked > LONGEST_WAIT:
                raise PublishError(f"{self.service}: asks to wait {asked:.0f} s; publish again after that")
            return growing(state) if asked is None else asked

        def unheard(error: BaseException) -> bool:
            """Whether it cannot have been done: a POST whose answer was lost may have been."""
            if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)):
                return True
            return isinstance(error, httpx.TransportError) and method != "POST"

        retrying = Retrying(
            stop=stop_after_attempt(TRIES),
            wait=seconds,
            retry=retry_if_exception(unheard)
            | retry_if_result(lambda one: _later(one) and one.status_code not in allowed),
            sleep=self.sending.pause,
            retry_error_callback=lambda state: state.outcome.result() if state.outcome is not None else None,
        )
        try:
            answer: httpx.Response = retrying(once)
        except (httpx.TransportError, httpx.InvalidURL, httpx.TooManyRedirects) as error:
            lost = isinstance(error, (httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError))
            sure = "; it may have arrived, and publishing again changes it" if method == "POST" and lost else ""
            what = self.mask(f"{method} {address}: {type(error).__name__}: {error}{sure}")
            raise PublishError(f"{self.service}: {what}") from None
        return answer

    def _refused(self, method: str, address: str, response: httpx.Response, refusals: Mapping[int, str]) -> str:
        status = response.status_code
        said = " ".join(re.sub(r"<[^>]*>", " ", response.text[:2_000]).split())[:300]
        remedy = refusals.get(status, "")
        if 300 <= status < 400:
            remedy = f"it has moved to {response.headers.get('location', 'nowhere')}; set that address"
        words = f"{self.service}: {method} {address} answers {status} {response.reason_phrase}"
        return self.mask(words + (f": {remedy}" if remedy else "") + (f" (it says: {said})" if said else ""))

    def _shown(
        self,
        method: str,
        address: str,
        headers: Mapping[str, str],
        raw: bytes | None,
        file: tuple[str, Path, str] | None,
    ) -> str:
        lines = [f"{method} {address}", *(f"  {name}: {value}" for name, value in headers.items())]
        if file is not None:
            lines.append(f"  file: {file[0]} ({file[2]}, {file[1].stat().st_size:,} bytes)")
        if raw is not None:
            text = raw.decode("utf-8", "replace")
            lines.append(
                "  " + text[:SHOWN] + (f" … {len(text) - SHOWN:,} characters more" if len(text) > SHOWN else "")
            )
        return self.mask("\n".join(lines))


def asked_pause(response: httpx.Response, now: float | None = None) -> float | None:
    """Seconds that the service asks to wait, by Retry-After or the reset of its rate limit; None where it does not.

    Source: RFC 9110, 10.2.3; GitHub's x-ratelimit-reset and GitLab's ratelimit-reset are seconds since 1970
    """
    now = time.time() if now is None else now
    asked = response.headers.get("retry-after", "").strip()
    if asked.isdigit():
        return float(asked)
    if asked:
        try:
            moment = parsedate_to_datetime(asked)
        except ValueError:
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.fromtimestamp(now, UTC)).total_seconds())
    left = response.headers.get("x-ratelimit-remaining", response.headers.get("ratelimit-remaining"))
    reset = response.headers.get("x-ratelimit-reset", response.headers.get("ratelimit-reset", ""))
    return max(0.0, float(reset) - now) if left == "0" and reset.isdigit() else None


def _later(response: httpx.Response) -> bool:
    """Whether the same request may be answered later: GitHub says 403 for its limits as well as for good."""
    return response.status_code in AGAIN or (response.status_code == 403 and asked_pause(response) is not None)


def _content(response: httpx.Response) -> Any:
    if "json" in response.headers.get("content-type", ""):
        try:
            return response.json()
        except ValueError:
            return response.content
    return response.content


def _safe(base: str) -> bool:
    parts = urlsplit(base)
    host = parts.hostname or ""
    if parts.scheme == "https" or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
