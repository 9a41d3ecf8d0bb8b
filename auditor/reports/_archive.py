"""Makes a tagged PDF fit for an archive: PDF/A-3a and PDF/UA-1 in one file, with its sources attached.

Sources: ISO 19005-3:2012 (PDF/A-3), ISO 14289-1:2014 (PDF/UA-1), ISO 32000-1:2008 (PDF 1.7).
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, cast

from auditor.errors import RenderError
from auditor.reports._attachments import Attachment

if TYPE_CHECKING:
    import pikepdf

VARIANT = "pdf/a-3a"
"""What WeasyPrint is asked for; the rest is added here."""

# PDF/A allows only the properties that it knows, and those that an extension schema describes: ISO 19005-3, 6.6.2.3.
_UNIVERSAL_ACCESS = b"""
<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/"><pdfuaid:part>1</pdfuaid:part></rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:name>part</pdfaProperty:name>
<pdfaProperty:valueType>Integer</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>The part of ISO 14289 that the file follows</pdfaProperty:description>
</rdf:li></rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description>
"""
_END_OF_METADATA = b"</rdf:RDF>"

_MOST_FILLERS = 8
_FILLERS = "/AUDT_Fillers"
_AMBIGUOUS = (b"\n\nendstream", b"\r\nendstream")
"""How a stream ends that ends like a line: its length can be read in two ways, see `_end_clearly`."""


def archived(pdf: pikepdf.Pdf, files: Sequence[Attachment], finished: datetime) -> bytes:
    """The finished file.

    Args:
        pdf: As WeasyPrint writes it for `VARIANT`; is changed.
        files: What to attach, in this order.
        finished: The date of every attachment; nothing in the file depends on when it is made.

    Raises:
        RenderError: The file has no metadata to extend.
    """
    _declare(pdf)
    _keep_pixels(pdf)
    _index_headers(pdf)
    _attach(pdf, files, finished)
    _end_clearly(pdf)
    return _saved(pdf)


def _saved(pdf: pikepdf.Pdf) -> bytes:
    """The file's bytes, its objects packed into streams none of which ends like a line.

    How a packed stream ends follows from its objects (it is a checksum of theirs), so a few empty objects that nothing
    uses are added until all are well: others then lie together. Where that never helps, objects are not packed.
    """
    import pikepdf

    packed = pikepdf.ObjectStreamMode.generate
    for fillers in range(_MOST_FILLERS + 1):
        if fillers:
            pdf.Root[_FILLERS] = pikepdf.Array([pdf.make_indirect(pikepdf.Dictionary()) for _ in range(fillers)])
        data = _written(pdf, packed)
        if not any(end in data for end in _AMBIGUOUS):
            return data
    del pdf.Root[_FILLERS]
    return _written(pdf, pikepdf.ObjectStreamMode.disable)


def _written(pdf: pikepdf.Pdf, mode: pikepdf.ObjectStreamMode) -> bytes:
    output = io.BytesIO()
    pdf.save(output, object_stream_mode=mode, deterministic_id=True, fix_metadata_version=False)
    return output.getvalue()


def _declare(pdf: pikepdf.Pdf) -> None:
    """Say PDF/UA-1 beside PDF/A-3a, in a stream that is left uncompressed so that any tool can read it."""
    import pikepdf

    packet = pdf.Root.Metadata.read_bytes()
    if packet.count(_END_OF_METADATA) != 1:
        raise RenderError("report.pdf was not written: its metadata are not as expected; is this WeasyPrint supported?")
    whole = packet.replace(_END_OF_METADATA, _UNIVERSAL_ACCESS + _END_OF_METADATA)
    pdf.Root.Metadata = pdf.make_stream(whole, Type=pikepdf.Name.Metadata, Subtype=pikepdf.Name.XML)


def _keep_pixels(pdf: pikepdf.Pdf) -> None:
    """Pictures are shown as they are: PDF/A forbids viewers to invent pixels between them. ISO 19005-3, 6.2.8."""
    import pikepdf

    for item in pdf.objects:
        if isinstance(item, pikepdf.Stream) and item.get("/Subtype") == pikepdf.Name.Image:
            item.Interpolate = False


def _index_headers(pdf: pikepdf.Pdf) -> None:
    """Table headers by their identifiers: required as soon as an element has one. ISO 32000-1, table 322."""
    import pikepdf

    named = {
        bytes(item.ID): item
        for item in pdf.objects
        if isinstance(item, pikepdf.Dictionary) and item.get("/Type") == "/StructElem" and "/ID" in item
    }
    if named:
        names: list[object] = []
        for name in sorted(named):
            names += [pikepdf.String(name), named[name]]
        pdf.Root.StructTreeRoot.IDTree = pdf.make_indirect(pikepdf.Dictionary(Names=pikepdf.Array(names)))


def _attach(pdf: pikepdf.Pdf, files: Sequence[Attachment], finished: datetime) -> None:
    """Attach the files, each with a fixed date and its relationship, and list each once."""
    import pikepdf

    date = finished.strftime("D:%Y%m%d%H%M%SZ")
    for file in files:
        attached = pikepdf.AttachedFileSpec(
            pdf, file.data, filename=file.name, description=file.description, mime_type=file.media_type,
            creation_date=date, mod_date=date,
        )  # fmt: skip
        attached.obj.AFRelationship = pikepdf.Name(f"/{file.relationship}")
        pdf.attachments[file.name] = attached
    pdf.Root.AF = pikepdf.Array([pdf.attachments[file.name].obj for file in files])


def _end_clearly(pdf: pikepdf.Pdf) -> None:
    """No stream ends like a line: its length could be read in two ways, and validators take it for wrong.

    Source: ISO 19005-3, 6.1.7.1. Whatever follows the end of Flate data is ignored (RFC 1950).
    """
    import pikepdf

    for item in pdf.objects:
        if not isinstance(item, pikepdf.Stream) or item.get("/Type") == pikepdf.Name.Metadata:
            continue
        raw = item.read_raw_bytes()
        plain = "/Filter" not in item
        if plain:
            raw = zlib.compress(raw)
        elif item.Filter != pikepdf.Name.FlateDecode:
            continue
        if raw.endswith((b"\n", b"\r")):
            parameters = cast("pikepdf.Dictionary | None", item.get("/DecodeParms"))
            item.write(raw + b"\0", filter=pikepdf.Name.FlateDecode, decode_parms=parameters)
        elif plain:
            item.write(raw, filter=pikepdf.Name.FlateDecode)
