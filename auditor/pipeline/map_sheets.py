"""Draws maps as contact sheets, a sheet a method, and what shows the network itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from auditor import figures
from auditor.method_names import in_print
from auditor.records import PlacedWords
from auditor.targets import PREDICTED
from auditor.visualizers import ChannelSet, MapSet, MapVisualizer, Profile, Sheet

if TYPE_CHECKING:
    from auditor.pipeline.gallery import Gallery
    from auditor.pipeline.subject import Subject

SHOWN = 9
"""Pictures on a method's sheet: the surest mistakes first, then pictures drawn at random."""
WIDE = 3.8
"""Width by height of a triptych, above which two in a row are as many as can be read."""
GAP = 14
"""Pixels between triptychs."""
PRINTED = 493
"""Points: width of a page's text, which a full row takes."""
LINE, LETTERS = 10.5, 6.2
"""Points: room under a triptych for a line of words, and its letters."""
CHANNELS_SHOWN = 3
TOP = 0.995
"""Share of a map's pixels below the upper end of its colours: single pixels would leave a fine map dark."""
FAILED = " This method failed its trust check on this model: do not read its pictures as evidence."
LAYERS = 30
"""Layers on one chart: more go on over further ones, so that they fill what is left of a page."""


def shown_pictures(subject: Subject, count: int = SHOWN, among: np.ndarray | None = None) -> list[int]:
    """The surest mistakes (half at most), then pictures drawn at random: worst and random, never chosen by looks.

    Args:
        among: bool (n,), which pictures can be shown; None: all. Of fewer the same are shown as far as they can be.
    """
    labels, predicted = subject.sample.labels, subject.predicted
    able = np.ones(len(labels), bool) if among is None else among
    wrong = np.flatnonzero((labels >= 0) & (labels != predicted) & able)
    sure = subject.scores[wrong, predicted[wrong]]
    worst = [int(i) for i in wrong[np.argsort(-sure, kind="stable")][: count // 2]]
    order = np.random.default_rng(0).permutation(len(subject.sample))
    return (worst + [int(i) for i in order if able[i] and i not in worst])[:count]


def describe(subject: Subject, index: int) -> str:
    """'cat.jpg: cat, predicted dog (.91)'."""
    predicted = int(subject.predicted[index])
    name = short_name(subject.sample.pictures[index].name)
    if subject.own is not None:
        return f"{name}: {subject.own.name} {subject.scores[index, 0]:.3g}"
    label = int(subject.sample.labels[index])
    truth = f"{subject.classes[label]}, " if label >= 0 else ""
    score = float(subject.scores[index, predicted])
    return f"{name}: {truth}predicted {subject.classes[predicted]} ({score:.2f})"


def short_name(name: str) -> str:
    """A picture's file with the folder that it lies in: long paths would drown what is said of it."""
    return "/".join(PurePosixPath(name).parts[-2:])


def answered(subject: Subject, index: int) -> str:
    """'cat ✓ (0.91)', or 'cat → dog (0.91)' for a mistake: short enough to stand under a picture."""
    if subject.own is not None:
        return f"{subject.scores[index, 0]:.3g}"
    predicted, label = int(subject.predicted[index]), int(subject.sample.labels[index])
    name, score = subject.classes[predicted], float(subject.scores[index, predicted])
    if label < 0:
        return f"predicted {name} ({score:.2f})"
    return f"{name} ✓ ({score:.2f})" if label == predicted else f"{subject.classes[label]} → {name} ({score:.2f})"


def _under(tiles: Sequence[np.ndarray], across: int, lines: Sequence[str]) -> tuple[int, list[PlacedWords]]:
    """Pixels of white that lines under the tiles of a sheet need, and the lines in their places."""
    height, width = (max(tile.shape[side] for tile in tiles) for side in (0, 1))
    columns = min(across, len(tiles))
    wide = columns * (width + GAP) - GAP
    below = round(wide * LINE / PRINTED)
    step = height + below + GAP
    tall = -(-len(tiles) // columns) * step - GAP
    words = [
        PlacedWords(
            text=line,
            left=round(100 * (place % columns) * (width + GAP) / wide, 2),
            top=round(100 * (place // columns * step + height + 0.5 * below) / tall, 2),
            room=round(100 * width / wide, 2),
            size=LETTERS,
            tone="quiet",
        )
        for place, line in enumerate(lines)
    ]
    return below, words


def upper_end(values: np.ndarray) -> float:
    """Where the colours of one map end."""
    return float(np.quantile(values, TOP)) or float(values.max())


def explained_for(item: MapSet, part: MapVisualizer) -> str:
    """', for: cat minus dog'; empty where the map is the same whatever is explained."""
    if not part.of_class:
        return ""
    return f", for: {PREDICTED if item.targets is None else item.targets.words}"


def _across(tiles: Sequence[np.ndarray]) -> int:
    """Triptychs in a row: three narrow ones fill a page's width and leave room for a second method below."""
    height, width = tiles[0].shape[:2]
    return 3 if len(tiles) > 4 and width <= WIDE * height else 2


def draw_maps(item: MapSet, part: MapVisualizer, trust: str | None, subject: Subject, gallery: Gallery) -> list[str]:
    """Photo, map and overlay of the shown pictures, two or three in a row."""
    chosen = [i for i in shown_pictures(subject, among=item.made) if item.usable[i]]
    if not chosen:
        return []
    tiles = [
        figures.map_triptych(subject.sample.display(i), item.maps[i], high=upper_end(item.maps[i])) for i in chosen
    ]
    what = in_print(item.method if item.layer is None else f"{item.method}@{item.layer}") + explained_for(item, part)
    few = ""
    if part.most_images is not None and item.count < len(item.usable):
        forwards = part.forwards(*item.maps.shape[1:])
        few = f" Made for {item.count} of {len(item.usable)} pictures: about {forwards:,} forwards each."
    mark = FAILED if trust == "failed" else ""
    across = _across(tiles)
    below, words = _under(tiles, across, [answered(subject, i) for i in chosen])
    names = ", ".join(short_name(subject.sample.pictures[i].name) for i in chosen)
    return [
        gallery.photo(
            f"maps-{item.name}",
            figures.contact_sheet(tiles, across, gap=GAP, below=below),
            caption=f"{what}.{few}{_said(subject)}{mark}",
            alt=f"{what}, on {len(chosen)} pictures, each as photo, map and overlay. In reading order: {names}.{mark}",
            reading=part.reading,
            words=words,
        )
    ]


def _said(subject: Subject) -> str:
    """What stands under each picture of a sheet, where it is not what stands there usually."""
    return "" if subject.own is None else f" Under each picture: {subject.own.name}."


def draw_channels(item: ChannelSet, reading: str, subject: Subject, gallery: Gallery) -> list[str]:
    """The strongest units of the layer on a few pictures."""
    paths, what = [], subject.sample.medium.value
    for index in shown_pictures(subject, CHANNELS_SHOWN):
        units = ", ".join(str(unit) for unit in item.units[index])
        maps, count = _flat(item.maps[index]), item.maps.shape[1]
        title = f"{item.layer}: strongest {item.unit}s on {describe(subject, index)}"
        if item.maps[index].ndim > maps.ndim:
            plane = subject.sample.medium.layers[:-1]
            title += f", each in the {plane} where it answers most; first the middle {plane}"
        paths.append(
            gallery.photo(
                f"{item.method}-{item.layer}-{index}",
                figures.channel_sheet(subject.sample.display(index), maps),
                caption=f"{title}. In order: {units}.",
                alt=f"The {what} and the maps of its {count} strongest {item.unit}s at {item.layer}.",
                reading=reading,
            )
        )
    return paths


def _flat(maps: np.ndarray) -> np.ndarray:
    """Of maps in depth the layer where each unit answers most; other maps as they are."""
    if maps.ndim == 3:
        return maps
    heaviest = np.nan_to_num(maps).sum(axis=(2, 3)).argmax(axis=1)
    return np.asarray(maps[np.arange(len(maps)), heaviest])


def draw_kernels(name: str, sheet: Sheet, reading: str, gallery: Gallery) -> str:
    """Weights of one layer."""
    return gallery.photo(
        f"{name}-{sheet.layer}",
        figures.kernel_sheet(sheet.tiles),
        caption=f"{sheet.layer}: {sheet.caption}",
        alt=f"{len(sheet.tiles)} weight tiles of {sheet.layer}.",
        reading=reading,
    )


def draw_profile(name: str, profile: Profile, reading: str, gallery: Gallery) -> list[str]:
    """All layers side by side; a network of many layers takes several charts."""
    each = -(-len(profile.rows) // max(1, -(-len(profile.rows) // LAYERS)))
    rows = [
        figures.LayerRow(row.layer, row.histogram, row.low, row.high, row.numbers, bool(row.odd))
        for row in profile.rows
    ]
    paths = []
    for start in range(0, len(rows), each):
        shown = rows[start : start + each]
        part = "" if len(rows) <= LAYERS else f" Layers {start + 1} to {start + len(shown)}."
        paths.append(
            gallery.chart(
                name if start == 0 else f"{name}-{start // each + 1}",
                figures.layer_chart(shown),
                caption=f"{profile.caption}{part} Each histogram has a scale of its own.",
                alt=f"A histogram and {len(shown[0].numbers)} numbers for each of {len(shown)} layers.",
                reading=reading,
            )
        )
    return paths
