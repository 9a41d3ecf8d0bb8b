"""Any service that takes a JSON body.

Source: Standard Webhooks, github.com/standard-webhooks/standard-webhooks (headers and signature)
"""

from __future__ import annotations

import hmac
import json
import time
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from auditor.findings.words import headline
from auditor.publish import Outcome, Parcels, Reach, Sending, Target
from auditor.publish._wire import Wire
from auditor.surroundings import required, setting

SCHEMA = "auditor/webhook@1"
"""Version of the body. 1: first version."""


class Webhook(Target):
    """Posts the verdict, findings, metrics and digests of all files as JSON, signed; sends no picture.

    Set AUDITOR_WEBHOOK_URL, whose path counts as a secret, or name the address: `--to webhook:https://…`. With
    AUDITOR_WEBHOOK_SECRET the request is signed as Standard Webhooks says (`webhook-signature`, HMAC-SHA256). The same
    audit published twice has the same `webhook-id`, by which receivers tell repetitions.
    """

    def missing(self) -> list[str]:
        found = [] if self.place else required("where to post", "AUDITOR_WEBHOOK_URL")
        if self._address and urlsplit(self._address).scheme not in ("http", "https"):
            found.append("the webhook's address must begin with https:// or http://")
        try:
            _key(setting("AUDITOR_WEBHOOK_SECRET"))
        except ValueError:
            found.append("AUDITOR_WEBHOOK_SECRET begins with whsec_ and is not Base64 after it")
        return found

    def reach(self, sending: Sending) -> Reach:
        return Reach.UNKNOWN

    def picture_files(self, parcels: Parcels) -> list[str]:
        return []

    def publish(self, parcels: Parcels, sending: Sending) -> Outcome:
        address = urlsplit(self._address)
        raw = json.dumps(content(parcels), ensure_ascii=False, allow_nan=False, sort_keys=True).encode()
        identity = f"{parcels.audit.report_id}.{sha256(raw).hexdigest()[:16]}"
        secret = setting("AUDITOR_WEBHOOK_SECRET")
        headers = {"Content-Type": "application/json", "User-Agent": "auditor", **signed(identity, raw, secret)}
        host = f"{address.scheme}://{address.hostname}" + (f":{address.port}" if address.port else "")
        hidden = "" if self.place else self._address.partition(address.netloc)[2].lstrip("/")
        wire = Wire("webhook", self._address, headers, (secret, hidden, address.password or ""), sending)
        try:
            wire.ask("POST", self._address, raw=raw, assumed={}, refusals={410: "the receiver is gone for good"})
        finally:
            wire.close()
        return Outcome(host, (f"the verdict was posted as {identity}" + ("" if secret else ", unsigned"),))

    @property
    def _address(self) -> str:
        return self.place or setting("AUDITOR_WEBHOOK_URL")


def content(parcels: Parcels) -> dict[str, Any]:
    """The body: the same for the same run folder, whenever it is published."""
    audit = parcels.audit
    findings = [
        {
            "id": one.id,
            "kind": one.kind,
            "class": one.class_name,
            "severity": one.severity,
            "status": one.status,
            "sentence": one.sentence,
            "recommendation": one.recommendation,
        }
        for one in audit.findings
    ]
    model = {"name": audit.model.name, "version": audit.model.version, "sha256": audit.model.sha256_before}
    return {
        "schema": SCHEMA,
        "report_id": audit.report_id,
        "name": audit.name,
        "title": audit.title,
        "text": headline(audit),
        "verdict": audit.verdict,
        "exit_code": audit.exit_code,
        "reasons": list(audit.reasons),
        "started": audit.started,
        "finished": audit.finished,
        "attempt": audit.attempt,
        "model": {**model, "file_sha256": audit.model.file_sha256},
        "sample": {"size": audit.sample.size, "readable": audit.sample.readable, "digest": audit.sample.digest},
        "spec_sha256": audit.spec_sha256,
        "findings": findings,
        "metrics": [item.model_dump(exclude_none=True) for item in audit.metrics],
        "files": [{"name": one.name, "sha256": one.sha256, "size": one.size} for one in parcels.files],
    }


def signed(identity: str, raw: bytes, secret: str, now: float | None = None) -> dict[str, str]:
    """Headers of Standard Webhooks; without a secret, all but the signature."""
    moment = str(int(time.time() if now is None else now))
    headers = {"webhook-id": identity, "webhook-timestamp": moment}
    if secret:
        digest = hmac.digest(_key(secret), f"{identity}.{moment}.".encode() + raw, "sha256")
        headers["webhook-signature"] = f"v1,{b64encode(digest).decode()}"
    return headers


def _key(secret: str) -> bytes:
    """Bytes of the secret: Base64 after the prefix whsec_, otherwise as it is written."""
    prefix, found, rest = secret.partition("whsec_")
    if found and not prefix:
        return b64decode(rest, validate=True)
    return secret.encode()
