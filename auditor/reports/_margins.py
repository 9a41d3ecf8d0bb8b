"""Running headers and page numbers as artifacts: a reader's voice need not say them on every page.

WeasyPrint marks what stands in page margins like any text, with elements that hang nowhere in the structure tree; a
report that is put together from parts has artifacts instead. Here the former becomes the latter.

Source: ISO 32000-1:2008, 14.8.2.2 (real content and artifacts); ISO 14289-1:2014, 7.8 (page headers and footers)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pikepdf

_MARKED = re.compile(rb"/\w+\s+<<\s*/MCID (\d+)\s*>>\s+BDC")
_ARTIFACT = b"/Artifact <</Type /Pagination>> BDC"


def silence_margins(pdf: pikepdf.Pdf) -> None:
    """Mark as artifacts what no reader of the structure tree would come to, and forget its elements.

    Margins are painted after the page, so that their marks are its last: the others keep their numbers.
    """
    tree = pdf.Root.StructTreeRoot
    (whole,) = tree.K
    reached = {element.objgen for element in whole.K}
    entries = list(tree.ParentTree.Nums)
    elements = dict(zip(map(int, entries[::2]), entries[1::2], strict=True))
    for page in pdf.pages:
        marks = elements[int(page.obj.StructParents)]
        count = len(marks)
        while count and _top(marks[count - 1], whole).objgen not in reached:
            count -= 1
        if count == len(marks):
            continue
        del marks[count:]
        page.obj.Contents.write(_silenced(page.obj.Contents.read_bytes(), count))


def _silenced(content: bytes, count: int) -> bytes:
    """What a page paints, all marks from `count` on being artifacts."""
    return _MARKED.sub(lambda found: found.group() if int(found.group(1)) < count else _ARTIFACT, content)


def _top(element: pikepdf.Object, whole: pikepdf.Object) -> pikepdf.Object:
    """Of the elements that it hangs under, the one right below the whole."""
    while element.P.objgen != whole.objgen:
        element = element.P
    return element
