"""Overlays: tags, watermarks, logos and frames found in the sample without labels, and whether the model uses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.evidence import CheckEvidence, Presence, ProbeEvidence
from auditor.probes import LocationProbe
from auditor.records import Box, Measurement, PlannedCheck
from auditor.regions import Region, border_rings, displaced, side_bands
from auditor.shares import percent
from auditor.statistics.intervals import wilson

if TYPE_CHECKING:
    from auditor.experiments.experiment import Candidate, Experiment
    from auditor.experiments.insertion import Copies
    from auditor.overlays import Bands, Letterbox, Overlay

LEAST_RECIPIENTS = 33
LEAST_CARRIERS = 6
"""Carriers bring the overlay to the others where each half has so many of both; with fewer recipients, effects of 25
points would be missed. Elsewhere every picture takes part on both sides."""
LARGEST_SHARE = 0.25
"""Of the picture: swapping a larger box would swap the object with it."""
MOST_BANDS = 1
"""Groups of uniform strips tested that were not found as overlays."""
MOST_MOVING = 2
ARMS = 3
"""The mark, its shuffled pixels, another class's patch."""
MORE_ARMS = 1
"""A moving mark has no other class's patch, but is also cut out of its pictures, as is another patch of them."""
DOSE_FORWARDS = 9
"""Four strengths of the mark and of its control, and the mark elsewhere."""
ATTENTION_FORWARDS = 1.0
"""Of half the pictures, forward and backward."""
MARGIN = 0.02
"""The box around the strokes is widened by this share of the shorter side, for soft edges."""


