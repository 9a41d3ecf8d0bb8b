"""The languages that reports are written in: one catalogue each, found by its file; English is what the code says.

`say` and its kin speak the language of the `with` block that they run in, and English outside of any:

    with Language.of("zh").spoken():
        say("Findings register")            # '发现项登记表'

A further language is one more catalogue beside `zh.po`: see docs/templates.md.
"""

from __future__ import annotations

from auditor.languages.language import CATALOGUES, DEFAULT, Language, codes
from auditor.languages.speaking import (
    grouped,
    listed,
    noted,
    say,
    say_in,
    say_many,
    side_by_side,
    speaking,
    spoken_day,
    spoken_moment,
    spoken_number,
)

__all__ = [
    "CATALOGUES",
    "DEFAULT",
    "Language",
    "codes",
    "grouped",
    "listed",
    "noted",
    "say",
    "say_in",
    "say_many",
    "side_by_side",
    "speaking",
    "spoken_day",
    "spoken_moment",
    "spoken_number",
]
