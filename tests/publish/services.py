"""Servers on loopback that keep to the documented contracts of Jira, GitLab and GitHub, errors and limits included."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass
class Request:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def upload(self) -> tuple[str, bytes]:
        """File name and content of the form field `file`."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        message = BytesParser(policy=HTTP).parsebytes(head + self.body)
        part = next(
            one for one in message.iter_parts() if one.get_param("name", header="content-disposition") == "file"
        )
        return str(part.get_filename()), part.get_payload(decode=True)


@dataclass
class Answer:
    """What goes back."""

    status: int = 200
    json: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None


@dataclass
class Service:
    """A service that is listening: answers given once before all else, and everything that was asked."""

    base: str = ""
    first: list[tuple[str, str, Answer]] = field(default_factory=list)
    """Method, part of the path, and what is answered once, in this order, instead of the truth."""
    asked: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> Answer:
        raise NotImplementedError

    def reply(self, request: Request) -> Answer:
        self.asked.append(request)
        for item in self.first:
            if item[0] == request.method and item[1] in request.path:
                self.first.remove(item)
                return item[2]
        return self.answer(request)

    def made(self, *methods: str) -> list[str]:
        """Requests that change something, or of these methods, as 'POST /path'."""
        chosen = methods or ("POST", "PUT", "PATCH", "DELETE")
        return [f"{one.method} {one.path}" for one in self.asked if one.method in chosen]

    @contextmanager
    def listening(self) -> Iterator[Service]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                parts = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(parts.query).items()}
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                answer = service.reply(Request(self.command, parts.path, query, self.headers, body))
                content = answer.raw if answer.raw is not None else json.dumps(answer.json).encode()
                self.send_response(answer.status)
                self.send_header(
                    "Content-Type", "application/json" if answer.raw is None else "application/octet-stream"
                )
                self.send_header("Content-Length", str(len(content)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        self.base = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def paged(service: Service, request: Request, items: list[Any], default: int) -> Answer:
    """A page of a list, with the Link header that GitHub and GitLab send."""
    size, number = int(request.query.get("per_page", default)), int(request.query.get("page", 1))
    shown = items[(number - 1) * size : number * size]
    headers = {}
    if number * size < len(items):
        query = "&".join(f"{k}={v}" for k, v in {**request.query, "page": number + 1}.items())
        headers["Link"] = f'<{service.base}{request.path}?{query}>; rel="next", <{service.base}/x>; rel="last"'
    return Answer(json=shown, headers=headers)


@dataclass
class FakeJira(Service):
    """Version 2 of Jira's interface, as Data Center answers it."""

    token: str = "jira-token-1"
    limit: int = 10_485_760
    enabled: bool = True
    public: bool = False
    may_delete: bool = True
    comments: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)
    number: int = 100
    me: dict[str, str] = field(default_factory=lambda: {"key": "auditor-bot", "name": "auditor-bot"})

    def answer(self, request: Request) -> Answer:
        basic = base64.b64encode(f"bot@example.com:{self.token}".encode()).decode()
        known = request.headers.get("authorization") in (f"Bearer {self.token}", f"Basic {basic}")
        if "authorization" in request.headers and not known:
            return Answer(401, {"errorMessages": ["Client must be authenticated to access this resource."]})
        path = request.path.removeprefix("/rest/api/2")
        if path == "/attachment/meta":
            return Answer(json={"enabled": self.enabled, "uploadLimit": self.limit})
        if path == "/myself":
            return Answer(json=self.me) if known else Answer(401, {"errorMessages": ["no"]})
        if request.path.startswith("/secure/attachment/"):
            return Answer(raw=self.contents[request.path.split("/")[3]])
        if found := re.fullmatch(r"/attachment/(\d+)", path):
            if not self.may_delete:
                return Answer(403, {"errorMessages": ["You do not have permission to delete attachments"]})
            self.attachments = [one for one in self.attachments if one["id"] != found[1]]
            return Answer(204, raw=b"")
        if not re.match(r"/issue/QA-1(/|$)", path) or not (known or self.public):
            return Answer(404, {"errorMessages": ["Issue Does Not Exist"]})
        return self._issue(request, path.removeprefix("/issue/QA-1"))

    def _issue(self, request: Request, path: str) -> Answer:
        self.number += 1
        if request.method == "GET" and path == "":
            return Answer(json={"key": "QA-1", "fields": {"attachment": self.attachments}})
        if path == "/attachments":
            if request.headers.get("x-atlassian-token") != "no-check":
                return Answer(403, raw=b"XSRF check failed")
            name, content = request.upload()
            if len(content) > self.limit:
                return Answer(413, {"errorMessages": ["The field file exceeds its maximum permitted size"]})
            identity = str(self.number)
            self.contents[identity] = content
            address = f"{self.base}/secure/attachment/{identity}/{name}"
            made = {"id": identity, "filename": name, "size": len(content), "content": address, "author": self.me}
            self.attachments.append(made)
            return Answer(json=[made])
        if request.method == "GET":
            start, size = int(request.query.get("startAt", 0)), min(int(request.query.get("maxResults", 50)), 100)
            page = self.comments[start : start + size]
            return Answer(json={"startAt": start, "maxResults": size, "total": len(self.comments), "comments": page})
        body = request.json["body"]
        if len(body) > 32_767:
            return Answer(400, {"errorMessages": [], "errors": {"comment": "exceeds its limit of 32,767 characters"}})
        if request.method == "POST":
            self.comments.append({"id": str(self.number), "body": body, "author": self.me})
            return Answer(201, self.comments[-1])
        chosen = next(one for one in self.comments if one["id"] == path.rpartition("/")[2])
        chosen["body"] = body
        return Answer(json=chosen)


@dataclass
class FakeGitlab(Service):
    """Version 4 of GitLab's interface: notes, uploads and visibility of one project."""

    token: str = "glpat-1"
    visibility: str = "private"
    limit: int = 100_000_000
    maintainer: bool = True
    notes: list[dict[str, Any]] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)

    def answer(self, request: Request) -> Answer:
        if request.headers.get("private-token") != self.token:
            return Answer(401, {"message": "401 Unauthorized"})
        path = unquote(request.path.removeprefix("/api/v4"))
        if path == "/user":
            return Answer(json={"id": 7, "username": "bot"})
        if not path.startswith("/projects/vision/signs"):
            return Answer(404, {"message": "404 Project Not Found"})
        path = path.removeprefix("/projects/vision/signs")
        if path == "":
            return Answer(json={"id": 1, "visibility": self.visibility})
        if path == "/uploads":
            name, content = request.upload()
            if len(content) > self.limit:
                return Answer(413, {"message": "413 Request Entity Too Large"})
            url = f"/uploads/{hashlib.md5(content + str(len(self.asked)).encode()).hexdigest()}/{name}"
            self.uploads[url] = content
            return Answer(201, {"id": 1, "alt": name, "url": url, "markdown": f"[{name}]({url})"})
        if request.method == "DELETE":
            if not self.maintainer:
                return Answer(403, {"message": "403 Forbidden"})
            return Answer(204, raw=b"") if self.uploads.pop(path, None) else Answer(404, {"message": "404 Not found"})
        if not (found := re.fullmatch(r"/(merge_requests|issues)/3(/notes)?(/(\d+))?", path)):
            return Answer(404, {"message": "404 Not found"})
        if not found[2]:
            return Answer(json={"iid": 3, "web_url": f"{self.base}/vision/signs/-/{found[1]}/3"})
        if request.method == "GET":
            return paged(self, request, list(reversed(self.notes)), 20)
        body = request.json["body"]
        if len(body) > 1_000_000:
            return Answer(400, {"message": {"note": ["is too long (maximum is 1000000 characters)"]}})
        if request.method == "POST":
            self.notes.append({"id": len(self.notes) + 1, "body": body, "system": False, "author": {"id": 7}})
            return Answer(201, self.notes[-1])
        chosen = next(one for one in self.notes if one["id"] == int(found[4]))
        chosen["body"] = body
        return Answer(json=chosen)


