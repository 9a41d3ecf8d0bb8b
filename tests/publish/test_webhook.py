"""The webhook: a JSON body that is the same each time, signed so that a receiver can check it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator

import pytest

from auditor.errors import PublishError
from auditor.publish import Parcels
from auditor.publish.webhook import Webhook, signed
from tests.publish.conftest import Heard
from tests.publish.services import Answer, Request, Service


class Receiver(Service):
    def answer(self, request: Request) -> Answer:
        return Answer(204, raw=b"")


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with Receiver().listening() as service:
        monkeypatch.setenv("AUDITOR_WEBHOOK_URL", f"{service.base}/services/T0/B0/hidden-path")
        yield service


def test_the_signature_is_that_of_the_published_example() -> None:
    # Source: the example in the specification of Standard Webhooks
    raw = b'{"test": 2432232314}'

    headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", raw, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 1614265330)

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_can_check_the_body(
    receiver: Service, parcels: Parcels, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDITOR_WEBHOOK_SECRET", "plain words")

    Webhook().publish(parcels, heard.sending())

    request = receiver.asked[0]
    text = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    expected = base64.b64encode(hmac.new(b"plain words", text, hashlib.sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{expected}"
    assert request.json["verdict"] == parcels.audit.verdict
    assert request.json["report_id"] == parcels.audit.report_id
    pdf = next(one for one in request.json["files"] if one["name"] == "report.pdf")
    assert pdf["sha256"] == hashlib.sha256((parcels.folder / "report.pdf").read_bytes()).hexdigest()


def test_the_same_audit_twice_has_the_same_identity(receiver: Service, parcels: Parcels, heard: Heard) -> None:
    for _ in range(2):
        Webhook().publish(parcels, heard.sending())

    first, second = receiver.asked
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


def test_the_path_of_the_address_is_a_secret(receiver: Service, parcels: Parcels, heard: Heard) -> None:
    receiver.first.append(("POST", "/", Answer(403, {"message": "bad /services/T0/B0/hidden-path"})))

    with pytest.raises(PublishError) as refused:
        Webhook().publish(parcels, heard.sending())
    Webhook().publish(parcels, heard.sending(dry=True))
    outcome = Webhook().publish(parcels, heard.sending())

    assert "hidden-path" not in str(refused.value) + " ".join(heard.shown) + outcome.address


@pytest.mark.parametrize(
    ("place", "secret", "words"),
    [("", "", "AUDITOR_WEBHOOK_URL"), ("ftp://x", "", "https://"), ("https://x", "whsec_not base64!", "Base64")],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    place: str, secret: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDITOR_WEBHOOK_SECRET", secret)

    assert any(words in line for line in Webhook(place=place).missing())
