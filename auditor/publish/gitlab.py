"""GitLab, gitlab.com and self-managed.

Source: docs.gitlab.com/api/notes, docs.gitlab.com/api/project_markdown_uploads, docs.gitlab.com/api/projects
"""

from __future__ import annotations

import re
from typing import Any, Literal
from urllib.parse import quote

from pydantic import Field

from auditor.errors import PublishError
from auditor.publish import Outcome, Parcels, Reach, Sending, Target
from auditor.publish._parcels import Parcel
from auditor.publish._wire import Wire
from auditor.publish._wording import Marker, markdown_comment
from auditor.surroundings import required, setting

LONGEST_NOTE = 1_000_000
"""Characters, gitlab.com's limit of a note."""
PLACE = re.compile(r"(?P<project>[^!#]+)(?P<kind>[!#])(?P<number>\d+)")
REFUSALS = {
    401: "GITLAB_TOKEN is not accepted: it is wrong, or has expired",
    403: "the token may not do that; it needs the scope `api` and the role Reporter or above",
    404: "there is no such project, issue or merge request, or the token may not see it",
}


class Gitlab(Target):
    """Uploads the reports to a GitLab project and keeps one note on a merge request or issue.

    `--to gitlab:group/project!7` is a merge request, `group/project#7` an issue; in a merge request's pipeline
    `--to gitlab` is enough. Set GITLAB_TOKEN to a token with the scope `api` (a job's own token may not write notes).
    """

    files: tuple[str, ...] = Field(("report.pdf", "report.html"), description="what is uploaded")
    sticky: Literal["name", "report"] = Field(
        "name", description="name: one note for all audits of that name, the newest shown; report: one for each audit"
    )

    def missing(self) -> list[str]:
        found = required("a personal, project or group access token with the scope `api`", "GITLAB_TOKEN")
        if not self._where:
            what = "--to gitlab:group/project!7 (merge request) or group/project#7 (issue)"
            found.append(f"the merge request or issue is not named, and no CI variables say it: {what}")
        return found

    def reach(self, sending: Sending) -> Reach:
        wire = self._wire(sending)
        try:
            project = wire.ask("GET", self._project, assumed={}, refusals=REFUSALS).content
        finally:
            wire.close()
        visibility = project.get("visibility")
        if visibility is None:
            return Reach.UNKNOWN
        return Reach.PUBLIC if visibility == "public" else Reach.CLOSED

    def picture_files(self, parcels: Parcels) -> list[str]:
        return [one.name for one in parcels.chosen(self.files) if one.pictures]

    def publish(self, parcels: Parcels, sending: Sending) -> Outcome:
        wire = self._wire(sending)
        try:
            note, old = self._own_note(wire, parcels)
            if old is not None and old.started > parcels.audit.started:
                return Outcome("", (f"the note shows {old.report}, which is newer; it was left as it is",))
            notes, links, done = self._upload(wire, parcels, dict(old.notes) if old is not None else {})
            text = markdown_comment(parcels, Marker.of(parcels.audit, tuple(notes.items())), links, LONGEST_NOTE)
            done.append(self._write(wire, note, text))
            done += self._tidy(wire, dict(old.notes) if old is not None else {}, notes)
            web = wire.ask("GET", self._thing, assumed={}, refusals=REFUSALS).content.get("web_url", "")
        finally:
            wire.close()
        return Outcome(web, (*done, *parcels.absent(("summary.md", *self.files))))

    @property
    def _where(self) -> re.Match[str] | None:
        """Project, kind and number: as they were named, or as the job's variables say."""
        named = self.place
        if not named and setting("CI_MERGE_REQUEST_IID"):
            named = f"{setting('CI_MERGE_REQUEST_PROJECT_ID', 'CI_PROJECT_ID')}!{setting('CI_MERGE_REQUEST_IID')}"
        return PLACE.fullmatch(named)

    @property
    def _project(self) -> str:
        where = self._where
        if where is None:
            raise PublishError("\n".join(self.missing()))
        return f"/projects/{quote(where['project'], safe='')}"

    @property
    def _thing(self) -> str:
        where = self._where
        if where is None:
            raise PublishError("\n".join(self.missing()))
        return f"{self._project}/{'merge_requests' if where['kind'] == '!' else 'issues'}/{where['number']}"

    def _wire(self, sending: Sending) -> Wire:
        server = setting("CI_API_V4_URL") or setting("GITLAB_URL", "CI_SERVER_URL") or "https://gitlab.com"
        base = server if server.rstrip("/").endswith("/api/v4") else server.rstrip("/") + "/api/v4"
        token = setting("GITLAB_TOKEN")
        return Wire("GitLab", base, {"PRIVATE-TOKEN": token, "Accept": "application/json"}, (token,), sending)

    def _own_note(self, wire: Wire, parcels: Parcels) -> tuple[int | None, Marker | None]:
        me = wire.ask("GET", "/user", assumed={}, refusals=REFUSALS).content.get("id")
        for note in wire.pages(f"{self._thing}/notes?per_page=100&sort=desc", refusals=REFUSALS):
            marker = Marker.read(note.get("body", ""))
            if marker is None or note.get("system") or note.get("author", {}).get("id") != me:
                continue
            same = (
                marker.name == parcels.audit.name if self.sticky == "name" else marker.report == parcels.audit.report_id
            )
            if same:
                return int(note["id"]), marker
        return None, None

    def _upload(
        self, wire: Wire, parcels: Parcels, before: dict[str, str]
    ) -> tuple[dict[str, str], list[str], list[str]]:
        """What the marker remembers, links for people, and what was done."""
        notes: dict[str, str] = {}
        links: list[str] = []
        done: list[str] = []
        for file in parcels.chosen(self.files):
            digest, _, url = before.get(file.name, "").partition(" ")
            if digest == file.sha256:
                done.append(f"{file.name} is uploaded already")
            else:
                url, words = self._upload_one(wire, file)
                done.append(words)
            if url:
                notes[file.name] = f"{file.sha256} {url}"
                links.append(f"- [{file.name}]({url}) ({file.size_words})")
            else:
                links.append(f"- {words}")
        if job := setting("CI_JOB_URL"):
            links.append(f"- [all files of the job]({job}/artifacts/browse)")
        return notes, links, done

    def _upload_one(self, wire: Wire, file: Parcel) -> tuple[str, str]:
        reply = wire.ask(
            "POST",
            f"{self._project}/uploads",
            assumed={"url": f"/uploads/…/{file.name}"},
            file=(file.name, file.path, file.media_type),
            allowed=frozenset({400, 413, 422}),
            refusals=REFUSALS,
        )
        if reply.good:
            return str(reply.content["url"]), f"{file.name} was uploaded"
        why = "is larger than this GitLab takes" if reply.status == 413 else f"was refused ({reply.status})"
        return "", f"{file.name} ({file.size_words}) was left out: it {why}"

    def _write(self, wire: Wire, note: int | None, text: str) -> str:
        if note is None:
            wire.ask("POST", f"{self._thing}/notes", body={"body": text}, assumed={}, refusals=REFUSALS)
            return "a note was added"
        wire.ask("PUT", f"{self._thing}/notes/{note}", body={"body": text}, assumed={}, refusals=REFUSALS)
        return "the note was changed"

    def _tidy(self, wire: Wire, before: dict[str, str], now: dict[str, str]) -> list[str]:
        """Uploads that nothing links to any more are deleted where the token may (role Maintainer, GitLab 17.4)."""
        kept = []
        for name, remembered in before.items():
            url = remembered.partition(" ")[2]
            if not re.fullmatch(r"/uploads/[0-9a-f]{32}/[^/]+", url) or now.get(name, "").endswith(url):
                continue
            gone: Any = wire.ask("DELETE", f"{self._project}{url}", allowed=frozenset({401, 403, 404, 405}))
            kept += [] if gone.good else [name]
        return [f"the token may not delete the older {', '.join(kept)}; nothing links to it"] if kept else []
