"""One PDF from the parts of a report, with one structure tree, one outline and one set of named places.

Copying pages alone leaves the tags behind or on wrong pages, and validators do not notice. So the numbers under which
pages and links find their tags are shifted, the parts' tables of tags appended to the first one's, and their trees hung
under its root. Source: ISO 32000-1:2008, 14.7.4.4 (structural parent tree), 12.3.3 (outline), 7.9.6 (name trees).
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Self

from auditor.reports._layout import Bookmark, Laid

if TYPE_CHECKING:
    import pikepdf


class Merged:
    """A PDF and the files that it draws from, which stay open until it is saved."""

    def __init__(self, pdf: pikepdf.Pdf, sources: ExitStack) -> None:
        self.pdf = pdf
        self._sources = sources

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sources.close()


def opened(laid: Laid) -> Merged:
    """A report of one part."""
    import pikepdf

    sources = ExitStack()
    return Merged(sources.enter_context(pikepdf.open(io.BytesIO(laid.data))), sources)


def merged(parts: Sequence[Laid], elsewhere: Sequence[frozenset[str]], header: bytes) -> Merged:
    """All parts in one, under one header.

    Args:
        parts: The report first.
        elsewhere: For each part the named places that it only stands in for, because another part holds them.
        header: A PDF with as many pages as all parts together: what is printed over each.
    """
    import pikepdf

    with ExitStack() as sources:
        files = [sources.enter_context(pikepdf.open(io.BytesIO(laid.data))) for laid in parts]
        places = [place for file, names in zip(files, elsewhere, strict=True) for place in _places(file, names)]
        pdf = files[0]
        for number, file in enumerate(files[1:], start=1):
            _append(pdf, file, number)
        starts = list(accumulate((laid.pages for laid in parts), initial=0))
        _name_places(pdf, [(name, starts[files.index(file)] + page, view) for name, file, page, view in places])
        _outline(
            pdf, [(start, bookmark) for start, laid in zip(starts, parts, strict=False) for bookmark in laid.bookmarks]
        )
        running = sources.enter_context(pikepdf.open(io.BytesIO(header)))
        _put_over(pdf, running)
        return Merged(pdf, sources.pop_all())


def _append(pdf: pikepdf.Pdf, part: pikepdf.Pdf, number: int) -> None:
    """Pages and tags of a part behind those that are there."""
    tags = pdf.Root.StructTreeRoot
    shift = 1 + max((int(key) for key in list(tags.ParentTree.Nums)[::2]), default=-1)
    for page in part.pages:
        page.obj.StructParents = int(page.obj.StructParents) + shift
        for link in page.obj.get("/Annots", []):
            if "/StructParent" in link:
                link.StructParent = int(link.StructParent) + shift
    _tell_headers_apart(part, number)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of places and links that get lost: they are named anew in `merged`
        pdf.pages.extend(part.pages)
    copied = pdf.copy_foreign(part.Root.StructTreeRoot)
    whole, ours = tags.K[0], copied.K[0]
    for element in ours.K:
        element.P = whole
        whole.K.append(element)
    entries = list(copied.ParentTree.Nums)
    for key, elements in zip(entries[::2], entries[1::2], strict=True):
        tags.ParentTree.Nums.append(int(key) + shift)
        tags.ParentTree.Nums.append(elements)
    tags.ParentTreeNextKey = shift + len(entries) // 2


def _tell_headers_apart(part: pikepdf.Pdf, number: int) -> None:
    """Identifiers of table headers are unique within a part only."""
    import pikepdf

    for item in part.objects:
        if not isinstance(item, pikepdf.Dictionary) or item.get("/Type") != "/StructElem":
            continue
        if "/ID" in item:
            item.ID = pikepdf.String(f"{number}-{item.ID}")
        if "/A" in item and "/Headers" in item.A:
            item.A.Headers = pikepdf.Array([pikepdf.String(f"{number}-{header}") for header in item.A.Headers])


def _places(file: pikepdf.Pdf, standing_in: frozenset[str]) -> Iterator[tuple[str, pikepdf.Pdf, int, list[Any]]]:
    """Named places of a part: name, file, page of it, and the rest of the destination."""
    if "/Names" not in file.Root or "/Dests" not in file.Root.Names:
        return
    pages = {page.obj.objgen: number for number, page in enumerate(file.pages)}
    entries = list(file.Root.Names.Dests.Names)
    for name, destination in zip(entries[::2], entries[1::2], strict=True):
        if str(name) not in standing_in:
            yield str(name), file, pages[destination[0].objgen], list(destination)[1:]


def _name_places(pdf: pikepdf.Pdf, places: Sequence[tuple[str, int, list[Any]]]) -> None:
    import pikepdf

    names = pikepdf.Array()
    for name, page, view in sorted(places, key=lambda place: bytes(pikepdf.String(place[0]))):
        names.append(pikepdf.String(name))
        names.append(pikepdf.Array([pdf.pages[page].obj, *view]))
    if "/Names" not in pdf.Root:
        pdf.Root.Names = pikepdf.Dictionary()
    pdf.Root.Names.Dests = pikepdf.Dictionary(Names=names)


def _outline(pdf: pikepdf.Pdf, bookmarks: Sequence[tuple[int, Bookmark]]) -> None:
    """One outline: a bookmark stands under the last one before it that is of a higher level."""
    import pikepdf

    with pdf.open_outline() as outline:
        outline.root.clear()
        above: list[tuple[int, pikepdf.OutlineItem]] = []
        for start, mark in bookmarks:
            item = pikepdf.OutlineItem(mark.title, start + mark.page, "XYZ", left=mark.x, top=mark.y, zoom=0)
            item.is_closed = not mark.opened
            while above and above[-1][0] >= mark.level:
                above.pop()
            (above[-1][1].children if above else outline.root).append(item)
            above.append((mark.level, item))


def _put_over(pdf: pikepdf.Pdf, running: pikepdf.Pdf) -> None:
    """Print a page of `running` over each page, as an artifact: readers need not hear it on every page."""
    import pikepdf

    begin = pdf.make_stream(b"q\n")
    for number, (page, over) in enumerate(zip(pdf.pages, running.pages, strict=True)):
        name = f"/Running{number}"
        resources = page.obj.Resources
        if "/XObject" not in resources:
            resources.XObject = pikepdf.Dictionary()
        resources.XObject[name] = pdf.copy_foreign(over.as_form_xobject())
        mark = f"\nQ\n/Artifact <</Type /Pagination>> BDC q {name} Do Q EMC\n"
        page.obj.Contents = pikepdf.Array([begin, page.obj.Contents, pdf.make_stream(mark.encode("ascii"))])
