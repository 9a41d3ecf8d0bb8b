"""What small changes did to pictures, clips and volumes: how like maps and features stayed, and how it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from auditor.map_areas import areas_of
from auditor.records import Measurement
from auditor.stack_tiles import excerpt_of, in_full
from auditor.statistics.intervals import clopper_pearson, mean_interval
from auditor.studies import Audited, LentMap, PictureRow, Tile

if TYPE_CHECKING:
    from torch import Tensor

    from auditor.subjects import VolumeSample

__all__ = ["Changed", "Likenesses", "Shown", "likenesses", "measured", "picture_rows", "stack_rows"]

RANK, OVERLAP, COSINE = "map_rank_correlation", "map_overlap", "feature_cosine"
SHORT = {RANK: "rank corr.", COSINE: "features"}
"""Under a picture there is room for two words."""
AREAS, HOTTEST = 28, 0.2
"""As `agreement` compares maps: areas along the longer side, and the share of them that counts as the hottest."""
DRAWN_SIDE = 112
"""Pixels of a change that are drawn: averaging it down would leave grey, so every k-th pixel is shown instead."""

Likenesses = Mapping[str, tuple[np.ndarray, np.ndarray]]
"""What → (values, where they are defined), (n,) each: 1 where nothing moved."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The attacked pictures after one change, or before any.

    Attributes:
        images: float 0..255.
        scores: float32 (n, classes).
        features: float32 (n, features); None where the model has none.
        of_method: Maps for the classes predicted before.
    """

    images: Tensor
    scores: np.ndarray
    features: np.ndarray | None
    of_method: LentMap


@dataclass(frozen=True, slots=True)
class Shown:
    """One of them on paper.

    Attributes:
        place: Among the attacked.
        row: In the sample.
        predicted: The class before.
        factor: By which changes are magnified.
        heads: Attack → its name and what it did.
    """

    place: int
    row: int
    predicted: int
    factor: float
    heads: Mapping[str, tuple[str, str]]


def stride_of(extent: Sequence[int]) -> int:
    """Of a picture's change every so-many-th pixel is drawn."""
    return -(-max(extent) // DRAWN_SIDE)


def picture_rows(shown: Shown, audited: Audited, before: Changed, after: Mapping[str, Changed]) -> list[PictureRow]:
    """A row an attack: picture and map before, picture and map after, and the change around grey."""
    name = Path(audited.sample.pictures[shown.row].name).name
    stride = stride_of(before.images.shape[2:])
    rows = []
    for attack, (title, how) in shown.heads.items():
        alike = likenesses(before, after[attack])
        change = shown.factor * (after[attack].images[shown.place] - before.images[shown.place])
        tiles = [
            *_pair(audited, before, shown, ""),
            *_pair(audited, after[attack], shown, _told(alike, RANK, shown.place)),
            Tile(
                audited.sample.shown(128 + change[:, ::stride, ::stride].numpy()),
                (f"change × {shown.factor:.3g}", _told(alike, COSINE, shown.place)),
            ),
        ]
        rows.append(PictureRow((title, how, name), tiles))
    return rows


def stack_rows(
    shown: Shown, audited: Audited, sample: VolumeSample, before: Changed, after: Mapping[str, Changed]
) -> list[PictureRow]:
    """Frames, or three planes: as it is with its map, then for each attack what it became, its map, and the change.

    Planes stand beside those of their map; frames are more, and stand above.
    """
    heat = _heat(before, shown.place, sample)
    excerpt = excerpt_of(sample, shown.row, heat)

    def tiles(
        image: Tensor, over: np.ndarray | None = None, *, marked: bool = False, names: Sequence[str] = ()
    ) -> list[Tile]:
        drawn = excerpt.pictures(sample.slices(image.numpy()), over)
        under = names or [""] * len(drawn)
        return [
            Tile(picture, (name,) if name else (), marked=marked) for picture, name in zip(drawn, under, strict=True)
        ]

    name = Path(sample.pictures[shown.row].name).name
    rows = _with_map(
        ("As it is", *_prediction(audited, before, shown), name),
        ("its map",),
        tiles(before.images[shown.place], names=excerpt.names),
        []
        if heat is None
        else tiles(before.images[shown.place], heat, names=("its map",) * 3 if excerpt.at is not None else ()),
        beside=excerpt.at is not None,
    )
    for attack, (title, how) in shown.heads.items():
        one = after[attack]
        alike = likenesses(before, one)
        lost = int(one.scores[shown.place].argmax()) != shown.predicted
        over = _heat(one, shown.place, sample)
        rows += _with_map(
            (f"{title}, {how}", *_prediction(audited, one, shown)),
            tuple(filter(None, ("its map", _told(alike, RANK, shown.place)))),
            tiles(one.images[shown.place], marked=lost),
            [] if over is None else tiles(one.images[shown.place], over),
            beside=excerpt.at is not None,
        )
        change = 128 + shown.factor * (one.images[shown.place] - before.images[shown.place])
        words = (f"change × {shown.factor:.3g}", _told(alike, COSINE, shown.place))
        rows.append(PictureRow(tuple(filter(None, words)), tiles(change)))
    return rows


def _with_map(
    heading: tuple[str, ...], of_map: tuple[str, ...], plain: list[Tile], over: list[Tile], *, beside: bool
) -> list[PictureRow]:
    if not over:
        return [PictureRow((*heading, "map: blank"), plain)]
    if beside:
        return [PictureRow((*heading, *of_map[1:]), [*plain, *over])]
    return [PictureRow(heading, plain), PictureRow(of_map, over)]


def likenesses(before: Changed, after: Changed) -> Likenesses:
    """How like each map and each row of features stayed."""
    count = len(before.scores)
    nothing = (np.zeros(count), np.zeros(count, bool))
    found = {RANK: nothing, OVERLAP: nothing, COSINE: nothing}
    one, other = before.of_method, after.of_method
    if one.maps is not None and other.maps is not None:
        ranks, tops, varies = areas_of([one.maps, other.maps], AREAS, HOTTEST)
        usable = one.usable & other.usable & varies.all(axis=0)
        both = (tops[0] * tops[1]).sum(axis=1)
        found[RANK] = ((ranks[0] * ranks[1]).sum(axis=1).clip(-1, 1), usable)
        found[OVERLAP] = (both / np.maximum(tops[0].sum(axis=1) + tops[1].sum(axis=1) - both, 1), usable)
    if before.features is not None and after.features is not None:
        was, now = before.features.astype(np.float64), after.features.astype(np.float64)
        lengths = np.linalg.norm(was, axis=1) * np.linalg.norm(now, axis=1)
        known = np.isfinite(lengths) & (lengths > 0)
        cosines = np.where(known, (was * now).sum(axis=1) / np.where(known, lengths, 1), 0.0)
        found[COSINE] = (cosines.clip(-1, 1), known)
    return found


def measured(
    name: str, before: Changed, after: Changed, classes: np.ndarray, rows: np.ndarray, audited: Audited
) -> list[Measurement]:
    """Over all attacked pictures, with intervals over what belongs together."""
    lost = after.scores.argmax(axis=1) != classes
    clusters = audited.clusters[rows]
    if len(np.unique(clusters)) < len(rows):
        low, high = mean_interval(lost.astype(float), clusters, seed=audited.seed)
    else:
        low, high = clopper_pearson(int(lost.sum()), len(lost))
    share = float(lost.mean())
    ends = {"low": min(low, share), "high": max(high, share)}
    found = [Measurement(name=f"class_lost:{name}", value=share, count=len(rows), **ends)]
    for what, (values, known) in likenesses(before, after).items():
        title = f"{what}:{name}"
        if not known.any():
            reason = "the model has no such features" if what == COSINE else "no usable map"
            found.append(Measurement(name=title, value=None, count=0, reason=reason))
            continue
        lower = 0.0 if what == OVERLAP else -1.0
        low, high = mean_interval(values[known], clusters[known], seed=audited.seed, lower=lower)
        mean = float(values[known].mean())
        found.append(Measurement(name=title, value=mean, low=low, high=high, count=int(known.sum())))
    return found


def _pair(audited: Audited, changed: Changed, shown: Shown, likeness: str) -> list[Tile]:
    """A picture with its prediction, and the map over it where the method makes one."""
    picture = audited.sample.shown(changed.images[shown.place].numpy())
    words = _prediction(audited, changed, shown)
    tiles = [Tile(picture, words, marked=len(words) > 1)]
    if changed.of_method.maps is None:
        return tiles
    if not changed.of_method.usable[shown.place]:
        return [*tiles, Tile(picture, ("map: blank",))]
    return [*tiles, Tile(picture, ("its map", likeness), heat=changed.of_method.maps[shown.place])]


def _prediction(audited: Audited, changed: Changed, shown: Shown) -> list[str]:
    """'cat 0.97', and of another class than before 'dog 0.61', 'cat 0.30'."""
    scores = changed.scores[shown.place]
    now = int(scores.argmax())
    classes = dict.fromkeys((now, shown.predicted))
    return [f"{audited.class_name(index)} {scores[index]:.2f}" for index in classes]


def _heat(changed: Changed, place: int, sample: VolumeSample) -> np.ndarray | None:
    if changed.of_method.maps is None or not changed.of_method.usable[place]:
        return None
    return in_full(changed.of_method.maps[place], tuple(sample.images.shape[2:]))


def _told(likeness: Likenesses, what: str, place: int) -> str:
    """'rank corr. 0.42'; "" where it is not defined."""
    values, known = likeness[what]
    return f"{SHORT[what]} {values[place]:.2f}" if known[place] else ""
