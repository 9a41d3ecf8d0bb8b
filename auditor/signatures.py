"""Signatures inside a PDF (PAdES): made with a key from a file, checked down to the last byte.

Source: ETSI EN 319 142-1 (PAdES), through pyHanko; needs the extra `sign`.
"""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.errors import SignatureError

if TYPE_CHECKING:
    from pyhanko.sign.signers import Signer

PASSPHRASE = "AUDITOR_KEY_PASSPHRASE"
"""The environment variable that holds the key's passphrase; command lines are seen by everybody on the machine."""
PACKED = (".p12", ".pfx")


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of a file.

    Attributes:
        signer: The certificate's subject, as it calls itself.
        signed: When, as the signer's own clock says, or the time stamp; "" where neither is there.
        stamped: Whether the time is vouched for by a time stamp.
        trusted: Whether a certificate that was given vouches for the signer's; None where none was given.
        fault: What is wrong; "" where the file is as it was signed.
    """

    signer: str
    signed: str
    stamped: bool
    trusted: bool | None
    fault: str


def sign(report: bytes, key: Path, certificate: Path | None, *, timestamp: str | None = None) -> bytes:
    """The file with one more signature, added behind its last byte; nothing before is touched.

    Args:
        key: PEM or DER with `certificate`, or PKCS #12, which holds both.
        certificate: The signer's; those that vouch for it may follow in the same file.
        timestamp: Address of a time-stamping authority (RFC 3161).

    Raises:
        SignatureError: pyHanko is missing, or the key, the certificate or the time stamp cannot be used.
    """
    _require_pyhanko()
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers
    from pyhanko.sign.timestamps import HTTPTimeStamper

    class Writer(IncrementalPdfFileWriter):
        def _update_meta(self) -> None:
            """Leave title, dates and declared standards alone: written anew, they no longer follow PDF/A."""

    signer = _signer(key, certificate)
    try:
        writer = Writer(io.BytesIO(report))
        name = f"Signature{len(list(fields.enumerate_sig_fields(writer))) + 1}"
        # beyond the page's edge: nothing is printed, and PDF/UA asks for no tag
        place = fields.InvisSigSettings(box_out_of_bounds=True)
        meta = signers.PdfSignatureMetadata(
            field_name=name, md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES, reason="Audit report"
        )
        output = signers.sign_pdf(
            writer, meta, signer,
            timestamper=HTTPTimeStamper(timestamp) if timestamp else None,
            new_field_spec=fields.SigFieldSpec(name, invis_sig_settings=place, readable_field_name="Audit report"),
        )  # fmt: skip
    except Exception as error:  # pyHanko, asn1crypto and the network each raise errors of their own
        raise SignatureError(f"the report could not be signed: {error}") from error
    return bytes(output.getbuffer())


def signatures(report: bytes, trusted: Sequence[Path] = ()) -> tuple[Signature, ...]:
    """All signatures of a file, checked, in the order in which they were made.

    Args:
        trusted: Certificates that are believed; nothing is fetched, and the system's own are not asked.

    Raises:
        SignatureError: pyHanko is missing, or a trusted certificate cannot be read.
    """
    _require_pyhanko()
    from pyhanko.keys import load_certs_from_pemder
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko_certvalidator import ValidationContext

    try:
        roots = list(load_certs_from_pemder([str(file) for file in trusted]))
    except (OSError, ValueError) as error:
        raise SignatureError(f"a trusted certificate cannot be read: {error}") from error
    with _quiet():
        embedded = PdfFileReader(io.BytesIO(report)).embedded_regular_signatures
        context = ValidationContext(trust_roots=roots, allow_fetching=False)
        return tuple(_checked(item, context, bool(roots), last=item is embedded[-1]) for item in embedded)


def _checked(embedded: Any, context: Any, known: bool, *, last: bool) -> Signature:
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko.sign.validation.status import SignatureCoverageLevel

    name = embedded.signer_cert.subject.human_friendly
    try:
        status = validate_pdf_signature(embedded, signer_validation_context=context)
    except Exception as error:  # whatever a broken signature makes a parser do, it is not valid
        return Signature(name, "", False, None, f"the signature cannot be read: {error}")
    fault = ""
    if not status.intact:
        fault = "the file was changed after it was signed"
    elif not status.valid:
        fault = "the signature does not belong to its certificate"
    elif last and status.coverage is not SignatureCoverageLevel.ENTIRE_FILE:
        fault = "something was added to the file after it was signed"
    elif not status.docmdp_ok:
        fault = "the file was changed after it was signed, before it was signed again"
    elif known and not status.trusted:
        fault = "no trusted certificate vouches for the signer's"
    stamp = status.timestamp_validity
    when = stamp.timestamp if stamp is not None else status.signer_reported_dt
    signed = "" if when is None else when.strftime("%Y-%m-%d %H:%M:%S %Z")
    return Signature(name, signed, stamp is not None, status.trusted if known else None, fault)


def _signer(key: Path, certificate: Path | None) -> Signer:
    """The key and certificate, ready to sign.

    Raises:
        SignatureError: They cannot be read, or the passphrase in the environment is missing or wrong.
    """
    from pyhanko.sign import signers

    passphrase = os.environ.get(PASSPHRASE, "").encode() or None
    packed = key.suffix.lower() in PACKED
    if not packed and certificate is None:
        raise SignatureError(f"{key}: a PEM key needs --cert FILE with the signer's certificate")
    for file in (key, certificate):
        if file is not None and not file.is_file():
            raise SignatureError(f"{file}: no such file")
    signer: Signer | None
    with _quiet():
        if packed:
            signer = signers.SimpleSigner.load_pkcs12(str(key), passphrase=passphrase)
        else:
            signer = _pem_signer(key, certificate, passphrase)
    if signer is None:
        raise SignatureError(f"{key}: cannot be used; if it has a passphrase, set {PASSPHRASE} in the environment")
    return signer


def _pem_signer(key: Path, certificate: Path | None, passphrase: bytes | None) -> Signer | None:
    from pyhanko.keys import load_certs_from_pemder
    from pyhanko.sign import signers

    others = list(load_certs_from_pemder([str(certificate)]))[1:]
    signer: Signer | None = signers.SimpleSigner.load(
        str(key), str(certificate), other_certs=others, key_passphrase=passphrase
    )
    return signer


def _require_pyhanko() -> None:
    try:
        import pyhanko  # noqa: F401
    except ImportError:
        raise SignatureError("signatures need pyHanko: pip install 'auditor[sign]'") from None


@contextmanager
def _quiet() -> Iterator[None]:
    """What pyHanko logs about keys and chains is said in our own words."""
    handler = logging.NullHandler()
    loggers = [logging.getLogger(name) for name in ("pyhanko", "pyhanko_certvalidator")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
