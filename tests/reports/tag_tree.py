"""Reads a PDF's tags back the way a screen reader does: from a page to its marked content, to elements, to the root."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pikepdf

Id = tuple[int, int]


@dataclass
class TagTree:
    """Every mistake found, in words; empty where the tree is whole.

    Attributes:
        unreached: Elements that content is mapped to and that do not hang under the root.
    """

    pdf: pikepdf.Pdf
    mistakes: list[str] = field(default_factory=list)
    unreached: int = 0

    def __post_init__(self) -> None:
        root = self.pdf.Root.StructTreeRoot
        parents = list(root.ParentTree.Nums)
        keys = [int(key) for key in parents[::2]]
        if keys != sorted(set(keys)):
            self.mistakes.append("the keys of the parent tree are not in order, or not unique")
        self.mapped = dict(zip(keys, parents[1::2], strict=True))
        self.reached = {element.objgen for element in self._elements(root)}
        for number, page in enumerate(self.pdf.pages):
            self._check_page(number, page)

    def _elements(self, parent: pikepdf.Object) -> Iterator[pikepdf.Object]:
        """Every element under one, each of which must name it as its parent."""
        for kid in _kids(parent):
            if not isinstance(kid, pikepdf.Dictionary) or "/S" not in kid:
                continue
            if kid.P.objgen != parent.objgen:
                self.mistakes.append(f"{kid.S} {kid.objgen} hangs under another element than it says")
            yield kid
            yield from self._elements(kid)

    def _check_page(self, number: int, page: pikepdf.Page) -> None:
        elements = self.mapped.get(int(page.obj.StructParents))
        marks = _marks(page)
        if elements is None or sorted(marks) != list(range(len(list(elements)))):
            self.mistakes.append(f"page {number}: marked content and the parent tree do not match")
            return
        for mark, element in enumerate(elements):
            if element.Pg.objgen != page.obj.objgen:
                self.mistakes.append(f"page {number}, mark {mark}: its element is on another page")
            if mark not in [int(kid) for kid in _kids(element) if not isinstance(kid, pikepdf.Object)]:
                self.mistakes.append(f"page {number}, mark {mark}: its element does not hold it")
            self.unreached += element.objgen not in self.reached
        for link in page.obj.get("/Annots", []):
            element = self.mapped.get(int(link.StructParent))
            held = [] if element is None else [k.Obj.objgen for k in _kids(element) if "/Obj" in _entries(k)]
            if link.objgen not in held:
                self.mistakes.append(f"page {number}: a link has no element")


def _kids(element: pikepdf.Object) -> list[pikepdf.Object]:
    kids = element.get("/K", [])
    return list(kids) if isinstance(kids, pikepdf.Array) else [kids]


def _entries(item: object) -> list[str]:
    return list(item.keys()) if isinstance(item, pikepdf.Dictionary) else []


def _marks(page: pikepdf.Page) -> list[int]:
    """Marked content of a page by its numbers."""
    begun = [part.operands for part in pikepdf.parse_content_stream(page) if str(part.operator) == "BDC"]
    return [int(operands[1].MCID) for operands in begun if "/MCID" in _entries(operands[1])]