@dataclass
class FakeGithub(Service):
    """GitHub's interface: issue comments, code scanning and visibility of one repository."""

    token: str = "ghs_1"
    private: bool = True
    code_scanning: bool = True
    processing: list[dict[str, Any]] = field(default_factory=lambda: [{"processing_status": "complete"}])
    comments: list[dict[str, Any]] = field(default_factory=list)
    sarifs: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return Answer(401, {"message": "Bad credentials"})
        if not request.path.startswith("/repos/vision/signs"):
            return Answer(404, {"message": "Not Found"})
        path = request.path.removeprefix("/repos/vision/signs")
        if path == "":
            return Answer(json={"full_name": "vision/signs", "private": self.private})
        if path.startswith("/code-scanning/sarifs"):
            return self._sarif(request, path)
        if path == "/issues/12/comments" and request.method == "GET":
            return paged(self, request, self.comments, 30)
        found = re.fullmatch(r"/issues/(12|comments)(/comments|/\d+)", path)
        if not found:
            return Answer(404, {"message": "Not Found"})
        body = request.json["body"]
        if len(body) > 65_536:
            return Answer(422, {"message": "Validation Failed", "errors": ["body is too long (maximum is 65536)"]})
        if request.method == "POST":
            number = len(self.comments) + 1
            self.comments.append({"id": number, "body": body, "html_url": f"https://github.example/c/{number}"})
            return Answer(201, self.comments[-1])
        chosen = next(one for one in self.comments if one["id"] == int(found[2][1:]))
        if chosen.get("foreign"):
            return Answer(403, {"message": "Must have admin rights to Repository."})
        chosen["body"] = body
        return Answer(json=chosen)

    def _sarif(self, request: Request, path: str) -> Answer:
        if not self.code_scanning:
            return Answer(403, {"message": "Code Security must be enabled for this repository to use code scanning"})
        if request.method == "GET":
            return Answer(json=self.processing.pop(0) if len(self.processing) > 1 else self.processing[0])
        body = request.json
        if not re.fullmatch(r"[0-9a-f]{40}", body["commit_sha"]) or not body["ref"].startswith("refs/"):
            return Answer(422, {"message": "commit_sha or ref is invalid"})
        body["sarif"] = json.loads(gzip.decompress(base64.b64decode(body["sarif"], validate=True)))
        self.sarifs.append(body)
        return Answer(202, {"id": "47177e22-5596-11eb-80a1-c1e54ef945c6", "url": f"{self.base}{path}/47177e22"})
