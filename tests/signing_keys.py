"""Keys and certificates made for a test, and a time-stamping authority on this machine."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import NamedTuple

from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


class Keys(NamedTuple):
    """Files: a signer's key and certificate, both packed as PKCS #12, and the certificate of who vouches for them."""

    key: Path
    certificate: Path
    packed: Path
    authority: Path


def make_keys(folder: Path, *, passphrase: str, stamping: bool = False) -> Keys:
    root = ec.generate_private_key(ec.SECP256R1())
    signer = rsa.generate_private_key(65537, 2048) if stamping else ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("A test's authority", root, None, root, stamping=False)
    certificate = _certificate("A. Auditor", signer, authority, root, stamping=stamping)
    locked: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        locked = serialization.BestAvailableEncryption(passphrase.encode())
    keys = Keys(folder / "key.pem", folder / "cert.pem", folder / "both.p12", folder / "authority.pem")
    keys.key.write_bytes(signer.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked))
    keys.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    keys.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    keys.packed.write_bytes(pkcs12.serialize_key_and_certificates(b"a", signer, certificate, [authority], locked))
    return keys


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    issuer: x509.Certificate | None,
    issuing: ec.EllipticCurvePrivateKey,
    *,
    stamping: bool,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    usage = dict.fromkeys(
        ("key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"), False
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, content_commitment=True, key_cert_sign=issuer is None, crl_sign=False, **usage
            ),
            critical=True,
        )
    )
    if stamping:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return builder.sign(issuing, hashes.SHA256())


@contextmanager
def time_stamping(keys: Keys) -> Iterator[str]:
    """The address of an authority that stamps whatever it is sent."""
    from pyhanko.keys import load_cert_from_pemder, load_private_key_from_pemder
    from pyhanko.sign.timestamps import DummyTimeStamper

    stamper = DummyTimeStamper(
        load_cert_from_pemder(str(keys.certificate)), load_private_key_from_pemder(str(keys.key), passphrase=None)
    )

    class Authority(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = tsp.TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"])))
            answer = stamper.request_tsa_response(asked).dump()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Authority) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
