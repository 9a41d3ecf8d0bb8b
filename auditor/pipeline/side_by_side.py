"""Draws methods side by side: one row a picture, one column a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from auditor import figures
from auditor.media import Medium
from auditor.method_names import in_print
from auditor.pipeline.map_sheets import TOP, describe, shown_pictures, upper_end
from auditor.pipeline.stack_maps import heaviest_slice, says_when_alone
from auditor.records import LegendEntry
from auditor.subjects import VolumeSample
from auditor.visualizers import MapSet

if TYPE_CHECKING:
    from auditor.pipeline.gallery import Gallery
    from auditor.pipeline.subject import Subject

BLANK = 235
BLANK_COLOUR = f"#{BLANK:02x}{BLANK:02x}{BLANK:02x}"
"""Of what has no map, or none that says anything."""
ROWS = 10
"""Pictures on one sheet of the annex."""
COLUMNS = 8
"""Maps side by side on one sheet: more would be too small in print, and go to further sheets."""
CELL = 104
"""Short side of a cell, pixels."""
COMPARED, COMPARED_OF_MANY = 8, 4
"""Pictures on which all methods are compared in section 7; where they take several sheets, fewer."""
ACROSS, TALL = 493.0, 547.0
"""Points that a sheet may take on a page, head and scale left out."""
ANNEX = (380.0, 567.0)
"""The same in the annex, which has the words of each row beside it."""


def draw_comparison(
    maps: Sequence[MapSet], trust: Mapping[str, str | None], subject: Subject, gallery: Gallery
) -> list[str]:
    """All methods on a few pictures, the surest mistakes first; of each method the last layer that it was made for.

    Returns:
        Paths of the sheets; none with fewer than two methods, or where the annex shows as few pictures all at once.
    """
    shown = [item for item in maps if item.maps.ndim == 3 or not says_when_alone(item)]
    last = {item.method if item.targets is None else item.name: item for item in shown}
    chosen = list(last.values())
    parts = _parted(chosen)
    most = COMPARED if len(parts) == 1 else COMPARED_OF_MANY
    if len(chosen) < 2 or len(subject.sample) <= most:
        return []
    cell, told = _cell(subject), ""
    paths = []
    for number, part in enumerate(parts, start=1):
        columns = 1 + len(part)
        blocks = 2 if 2 * columns <= COLUMNS + 2 else 1
        each = ACROSS / (blocks * columns) * cell[0] / cell[1]
        indices = shown_pictures(subject, min(most, blocks * max(1, int(TALL / each))))
        words = "; ".join(f"{row}. {describe(subject, index)}" for row, index in enumerate(indices, start=1))
        which = (f" Sheet {number} of {len(parts)}." if len(parts) > 1 else "") + _letters_said(part)
        several = subject.sample.medium.several
        caption = f"The surest mistakes first, then {several} drawn at random.{which} Rows: {words}."
        if words == told:
            caption = f"The same rows.{which}"
        told = words
        names = ", ".join(in_print(item.name) for item in part)
        sheet = _sheet(part, trust, indices, subject, room=(ACROSS, TALL), blocks=blocks)
        paths.append(
            gallery.photo(
                "side-by-side" + (f"-{number}" if len(parts) > 1 else ""),
                sheet.picture,
                caption=caption,
                alt=f"{len(indices)} {several}, each with the maps of {len(part)} methods beside it: {names}.",
                reading=None
                if number > 1
                else "Read along a row: where methods that passed their checks agree, the evidence lies more likely "
                f"there. The annex shows all {several} of the sample in the same way.",
                legend=_legend(part, trust, subject),
                words=sheet.words,
            )
        )
    return paths


def draw_rows(
    maps: Sequence[MapSet], trust: Mapping[str, str | None], subject: Subject, gallery: Gallery
) -> dict[int, list[str]]:
    """Every picture in a row: photo, then one overlay a method; ten pictures and eight methods a sheet at most.

    Returns:
        Picture's index → paths of the sheets that show it.
    """
    # what says when alone has no place to show in one frame
    maps = [item for item in maps if item.maps.ndim == 3 or not says_when_alone(item)]
    if not maps:
        return {}
    count = len(subject.sample)
    paths: dict[int, list[str]] = {}
    parts = _parted(maps)
    first = subject.sample.medium.value
    if subject.sample.medium is not Medium.PICTURE:
        layer = subject.sample.medium.layers[:-1]
        first = f"{layer} in the middle, then each map at its heaviest {layer}"
    for start in range(0, count, ROWS):
        indices = range(start, min(count, start + ROWS))
        words = "; ".join(f"{row}. {describe(subject, index)}" for row, index in enumerate(indices, start=1))
        for number, part in enumerate(parts, start=1):
            names = [
                in_print(one.name) + (" (failed its trust check)" if trust.get(one.name) == "failed" else "")
                for one in part
            ]
            several = len(parts) > 1
            which = f"Methods, sheet {number} of {len(parts)}. " if several else ""
            sheet = _sheet(part, trust, indices, subject, room=ANNEX, full=min(count, ROWS))
            path = gallery.photo(
                f"images-{start + 1:04d}" + (f"-{number:02d}" if several else ""),
                sheet.picture,
                caption=f"{which}Columns: {first}, {', '.join(names)}.{_letters_said(part)} Rows: {words}.",
                alt=f"{which}Rows {start + 1} to {start + len(indices)} of the sample with {len(part)} maps each.",
                legend=_legend(part, trust, subject),
                words=sheet.words,
                rows=sheet.rows,
            )
            for index in indices:
                paths.setdefault(index, []).append(path)
    return paths


def _sheet(
    maps: Sequence[MapSet],
    trust: Mapping[str, str | None],
    indices: Sequence[int],
    subject: Subject,
    *,
    room: tuple[float, float],
    full: int | None = None,
    blocks: int = 1,
) -> figures.HeadedSheet:
    """Photo, then one overlay a method, under heads that say when a method must not be believed."""
    letters = _lettered(maps)
    heads = [figures.Head()]
    for item in maps:
        letter = letters.get(_explained(item), "")
        where = " ".join(filter(None, (item.layer, letter)))
        heads.append(figures.Head(in_print(item.method), where, trust.get(item.name) == "failed"))
    rows = [_row(maps, subject, index) for index in indices]
    return figures.headed_rows(rows, heads, cell=_cell(subject), room=room, full=full, blocks=blocks)


def _explained(item: MapSet) -> str:
    """What its maps are for, in words; "" for the predicted class, which goes without saying."""
    return "" if item.targets is None or item.targets.is_predicted else item.targets.words


def _lettered(maps: Sequence[MapSet]) -> dict[str, str]:
    """What is explained → the letter that stands for it over columns."""
    words = dict.fromkeys(explained for item in maps if (explained := _explained(item)))
    return {one: f"({chr(ord('a') + number % 26)})" for number, one in enumerate(words)}


def _letters_said(maps: Sequence[MapSet]) -> str:
    return "".join(f" {letter}: for {words}." for words, letter in _lettered(maps).items())


def _legend(maps: Sequence[MapSet], trust: Mapping[str, str | None], subject: Subject) -> list[LegendEntry]:
    """The scale of the maps, and why some heads are marked."""
    top = f"its highest {100 * (1 - TOP):.1f} % and more"
    legend = [LegendEntry(mark="ramp", colours=figures.ramp(), label=f"each map, from 0 to {top}")]
    if not all(item.usable.all() for item in maps):
        legend.append(LegendEntry(mark="swatch", colours=(BLANK_COLOUR,), label="no map, or a blank one"))
    if any(trust.get(item.name) == "failed" for item in maps):
        colours = (figures.SEVERITY_COLOURS["high"],)
        legend.append(LegendEntry(mark="triangle", colours=colours, label="failed its trust check on this model"))
    return legend


def _cell(subject: Subject) -> tuple[int, int]:
    height, width = subject.sample.images.shape[-2:]
    scale = CELL / min(height, width)
    return round(height * scale), round(width * scale)


def _parted(maps: Sequence[MapSet]) -> list[Sequence[MapSet]]:
    """As few sheets as hold all methods, of nearly equal width; none without maps."""
    sheets = -(-len(maps) // COLUMNS)
    ends = [round(number * len(maps) / sheets) for number in range(sheets + 1)] if sheets else [0]
    return [maps[start:stop] for start, stop in pairwise(ends)]


def _row(maps: Sequence[MapSet], subject: Subject, index: int) -> list[np.ndarray]:
    photo = subject.sample.display(index)
    tiles = [photo]
    for item in maps:
        if not item.usable[index]:
            tiles.append(np.full_like(photo, BLANK))
            continue
        if isinstance(subject.sample, VolumeSample):
            shown, values, high = heaviest_slice(item, index, subject.sample)
            tiles.append(figures.overlay(shown, values, 0.0, high))
        else:
            values = item.maps[index]
            tiles.append(figures.overlay(photo, values, 0.0, upper_end(values)))
    return tiles
