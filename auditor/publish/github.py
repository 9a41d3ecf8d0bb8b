"""GitHub, github.com and Enterprise Server.

Source: docs.github.com/rest/issues/comments, docs.github.com/rest/code-scanning
"""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64encode
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from pydantic import Field

from auditor.errors import PublishError
from auditor.publish import Outcome, Parcels, Reach, Sending, Target
from auditor.publish._wire import Wire
from auditor.publish._wording import Marker, markdown_comment
from auditor.surroundings import required, setting

LONGEST_COMMENT = 65_536
"""Characters of an issue comment."""
LARGEST_SARIF = 10_000_000
"""Bytes of a SARIF file after gzip, by "SARIF support for code scanning"."""
PLACE = re.compile(r"(?P<owner>[^/#\s]+)/(?P<repository>[^/#\s]+)(#(?P<number>\d+))?")
REFUSALS = {
    401: "GITHUB_TOKEN is not accepted: it is wrong, or has expired",
    403: "the token may not do that; a workflow needs `pull-requests: write` (`issues: write` for an issue), "
    "and in pull requests from forks its token may only read",
    404: "there is no such repository, issue or pull request, or the token may not see it",
}
SARIF_REFUSALS = {
    403: "code scanning is not switched on for this repository, or the token lacks `security-events: write`",
    404: "there is no such repository or commit, or the token lacks `security-events: write`",
    413: "the SARIF file is larger than GitHub takes",
    422: "GitHub does not accept these contents",
}


