"""How a run says what it is doing: a protocol, and the silent one."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Where progress and messages go; the command line draws bars, tests stay silent."""

    def step(self, done: int, total: int, what: str) -> None:
        """`done` of `total` images of what is being done now."""

    def message(self, text: str) -> None:
        """Something that a person should know now."""


class Silent:
    """Says nothing."""

    def step(self, done: int, total: int, what: str) -> None: ...

    def message(self, text: str) -> None: ...
