"""Jira, Cloud and Data Center.

Source: developer.atlassian.com/cloud/jira/platform/rest/v2 and docs.atlassian.com/software/jira/docs/api/REST
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from pydantic import Field

from auditor.errors import PublishError
from auditor.publish import Outcome, Parcels, Reach, Sending, Target
from auditor.publish._parcels import Parcel
from auditor.publish._wire import Wire
from auditor.publish._wording import wiki_comment
from auditor.surroundings import required, setting

LONGEST_COMMENT = 32_767
"""Characters; the default of Jira's `jira.text.field.character.limit`, which Cloud does not let change."""
PAGE = 100
REFUSALS = {
    401: "the token is not accepted; for Cloud set JIRA_USER (e-mail) and JIRA_TOKEN (API token), for Data Center "
    "JIRA_TOKEN alone (personal access token)",
    403: "this account may not do that here; it needs to browse the project, add comments and create attachments",
    404: "there is no such issue, or this account may not see it",
    413: "the file is larger than Jira takes",
}


class Jira(Target):
    """Attaches the reports to a Jira issue and comments with the verdict and the findings.

    `--to jira:QA-12`. Set JIRA_URL and JIRA_TOKEN; for Jira Cloud also JIRA_USER, the e-mail address of the token.
    Each audit has its own comment, found again by its report id; attachments carry that id in their name.
    """

    files: tuple[str, ...] = Field(("report.pdf", "report.html", "summary.md"), description="what is attached")

    def missing(self) -> list[str]:
        found = required("the address of Jira, such as https://example.atlassian.net", "JIRA_URL")
        found += required("an API token (Cloud) or a personal access token (Data Center)", "JIRA_TOKEN")
        if not self.place:
            found.append("the issue is not named: --to jira:KEY-1")
        return found

    def reach(self, sending: Sending) -> Reach:
        open_wire = self._wire(sending, anonymous=True)
        refused = frozenset({400, 401, 403, 404})
        try:
            reply = open_wire.ask("GET", f"{self._issue}?fields=key", assumed={}, allowed=refused)
        finally:
            open_wire.close()
        if reply.status == 0:
            return Reach.UNKNOWN
        return Reach.PUBLIC if reply.good and isinstance(reply.content, dict) else Reach.CLOSED

    def picture_files(self, parcels: Parcels) -> list[str]:
        return [one.name for one in parcels.chosen(self.files) if one.pictures]

    def publish(self, parcels: Parcels, sending: Sending) -> Outcome:
        wire = self._wire(sending)
        try:
            attached, done = self._attach(wire, parcels)
            absent = parcels.absent(self.files)
            remarks = [*(line for line in done if "left out" in line), *absent]
            text = wiki_comment(parcels, attached, remarks, LONGEST_COMMENT)
            done += self._comment(wire, parcels.audit.report_id, text)
        finally:
            wire.close()
        return Outcome(f"{wire.base.rstrip('/')}/browse/{quote(self.place, safe='')}", (*done, *absent))

    @property
    def _issue(self) -> str:
        return f"/rest/api/2/issue/{quote(self.place, safe='')}"

    def _wire(self, sending: Sending, *, anonymous: bool = False) -> Wire:
        token, user = setting("JIRA_TOKEN"), setting("JIRA_USER")
        pair = b64encode(f"{user}:{token}".encode()).decode()
        headers = {"Accept": "application/json"}
        if not anonymous:
            headers["Authorization"] = f"Basic {pair}" if user else f"Bearer {token}"
        secrets = () if anonymous else (token, pair)
        return Wire("Jira", setting("JIRA_URL"), headers, secrets, sending)

    def _attach(self, wire: Wire, parcels: Parcels) -> tuple[list[str], list[str]]:
        """Names of what is attached now, and what was done."""
        rules = wire.ask(
            "GET",
            "/rest/api/2/attachment/meta",
            assumed={"enabled": True, "uploadLimit": 10_000_000},
            refusals=REFUSALS,
        ).content
        issue = wire.ask(
            "GET", f"{self._issue}?fields=attachment", assumed={"fields": {"attachment": []}}, refusals=REFUSALS
        )
        there = issue.content["fields"].get("attachment") or []
        files = parcels.chosen(self.files)
        if not rules.get("enabled", True):
            return [], [f"{file.name} was left out: attachments are switched off in this Jira" for file in files]
        attached, done = [], []
        for file in files:
            limit = int(rules.get("uploadLimit", 0))
            if limit and file.size > limit:
                smaller = "; with --no-images it is smaller" if file.pictures else ""
                done.append(
                    f"{file.name} ({file.size_words}) was left out: Jira takes {limit / 1e6:.1f} MB at most{smaller}"
                )
                continue
            name = f"{parcels.audit.report_id}-{file.name}"
            done.append(self._attach_one(wire, file, name, [one for one in there if one.get("filename") == name]))
            if "left out" not in done[-1]:
                attached.append(name)
        return attached, done

    def _attach_one(self, wire: Wire, file: Parcel, name: str, same_name: list[dict[str, Any]]) -> str:
        for old in same_name:
            if old.get("size") == file.size and _content_of(wire, old) == file.sha256:
                return f"{name} is attached already"
        answer = wire.ask(
            "POST",
            f"{self._issue}/attachments",
            assumed=[{}],
            file=(name, file.path, file.media_type),
            headers={"X-Atlassian-Token": "no-check"},
            allowed=frozenset({413}),
            refusals=REFUSALS,
        )
        if answer.status == 413:
            return f"{file.name} ({file.size_words}) was left out: it is larger than Jira takes"
        kept = 0
        for old in same_name:
            gone = wire.ask(
                "DELETE", f"/rest/api/2/attachment/{old['id']}", allowed=frozenset({403, 404}), refusals=REFUSALS
            )
            kept += gone.status == 403
        if kept:
            return f"{name} was attached anew; this account may not delete the older one, which is there too"
        return f"{name} was {'replaced' if same_name else 'attached'}"

    def _comment(self, wire: Wire, report: str, text: str) -> list[str]:
        account = wire.ask("GET", "/rest/api/2/myself", assumed={}, refusals=REFUSALS).content
        for comment in self._comments(wire):
            if f"Report {report}" in comment.get("body", "") and _same_person(account, comment.get("author", {})):
                if comment["body"].strip() == text.strip():
                    return ["the comment is there already"]
                wire.ask("PUT", f"{self._issue}/comment/{comment['id']}", body={"body": text}, refusals=REFUSALS)
                return ["the comment was changed"]
        wire.ask("POST", f"{self._issue}/comment", body={"body": text}, refusals=REFUSALS)
        return ["a comment was added"]

    def _comments(self, wire: Wire) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            path = f"{self._issue}/comment?startAt={len(found)}&maxResults={PAGE}"
            page = wire.ask("GET", path, assumed={"comments": [], "total": 0}, refusals=REFUSALS).content
            if not isinstance(page, dict) or "comments" not in page:
                raise PublishError("Jira: its list of comments is none; is JIRA_URL the address of a Jira?")
            found += page["comments"]
            if not page["comments"] or len(found) >= int(page.get("total", 0)):
                return found


def _content_of(wire: Wire, attachment: dict[str, Any]) -> str:
    """SHA-256 of what is attached; Cloud sends the reader on to its media store."""
    address = attachment.get("content", "")
    if not address.startswith(wire.base.rstrip("/") + "/"):
        return ""
    path = address.removeprefix(wire.base.rstrip("/"))
    reply = wire.ask("GET", path, assumed=b"", follow=True, allowed=frozenset({403, 404}))
    return sha256(reply.content).hexdigest() if isinstance(reply.content, bytes) and reply.good else ""


def _same_person(account: dict[str, Any], author: dict[str, Any]) -> bool:
    """Cloud knows people by accountId, Data Center by key."""
    return any(key in account and account[key] == author.get(key) for key in ("accountId", "key"))