class Github(Target):
    """Keeps one comment on a pull request or issue, and uploads SARIF to code scanning.

    `--to github:owner/repository#12`; in a workflow `--to github` is enough. Set GITHUB_TOKEN. GitHub's interface
    takes no attachments: the comment links to the workflow's artifacts, and no picture leaves.
    """

    sticky: Literal["name", "report"] = Field(
        "name", description="name: one comment for all audits of that name, the newest shown; report: one for each"
    )
    artifact: str = Field("", description="address of the reports; in a workflow, the run's page by default")
    sarif: bool = Field(True, description="upload audit.sarif to code scanning, where it is there")
    commit: str = Field("", description="what the SARIF is about; GITHUB_SHA by default")
    ref: str = Field("", description="refs/heads/main, or refs/pull/12/merge; GITHUB_REF by default")

    def missing(self) -> list[str]:
        found = required("the workflow's token, or a personal one", "GITHUB_TOKEN", "GH_TOKEN")
        if self._where is None:
            found.append("the repository is not named: --to github:owner/repository#12")
        elif self._number is None and not (self.sarif and self._ref and self._commit):
            found.append("no pull request or issue is named (#12), and no commit for SARIF: nothing to publish to")
        return found

    def reach(self, sending: Sending) -> Reach:
        wire = self._wire(sending)
        try:
            repository = wire.ask("GET", self._repository, assumed={}, refusals=REFUSALS).content
        finally:
            wire.close()
        if "private" not in repository:
            return Reach.UNKNOWN
        return Reach.CLOSED if repository["private"] else Reach.PUBLIC

    def picture_files(self, parcels: Parcels) -> list[str]:
        return []

    def publish(self, parcels: Parcels, sending: Sending) -> Outcome:
        wire = self._wire(sending)
        done: list[str] = []
        address, refusal = "", None
        try:
            if self.sarif:
                try:
                    done += self._upload_sarif(wire, parcels)
                except PublishError as error:  # the comment is still worth having; the refusal is raised after it
                    refusal = error
            if self._number is not None:
                address, words = self._comment(wire, parcels)
                done.append(words)
        finally:
            wire.close()
        if refusal is not None:
            raise PublishError("; ".join([str(refusal), *done]))
        return Outcome(address, (*done, *parcels.absent(("summary.md", *(("audit.sarif",) if self.sarif else ())))))

    @property
    def _where(self) -> re.Match[str] | None:
        return PLACE.fullmatch(self.place or setting("GITHUB_REPOSITORY"))

    @property
    def _repository(self) -> str:
        where = self._where
        if where is None:
            raise PublishError("\n".join(self.missing()))
        return f"/repos/{quote(where['owner'], safe='')}/{quote(where['repository'], safe='')}"

    @property
    def _number(self) -> int | None:
        """Of the pull request or issue: as it was named, or the one that the workflow runs for."""
        where = self._where
        if where is not None and where["number"]:
            return int(where["number"])
        if self.place:
            return None
        by_ref = re.fullmatch(r"refs/pull/(\d+)/\w+", setting("GITHUB_REF"))
        if by_ref:
            return int(by_ref[1])
        event = Path(setting("GITHUB_EVENT_PATH") or "/nowhere")
        content = json.loads(event.read_text(encoding="utf-8")) if event.is_file() else {}
        number = content.get("pull_request", content.get("issue", {})).get("number")
        return None if number is None else int(number)

    @property
    def _commit(self) -> str:
        return self.commit or setting("GITHUB_SHA")

    @property
    def _ref(self) -> str:
        return self.ref or setting("GITHUB_REF")

    def _wire(self, sending: Sending) -> Wire:
        token = setting("GITHUB_TOKEN", "GH_TOKEN")
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "auditor",
        }
        return Wire("GitHub", setting("GITHUB_API_URL") or "https://api.github.com", headers, (token,), sending)

    def _comment(self, wire: Wire, parcels: Parcels) -> tuple[str, str]:
        thing = f"{self._repository}/issues/{self._number}/comments"
        audit = parcels.audit
        text = markdown_comment(parcels, Marker.of(audit), self._links(), LONGEST_COMMENT)
        for comment in wire.pages(f"{thing}?per_page=100", refusals=REFUSALS):
            body = comment.get("body") or ""
            marker = Marker.read(body)
            if marker is None:
                continue
            same = marker.name == audit.name if self.sticky == "name" else marker.report == audit.report_id
            if not same:
                continue
            address = comment.get("html_url", "")
            if marker.started > audit.started:
                return address, f"the comment shows {marker.report}, which is newer; it was left as it is"
            if body.replace("\r\n", "\n").strip() == text.strip():
                return address, "the comment is there already"
            # somebody else's comment that begins with our marker cannot be changed, and is passed over
            reply = wire.ask(
                "PATCH",
                f"{self._repository}/issues/comments/{comment['id']}",
                body={"body": text},
                allowed=frozenset({403, 404}),
                refusals=REFUSALS,
            )
            if reply.good:
                return address, "the comment was changed"
        made = wire.ask("POST", thing, body={"body": text}, assumed={}, refusals=REFUSALS).content
        return made.get("html_url", ""), "a comment was added"

    def _links(self) -> list[str]:
        run = setting("GITHUB_RUN_ID")
        address = self.artifact
        if not address and run:
            address = f"{setting('GITHUB_SERVER_URL') or 'https://github.com'}/{setting('GITHUB_REPOSITORY')}/actions/runs/{run}#artifacts"
        return [f"[Reports with pictures]({address}), as artifacts of the workflow"] if address else []

    def _upload_sarif(self, wire: Wire, parcels: Parcels) -> list[str]:
        file = parcels.file("upload.sarif") or parcels.file("audit.sarif")  # the first is without passes
        if file is None:
            return []
        if not (self._ref and self._commit):
            return ["SARIF was not uploaded: GITHUB_SHA and GITHUB_REF are not set (or commit and ref)"]
        packed = gzip.compress(file.path.read_bytes(), mtime=0)
        if len(packed) > LARGEST_SARIF:
            return [f"{file.name} was left out: {len(packed) / 1e6:.1f} MB after gzip; GitHub takes 10 MB"]
        body = {
            "commit_sha": self._commit,
            "ref": self._ref,
            "sarif": b64encode(packed).decode(),
            "started_at": parcels.audit.started,
            "tool_name": "auditor",
        }
        path = f"{self._repository}/code-scanning/sarifs"
        refusals = {**REFUSALS, **SARIF_REFUSALS}
        upload = wire.ask("POST", path, body=body, assumed={"id": "…"}, refusals=refusals).content["id"]
        for _ in range(10):
            state = wire.ask(
                "GET", f"{path}/{upload}", assumed={"processing_status": "complete"}, refusals=refusals
            ).content
            if state.get("processing_status") == "complete":
                return [f"{file.name} was uploaded to code scanning, in place of this tool's earlier results"]
            if state.get("processing_status") == "failed":
                raise PublishError(wire.mask(f"GitHub: code scanning refuses {file.name}: {state.get('errors')}"))
            wire.sending.pause(3)
        return [f"{file.name} was uploaded; code scanning has not finished reading it"]
