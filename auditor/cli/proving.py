"""auditor verify, sign."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

MISMATCH = 4


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("verify")(verify)
    app.command("sign")(sign)


def verify(
    path: Annotated[Path, typer.Argument(metavar="RUN_DIR|REPORT.pdf", help="A finished run folder, or its report.")],
    trust: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A certificate that may vouch for signers (PEM or DER); may be given again."),
    ] = None,
) -> int:
    """Is it as it was left? Computes every digest again, compares what the PDF embeds, checks its signatures.

    Prints each file that differs; leaves with 0 where none does, 4 where one does, 2 where nothing can be compared.
    """
    from auditor.cli.console import err, out
    from auditor.verification import verify as compare

    found = compare(path, trust or [])
    for mismatch in found.mismatches:
        out.print(str(mismatch), markup=False, soft_wrap=True)
    for remark in found.remarks:
        err.print(remark, markup=False, soft_wrap=True)
    count = len(found.mismatches)
    verdict = f"{count} of them differ{'s' if count == 1 else ''}" if count else "all as they were left"
    err.print(f"{path}: {found.compared} digests and signatures compared, {verdict}", markup=False, soft_wrap=True)
    return MISMATCH if found.mismatches else 0


def sign(
    report: Annotated[Path, typer.Argument(metavar="REPORT.pdf", help="The report; signed in place.")],
    key: Annotated[Path, typer.Option(metavar="FILE", help="The key: PEM with --cert, or PKCS #12 (.p12, .pfx).")],
    cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The signer's certificate (PEM), those above it behind it.")
    ] = None,
    timestamp: Annotated[
        str | None, typer.Option(metavar="URL", help="A time-stamping authority (RFC 3161); nothing is asked without.")
    ] = None,
) -> int:
    """Sign a report (PAdES). Needs the extra `sign`; the key's passphrase is read from AUDITOR_KEY_PASSPHRASE.

    A report that does not verify is not signed. It may be signed by several people, one after the other.
    """
    from auditor.cli.console import err, out
    from auditor.runs import MANIFEST, RunFolder, write_whole
    from auditor.signatures import sign as add_signature
    from auditor.verification import verify as compare

    found = compare(report)
    if found.mismatches:
        for mismatch in found.mismatches:
            err.print(str(mismatch), markup=False, soft_wrap=True)
        err.print("not signed: it is not as the audit left it", markup=False)
        return MISMATCH
    signed = add_signature(report.read_bytes(), key, cert, timestamp=timestamp)
    folder = report.resolve().parent
    known = RunFolder(folder).unfinish() if (folder / MANIFEST).is_file() else None
    try:
        write_whole(report, signed)
    finally:
        if known is not None:
            RunFolder(folder).finish(keeping={name: value for name, value in known.items() if name != report.name})
    out.print(str(report), markup=False, soft_wrap=True)
    return 0
