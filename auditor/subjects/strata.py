"""Which pictures are looked at: a seeded draw in equal shares of labels or groups."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from auditor.errors import DataError
from auditor.subjects import PictureInfo


@dataclass(frozen=True, slots=True)
class Draw:
    """A drawn sample, before anything is decoded.

    Attributes:
        chosen: In the order of their names.
        spares: Stratum → its pictures that were not chosen, the next candidate first.
        strata: One a chosen picture.
        rule: How it was drawn, one sentence.
    """

    chosen: tuple[PictureInfo, ...]
    spares: Mapping[str, tuple[PictureInfo, ...]]
    strata: tuple[str, ...]
    rule: str


def draw_sample(pictures: Sequence[PictureInfo], size: int, seed: int, stratify: str | None = "label") -> Draw:
    """Draw at most `size` pictures in equal shares of the strata.

    Within its stratum a picture's rank is the SHA-256 of seed and name. The draw therefore depends neither on the
    order in which the pictures are listed nor on any random generator's version, and a picture more or less
    in the data set changes the sample by about one. Strata that are too small give all they have.

    Source: Ohlsson, "Coordination of samples using permanent random numbers", 1995 (ranking by a fixed number a unit)

    Args:
        pictures: All pictures.
        size: How many, at least 1.
        seed: Another seed, another sample.
        stratify: "label", "cluster", a column of `groups`, or None.

    Raises:
        DataError: There are no pictures, or no picture has that column.
    """
    if not pictures:
        raise DataError("the data set holds no pictures")
    column = _column(pictures, stratify)
    strata: dict[str, list[PictureInfo]] = {}
    for picture in sorted(pictures, key=lambda item: _rank(seed, _identity(item))):
        strata.setdefault(_stratum(picture, column), []).append(picture)
    shares = equal_shares({name: len(members) for name, members in strata.items()}, size, seed)
    taken = [(picture, name) for name, members in strata.items() for picture in members[: shares[name]]]
    taken.sort(key=lambda item: (item[0].name, _identity(item[0])))
    return Draw(
        chosen=tuple(picture for picture, _ in taken),
        spares={name: tuple(members[shares[name] :]) for name, members in strata.items()},
        strata=tuple(name for _, name in taken),
        rule=_rule(len(taken), len(pictures), seed, column, stratify, len(strata)),
    )


def equal_shares(counts: Mapping[str, int], size: int, seed: int) -> dict[str, int]:
    """How many each stratum gives: as equal as their counts allow.

    Shares of strata that are not exhausted differ by one at most; who gives the one more is drawn by the seed.
    The shares add up to `size`, or to everything there is.
    """
    level, left = 0, min(size, sum(counts.values()))
    shares = dict.fromkeys(counts, 0)
    while left:
        unfilled = [name for name, count in counts.items() if count > level]
        step = min(left // len(unfilled), min(counts[name] for name in unfilled) - level)
        if step == 0:
            for name in sorted(unfilled, key=lambda item: _rank(seed, item))[:left]:
                shares[name] += 1
            break
        for name in unfilled:
            shares[name] += step
        level, left = level + step, left - step * len(unfilled)
    return shares


def _identity(picture: PictureInfo) -> str:
    """Tells pictures apart that share a file, such as two boxes in one photo."""
    return "\0".join((picture.name, str(picture.label), str(picture.box), str(sorted(picture.groups.items()))))


def _rank(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{name}".encode()).digest()


def _column(pictures: Sequence[PictureInfo], stratify: str | None) -> str | None:
    """The column to stratify by; None where there is none, or where nothing is labelled."""
    if stratify is None:
        return None
    known = sorted({name for picture in pictures for name in picture.groups})
    if stratify == "label":
        return "label" if any(picture.label is not None for picture in pictures) else None
    if stratify == "cluster" and any(picture.cluster is not None for picture in pictures):
        return "cluster"
    if stratify in known:
        return stratify
    close = get_close_matches(stratify, [*known, "label", "cluster"], n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"columns: {', '.join(known) or 'none'}, and label"
    raise DataError(f"dataset.sample.stratify: no picture has a group '{stratify}'; {hint}")


def _stratum(picture: PictureInfo, column: str | None) -> str:
    if column is None:
        return ""
    if column == "label":
        return "" if picture.label is None else str(picture.label)
    if column == "cluster" and picture.cluster is not None:
        return picture.cluster
    return picture.groups.get(column, "")


def _rule(taken: int, available: int, seed: int, column: str | None, asked: str | None, strata: int) -> str:
    if taken == available:
        return f"all {available} pictures"
    how = f"in equal shares of {column} ({strata} values)" if column else "at random"
    missing = "; no picture is labelled" if asked == "label" and column is None else ""
    return f"{taken} of {available} pictures, drawn {how} with seed {seed}{missing}"
