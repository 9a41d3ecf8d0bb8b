"""Pictures and typefaces that a page may load, each under an address of the page's own scheme."""

from __future__ import annotations

import re

SCHEME = "audit-report"
_ADDRESS = re.compile(rf"{SCHEME}:/[0-9]+")


class Holder:
    """Keeps bytes and gives them addresses; the same bytes of the same kind have one."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[bytes, str]] = {}
        self._addresses: dict[tuple[bytes, str], str] = {}

    def embed(self, name: str, data: bytes, kind: str) -> str:
        """Hold the bytes; returns the address under which they are served."""
        address = self._addresses.setdefault((data, kind), f"{SCHEME}:/{len(self.held)}")
        self.held[address] = (data, kind)
        return address

    def used_in(self, html: str) -> dict[str, tuple[bytes, str]]:
        """What a page refers to; names in a page are escaped and can only ever ask for what was meant to be shown."""
        return {address: self.held[address] for address in _ADDRESS.findall(html) if address in self.held}