class OverlayProbe(LocationProbe):
    """Reliance on static artefacts that nobody named: finds them in the pictures, then swaps them.

    Gradients whose direction agrees at exactly the same pixels of many pictures betray a tag, logo or frame; pictures
    rolled and flipped at random are the null. What is found is brought, with its box, from pictures that carry it into
    pictures that do not. The same box at mirrored places is the control. An artefact that is present and moves
    nothing is reported as present, not used.

    Source: gradient consensus after Dekel et al., "On the Effectiveness of Visible Watermarks", CVPR 2017; the test
    is ours, docs/methods.md.
    """

    cue: ClassVar[str] = "a mark burned into the picture"
    recommendation: ClassVar[str] = (
        "Remove the overlay from the training data (inpainting or masking the tag), or add it at random to pictures of "
        "all classes; keep sources balanced over classes. Then audit again with the overlay and corner probes."
    )
    order: ClassVar[int] = 0
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "quick": {"donors_screen": 1, "shortlist": 1, "removal": False, "most": 1, "copies_confirm": 1},
        "standard": {},
        "full": {"donors_screen": 3, "donors_confirm": 8, "shortlist": 6, "most": 6, "copies_confirm": 8},
    }

    most: int = Field(3, ge=1, le=16, description="Overlays tested, most frequent first.")
    copies_screen: int = Field(1, ge=1, le=16, description="Copies of a recovered mark a picture, discovery half.")
    copies_confirm: int = Field(3, ge=1, le=64, description="Copies of a recovered mark a picture, confirmation half.")
    moving: bool = Field(True, description="Also look for tags that are copied to different places.")

    @classmethod
    def where(cls, region: Box | None) -> str:
        if region is None:
            return cls.cue
        if region.name.startswith("bank:"):
            return f"an inserted watermark ({region.name.removeprefix('bank:')})"
        if region.name.startswith("moving-"):
            return "a mark copied to different places of the picture"
        place = " ".join(region.name.split("-")[2:])
        return f"a mark burned into the {place} of the picture" if place else cls.cue

    def planned(self) -> PlannedCheck:
        return PlannedCheck(
            kind="overlay",
            what=f"static artefacts found without labels (at most {self.most}), swapped into pictures without them",
            control="the same box at mirrored places",
            limit=self.steps,
            minimum_count=8,
            severity="low, medium, high by grade",
            rationale="Watermarks, scanner tags and logos go with a source, and sources go with labels.",
        )

    def pool(self) -> int:
        return 4 * self.most + 2 * MOST_BANDS

    def placebos(self) -> int:
        return self.most + MOST_BANDS

    def controls(self) -> int:
        return 3

    def rounds(self) -> int:
        return self.most + MOST_BANDS

    def forwards(self) -> float:
        copies = self.copies_screen + self.copies_confirm
        marks = self.most + (MOST_MOVING if self.moving else 0)
        insertions = marks * (ARMS * copies + DOSE_FORWARDS) / 2
        insertions += MOST_MOVING * MORE_ARMS * copies / 2 if self.moving else 0
        return super().forwards() + insertions + (ATTENTION_FORWARDS if self.moving else 0)

    def copies(self) -> Copies:
        """How many copies of a mark are painted."""
        from auditor.experiments.insertion import Copies

        return Copies(self.copies_screen, self.copies_confirm)

    def run(self, experiment: Experiment) -> ProbeEvidence:
        from auditor.experiments.insertion import as_bytes, moving_marks, static_mark, with_insertion
        from auditor.experiments.two_stage import two_stage
        from auditor.overlays import find_class_overlays, find_letterboxes, find_overlays

        before = experiment.predictor.forwards
        images, _ = as_bytes(experiment.sample.images.numpy())
        experiment.progress(0, len(images), "overlay: looking for static artefacts")
        found = find_overlays(images, seed=experiment.seed)
        found += find_class_overlays(images, experiment.predicted, found, seed=experiment.seed)
        frames = find_letterboxes(images)
        experiment.progress(len(images), len(images), "overlay: looking for static artefacts")
        notes = [_strip_words(frame) for frame in frames]
        checks: list[CheckEvidence] = []
        for number, overlay in enumerate(found[: self.most], start=1):
            kind, candidate = _candidate(experiment, overlay, number)
            presence = _presence(experiment, overlay.present, overlay.p, overlay.draws)
            inserted = static_mark(experiment, images, overlay, candidate.region.record(), self.copies(), found)
            swapped = two_stage(experiment, kind, [candidate], self.budget())
            found_here = with_insertion(swapped, inserted)
            if all(not check.judged for check in found_here):
                notes.append(
                    f"{candidate.region.name} at {overlay.box}: no place like it to compare it with, not judged"
                )
            checks += [c.model_copy(update={"presence": presence, "facts": _facts(overlay)}) for c in found_here]
        for number, bands in enumerate(_unseen_bands(frames, found[: self.most]), start=len(found[: self.most]) + 1):
            candidate = _along_sides(experiment, number, bands.widths, _carriers(experiment, bands.present))
            presence = _presence(experiment, bands.present, bands.p, 0)
            swapped = two_stage(experiment, "border", [candidate], self.budget())
            checks += [check.model_copy(update={"presence": presence}) for check in swapped]
        if self.moving:
            checks += [
                check.model_copy(update={"presence": _presence(experiment, tag.present, tag.p, 0)})
                for check, tag in moving_marks(experiment, images, self.copies(), notes, found)
            ]
        if not any(check.kind == "overlay" for check in checks):
            what = f"No overlay was found in the {len(images)} pictures that were looked at"
            checks.append(CheckEvidence(kind="overlay", absent=f"{what}, so there is none to rely on."))
        return ProbeEvidence(
            probe="overlay",
            checks=tuple(checks),
            forwards=experiment.predictor.forwards - before,
            notes=tuple(notes),
            options=self.model_dump(mode="json"),
        )


