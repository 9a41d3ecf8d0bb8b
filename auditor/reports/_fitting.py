"""Makes a report small enough to send: the quality of its pictures goes first, then their size, then what there is
most of.

The steps are tried in the order of `LADDER`, and the first that fits is taken. What pictures weigh is known before a
page is laid out; what stands beside them is learnt from the first layout, so that two of them do as a rule.
"""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from auditor.errors import RenderError
from auditor.languages import say
from auditor.reports._words import percent

QUALITY = 85
"""Of a JPEG whose quality no reduction names: that of the run's own."""
ORDINARY = 128
"""Pictures of an ordinary sample."""
FURTHER = 70_000
"""Bytes that a report may grow by for each picture beyond those."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """How far pictures are reduced.

    Attributes:
        quality: Of their JPEGs; None: as the run holds them.
        scale: Of their sides.
        cells: Along the longer side of a map in the gallery, at most.
        every: Of the sheets with maps of single pictures in annex and gallery, one in so many is shown; 0: none.
    """

    quality: int | None = None
    scale: float = 1.0
    cells: int = 32
    every: int = 1

    def words(self) -> str:
        """What the page says of it, in sentences; "" where nothing was reduced."""
        said = []
        if self.scale < 1:
            share = percent(f"{self.scale * 100:.0f}")
            said.append(say("Pictures are shown at {share} of their size, so that this file can be sent.", share=share))
        elif self.quality is not None:
            said.append(
                say(
                    "Pictures are stored at JPEG quality {quality}, so that this file can be sent.",
                    quality=self.quality,
                )
            )
        if self.cells < WHOLE.cells:
            said.append(say("Maps that the page colours have at most {cells} cells along a side.", cells=self.cells))
        if self.every == 0:
            said.append(say("Maps of single pictures are left out of the annex."))
        elif self.every > 1:
            said.append(
                say("Of the annex with maps of single pictures, 1 sheet in {every} is shown.", every=self.every)
            )
        return " ".join([*said, say("The run folder holds everything in full.")]) if said else ""


WHOLE = Reduction()
LADDER = (
    WHOLE,
    *(Reduction(quality) for quality in (78, 70, 62, 55)),
    *(Reduction(55, scale) for scale in (0.85, 0.7, 0.6, 0.5, 0.42, 1 / 3)),
    *(Reduction(50, 1 / 3, cells) for cells in (16, 8)),
    *(Reduction(50, 1 / 3, 8, every) for every in (2, 4, 0)),
    Reduction(45, 0.2, 8, 0),
)
"""From everything to as little as a report can be while it still shows pictures."""
GENTLE = 11
"""Steps that a report takes unasked: they show less sharply, and leave nothing out."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What a file may weigh.

    Attributes:
        bytes: At most.
        asked: Whether somebody asked for it: then it holds, whatever it takes.
    """

    bytes: int
    asked: bool


def limit_of(asked: int | None, ordinary: int, images: int) -> Limit:
    """The limit that was asked for, or that of any report of so many pictures.

    Args:
        ordinary: Bytes of a report of an ordinary sample.
    """
    if asked is not None:
        return Limit(asked, asked=True)
    return Limit(ordinary + FURTHER * max(0, images - ORDINARY), asked=False)


class Draft(Protocol):
    """A report before it is laid out."""

    @property
    @abstractmethod
    def weight(self) -> int:
        """Bytes of what a reduction changes."""

    @abstractmethod
    def finish(self) -> bytes:
        """The file."""


def fitted(name: str, draft: Callable[[Reduction], Draft], limit: Limit, *, beside: int = 0) -> bytes:
    """The file at the first step that fits.

    Args:
        name: Of the file, for the error.
        draft: Prepares it at a step; later steps weigh no more than earlier ones.
        beside: What it weighs beside its pictures, at least.

    Raises:
        RenderError: A limit was asked for, and not even the last step fits; says how large that is and what else to do.
    """
    ladder = LADDER if limit.asked else LADDER[:GENTLE]
    step, last = 0, len(ladder) - 1
    while True:
        chosen = draft(ladder[step])
        if step < last and chosen.weight + beside > limit.bytes:
            room = limit.bytes - beside
            step = bisect_left(range(last), True, step + 1, key=lambda at: draft(ladder[at]).weight <= room)
            chosen = draft(ladder[step])
        data = chosen.finish()
        if len(data) <= limit.bytes or (step == last and not limit.asked):
            return data
        if step == last:
            raise RenderError(
                f"{name} was not written: it has {in_megabytes(len(data))} at the least, and "
                f"{in_megabytes(limit.bytes)} were asked for; --no-images leaves pictures out, and --template summary "
                "has four pages"
            )
        beside = max(beside, len(data) - chosen.weight)
        step += 1


def in_megabytes(size: int) -> str:
    """'2.41 MB', rounded up so that a limit of that size would do."""
    return f"{-(-size // 10_000) / 100:.2f} MB"
