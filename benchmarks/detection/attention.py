"""Relevance mass of the saved heat-maps on the regions that the audit asked about: what attention alone would say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.detection.matching import matches
from benchmarks.detection.permuting import sign_flip
from benchmarks.detection.places import Place
from benchmarks.detection.run_folders import Audited, Claim, read_evidence
from benchmarks.detection.scoring import Result

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Attention:
    """What one model's maps of one method put on each region.

    Attributes:
        regions: Kind and place.
        mass: float (images, regions): share of a map's sum.
        area: float (regions,): share of the picture.
    """

    regions: tuple[tuple[str, Place], ...]
    mass: np.ndarray
    area: np.ndarray

    @property
    def enrichment(self) -> np.ndarray:
        """float (regions,): mean mass over area; 1 for a map that knows nothing."""
        return np.asarray(self.mass.mean(axis=0) / self.area)

    def above(self, threshold: float) -> list[Claim]:
        """Regions whose enrichment reaches the threshold."""
        return [
            Claim(kind, place, None, float(value))
            for (kind, place), value in zip(self.regions, self.enrichment, strict=True)
            if value >= threshold
        ]

    def above_area(self) -> list[Claim]:
        """Regions that hold more mass than area: sign flips over images, adjusted for the largest of all regions."""
        images = np.arange(len(self.mass))
        _, adjusted = sign_flip(list((self.mass - self.area).T), [images] * len(self.area))
        return [
            Claim(kind, place, None, float(value))
            for (kind, place), value, p in zip(self.regions, self.enrichment, adjusted, strict=True)
            if p <= ALPHA
        ]


def attentions(audited: Audited, side: int) -> dict[str, Attention]:
    """Method → what its maps put on the regions of the sample-level checks.

    The regions are those that interventions were asked about, proposals from the data included, so that attention
    answers the same questions. Blank maps are left out, as are methods with none but blank maps.

    Args:
        audited: A finished audit.
        side: Of the model's input, pixels; square.
    """
    regions = tuple(
        dict.fromkeys(
            (item.kind, item.place)
            for item in read_evidence(audited.folder)
            if item.place is not None and item.class_name is None
        )
    )
    found = {}
    for path in sorted((audited.folder / "evidence" / "maps").glob("*.npz")):
        with np.load(path, allow_pickle=False) as stored:
            maps, usable = stored["maps"].astype(np.float64), stored["usable"]
        maps = maps[usable & (maps.sum(axis=(1, 2)) > 0)]
        if len(maps) and regions:
            found[path.stem] = _attention(maps, regions, side)
    return found


def _attention(maps: np.ndarray, regions: tuple[tuple[str, Place], ...], side: int) -> Attention:
    height, width = maps.shape[1:]
    masks = np.stack([place.mask(height, width, side).ravel() for _, place in regions]).astype(np.float64)
    held = masks.sum(axis=1) > 0  # a region thinner than a pixel of a coarse map holds none of it
    flat = maps.reshape(len(maps), -1)
    mass = flat @ masks[held].T / flat.sum(axis=1, keepdims=True)
    kept = tuple(region for region, holds in zip(regions, held, strict=True) if holds)
    return Attention(kept, mass, masks[held].mean(axis=1))


@dataclass(frozen=True, slots=True)
class Choice:
    """The method and threshold that do best.

    Attributes:
        f1: On the models that they were chosen on.
    """

    method: str
    threshold: float
    f1: float


def choose(
    maps: Mapping[str, Mapping[str, Attention]], positives: Sequence[Result], negatives: Sequence[Result]
) -> Choice | None:
    """Method and threshold with the highest F1: cues found, cues missed, negative models accused.

    Args:
        maps: Case → method → attention.
        positives: Models with one strong local cue.
        negatives: Models without.

    Returns:
        None where no positive has maps.
    """
    best: Choice | None = None
    methods = sorted({method for of_case in maps.values() for method in of_case})
    for method in methods:
        on_cue = [_on_cue(maps[r.case.id].get(method), r) for r in positives if r.case.id in maps]
        anywhere = [_largest(maps[r.case.id].get(method)) for r in negatives if r.case.id in maps]
        for threshold in sorted({value for value in on_cue if np.isfinite(value)}):
            found = sum(value >= threshold for value in on_cue)
            accused = sum(value >= threshold for value in anywhere)
            f1 = 2 * found / (found + len(on_cue) + accused)
            if best is None or f1 > best.f1:
                best = Choice(method, threshold, f1)
    return best


def _on_cue(attention: Attention | None, result: Result) -> float:
    """Largest enrichment of a region that is the planted cue; -inf where none is."""
    claims = [] if attention is None else attention.above(-np.inf)
    found = [claim.effect for claim in claims if any(matches(cue, claim) for cue in result.case.cues)]
    return max(found, default=-np.inf)


def _largest(attention: Attention | None) -> float:
    return -np.inf if attention is None else float(attention.enrichment.max(initial=-np.inf))
