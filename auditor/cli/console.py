"""Progress and messages on stderr: bars on a terminal, a line a part elsewhere, silence in CI."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console

if TYPE_CHECKING:
    from rich.progress import TaskID

err = Console(stderr=True, highlight=False)
out = Console(highlight=False)


class ConsoleProgress:
    """Bars with image counts and the time left on a terminal; one line when a part begins elsewhere; none in CI."""

    def __init__(self) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        self._bars = err.is_terminal and not os.environ.get("CI")
        self._lines = not self._bars and not os.environ.get("CI")
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("images ·"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=err,
            transient=True,
        )
        self._task: TaskID | None = None
        self._what = ""

    def __enter__(self) -> Self:
        if self._bars:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._progress.stop()

    def step(self, done: int, total: int, what: str) -> None:
        """One bar, which starts anew when what is being done changes."""
        if what != self._what:
            self._what = what
            if self._bars:
                if self._task is not None:
                    self._progress.remove_task(self._task)
                self._task = self._progress.add_task(what, total=total)
            elif self._lines:
                print(f"{what} ({total})", file=sys.stderr, flush=True)
        if self._bars and self._task is not None:
            self._progress.update(self._task, completed=done, total=total)

    def message(self, text: str) -> None:
        """A line above the bar."""
        if self._bars:
            self._progress.console.print(text, markup=False)
        else:
            print(text, file=sys.stderr, flush=True)


def print_columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table in plain lines that are never folded, so that they can be searched and cut."""
    widths = [max(len(row[place]) for row in (header, *rows)) for place in range(len(header))]
    for number, row in enumerate((header, *rows)):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        out.print(line, markup=False, soft_wrap=True, style=None if number else "dim")
