"""Where Han meets Latin letters or digits: languages that want room between them get it where a text is put together.

Only the seams between pieces are looked at, so that names and whole texts stay as they were written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["SEAM", "joined", "room_of"]

SEAM = "中A"
"""An entry of the catalogues in the context "pattern": what is said for it has the room between its two letters."""
_HAN = r"[\u3007\u3400-\u4dbf\u4e00-\u9fff]"
"""Source: Unicode, Script=Han without its marks; punctuation is none of it, and gets no room."""
_OTHER = r"[A-Za-z0-9\u00c0-\u024f\u0370-\u04ff]"
_MEETING = re.compile(rf"{_HAN}[−+-]?{_OTHER}|(?:{_OTHER}|%){_HAN}")


def room_of(said: str) -> str:
    """What a language puts between, from what it says for `SEAM`; "" for nothing."""
    return said[1:-1]


def joined(pieces: Iterable[str], room: str) -> str:
    """The pieces as one text, with room at each seam where Han meets a Latin letter or a digit."""
    text = ""
    for piece in pieces:
        if room and text and piece and _MEETING.match(text[-1] + piece[:2]):
            text += room
        text += piece
    return text