def _candidate(experiment: Experiment, overlay: Overlay, number: int) -> tuple[str, Candidate]:
    """Kind and region of what was found; carriers bring it to the others.

    A mark is swapped with its box, a little wider, and compared with mirrored places. What runs along whole sides is a
    frame or a band: a check of the border, compared with the same further in. What is neither, and what has no mirrored
    place, cannot be swapped without the object and is not judged.
    """
    from auditor.experiments.experiment import Candidate
    from auditor.overlays import sides_covered

    height, width = experiment.size
    carriers = _carriers(experiment, np.asarray(overlay.present))
    widths = sides_covered(np.asarray(overlay.mask))
    if widths:
        return "border", _along_sides(experiment, number, widths, carriers)
    margin = max(1, round(MARGIN * min(height, width)))
    x1, y1, x2, y2 = overlay.box
    box = (max(0, x1 - margin), max(0, y1 - margin), min(width, x2 + margin), min(height, y2 + margin))
    region = Region(f"overlay-{number}-{place_of(box, height, width)}", box)
    controls = tuple(displaced(region, height, width))
    small = (box[2] - box[0]) * (box[3] - box[1]) <= LARGEST_SHARE * height * width
    return "overlay", Candidate(region, controls, carriers=carriers, judged=small and bool(controls))


def _unseen_bands(strips: Sequence[Letterbox], found: Sequence[Overlay]) -> list[Bands]:
    """Uniform strips that no overlay was found on: at most one of each group of pictures."""
    from auditor.overlays import join_strips, sides_covered

    seen = {side for overlay in found for side in sides_covered(np.asarray(overlay.mask))}
    return [bands for bands in join_strips(strips) if not seen & set(bands.widths)][:MOST_BANDS]


def _along_sides(
    experiment: Experiment, number: int, widths: Mapping[str, int], carriers: np.ndarray | None
) -> Candidate:
    """A frame on all sides is one pixel wider than what was seen, for soft edges; bands are as wide as they are."""
    from auditor.experiments.experiment import Candidate
    from auditor.overlays import SIDES

    height, width = experiment.size
    if len(widths) == len(SIDES):
        ring, inner = border_rings(height, width, [(max(widths.values()) + 1) / min(height, width)])[0]
        return Candidate(replace(ring, name=f"frame-{number}"), (inner,), carriers=carriers)
    name = "-".join(side for side in SIDES if side in widths)
    bands, inside = side_bands(f"band-{number}-{name}", height, width, widths)
    return Candidate(bands, (inside,), carriers=carriers)


def _carriers(experiment: Experiment, present: np.ndarray) -> np.ndarray | None:
    """Who brings it to the others; None where either are too few, and every picture takes part on both sides."""
    enough = all(
        (~present[members]).sum() >= LEAST_RECIPIENTS and present[members].sum() >= LEAST_CARRIERS
        for members in experiment.halves.values()
    )
    return present if enough else None


def place_of(box: tuple[int, int, int, int], height: int, width: int) -> str:
    """Where a box lies, by thirds of the picture: top-left, top, left, centre, ..."""
    x, y = (box[0] + box[2]) / 2 / width, (box[1] + box[3]) / 2 / height
    vertical = "top" if y < 1 / 3 else "bottom" if y > 2 / 3 else ""
    side = "left" if x < 1 / 3 else "right" if x > 2 / 3 else ""
    return "-".join(part for part in (vertical, side) if part) or "centre"


def _presence(experiment: Experiment, present: np.ndarray, p: float, draws: int) -> Presence:
    from auditor.overlays import class_association

    count, hits = len(present), int(present.sum())
    low, high = wilson(hits, count)
    association = class_association(present, experiment.sample.labels, seed=experiment.seed)
    per_class = {
        experiment.classes[label]: Measurement(
            name="prevalence", value=share.value, low=share.low, high=share.high, count=share.count
        )
        for label, share in association.per_class.items()
    }
    return Presence(
        prevalence=Measurement(
            name="prevalence", value=hits / count, low=low, high=high, count=count, note="pictures that carry it"
        ),
        p=p,
        draws=draws,
        association_p=association.p,
        per_class=per_class,
    )


def _facts(overlay: Overlay) -> dict[str, Any]:
    return {"opacity": overlay.opacity, "polarity": overlay.polarity, "pinned_share": overlay.pinned_share}


def _strip_words(frame: Letterbox) -> str:
    share = float(np.mean(frame.present))
    return f"uniform strip, {frame.width} px, at the {frame.side} side of {percent(share)} of the pictures"
