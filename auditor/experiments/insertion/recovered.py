"""Marks recovered from the sample's own pictures, and what inserting them does, as checks of the overlay kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np
import torch

from auditor.engine.input_gradients import input_attention
from auditor.evidence import CheckEvidence
from auditor.experiments.experiment import SCREEN_ALPHA, SCREEN_EFFECT, Experiment, screen_p
from auditor.experiments.insertion.carried import CarriedTag
from auditor.experiments.insertion.differing import turn, with_variants
from auditor.experiments.insertion.inserting import Copies, Insertion, InsertionResult, goes_with, insert
from auditor.interventions.painting import Stamp
from auditor.overlays import MovingTag, Overlay, Patch, find_moving_tags, find_plain_marks, recover
from auditor.records import Box

OBJECT_SHARE = 0.6
"""What lies on the known object to this share may be the object itself, and inserting it proves nothing."""
ALIGNED = 0.6
"""It is, where the carriers' objects lie at one place: a pixel of one lies on another's with this probability. [objects
at random places, a quarter of the picture large: .39 to .44 on the tuning half of the benchmark]"""
MOST_MOVING = 2
TWICE = 0.5
"""A mark is another one, or a part of it, where this share of its copies lies in that one's pictures."""
ON_OVERLAY = 0.5
"""Of a copy's box."""


def static_mark(
    experiment: Experiment,
    images: np.ndarray,
    overlay: Overlay,
    region: Box,
    copies: Copies,
    found: Sequence[Overlay] = (),
) -> CheckEvidence | None:
    """The mark as recovered from half A, painted on pictures without it.

    Where it goes with no one class, the mark of one class is turned into that of another; `found` are all overlays, of
    which those at the same place are its variants. None where nothing can be told.
    """
    if _is_object(experiment, overlay):
        return None
    discovery = np.zeros(len(images), dtype=bool)
    discovery[experiment.halves["A"]] = True
    carriers, others = overlay.present & discovery, ~overlay.present & discovery
    target = goes_with(experiment.predicted, overlay.present, experiment.halves["A"])
    if target is None:
        turned = None
        if experiment.sample.images.dtype == torch.uint8:  # differences are in the pictures' own units
            turned = turn(experiment, images, with_variants(overlay, found), region.name, copies)
        return None if turned is None else _check(experiment, region, None, turned)
    patch = recover(images, carriers, others, overlay.mask)
    if patch is None:
        return None
    marks = [_stamp(experiment, patch, "the recovered mark")]
    rest = experiment.predicted[others]
    rest = rest[rest != target]
    if len(rest):
        label = int(np.bincount(rest).argmax())
        own = experiment.predicted == label
        plain = recover(images, others & own, others & ~own, overlay.mask)
        if plain is not None:
            plain = Patch(plain.box, plain.colour, patch.alpha)
            marks.append(_stamp(experiment, plain, "the same place of another class"))
    insertion = Insertion(marks[0], target, ~overlay.present, tuple(marks[1:]))
    result = insert(experiment, insertion, region.name, copies)
    return None if result is None else _check(experiment, region, target, result)


def _is_object(experiment: Experiment, overlay: Overlay) -> bool:
    """Whether what repeats at one place is the object that the pictures are aligned on."""
    objects = experiment.sample.objects
    known = overlay.present & experiment.sample.has_object
    if objects is None or not known.any():
        return False
    if float(objects[known][:, overlay.mask].mean()) < OBJECT_SHARE:
        return False
    covered = objects[known].mean(axis=0)
    return float(np.square(covered).sum()) >= ALIGNED * float(covered.sum())


def moving_marks(
    experiment: Experiment, images: np.ndarray, copies: Copies, notes: list[str], found: Sequence[Overlay] = ()
) -> Iterator[tuple[CheckEvidence, MovingTag]]:
    """Tags that lie elsewhere in every picture, recovered from half A and painted at random places of the others.

    `found` are the static overlays: what repeats inside one of them, as letters and the squares of a code do, is a part
    of it.
    """
    members = experiment.halves["A"]
    attention = np.zeros((len(images), *images.shape[-2:]), np.float32)
    attention[members] = input_attention(
        experiment.predictor, experiment.sample.images[members], experiment.predicted[members]
    )
    for number, tag in enumerate(_moving_tags(experiment, images, attention, found), start=1):
        region = Box(name=f"moving-{number}")
        mark = _stamp(experiment, Patch((0, 0, 0, 0), tag.colour, tag.alpha), "the recovered mark")
        insertion = Insertion(mark, tag.label, ~tag.present, moving=True, forbidden=experiment.sample.objects)
        result = insert(experiment, insertion, region.name, copies)
        if result is None:
            notes.append(f"{region.name}: too few pictures without it to paint it on")
            continue
        result = _carried_along(experiment, tag, region.name, copies, result)
        facts = {"pixels": int((tag.alpha > 0.5).sum()), "found_by": tag.found_by}
        yield _check(experiment, region, tag.label, result).model_copy(update={"facts": facts}), tag


def _moving_tags(
    experiment: Experiment, images: np.ndarray, attention: np.ndarray, overlays: Sequence[Overlay]
) -> list[MovingTag]:
    """By their pixels, then by colour and outline; at most two, none of a static overlay or an object, none twice."""
    members, predicted = experiment.halves["A"], experiment.predicted
    found: list[MovingTag] = []
    for look in (find_moving_tags, find_plain_marks):
        for tag in look(images, attention, predicted, members):
            twice = any(
                other.label == tag.label and (other.present & tag.present).sum() >= TWICE * tag.present.sum()
                for other in found
            )
            of_object = tag.found_by == "colour" and _on_objects(experiment, tag)
            if not twice and not of_object and not _of_overlay(tag, overlays):
                found.append(tag)
    return found[:MOST_MOVING]


def _of_overlay(tag: MovingTag, overlays: Sequence[Overlay]) -> bool:
    """Whether most copies lie on a static overlay of their pictures, or right beside its strokes."""
    height, width = tag.alpha.shape
    copies = np.flatnonzero(tag.present)
    inside = np.zeros(len(copies), dtype=bool)
    for overlay in overlays:
        wide = cv2.dilate(np.asarray(overlay.mask, np.uint8), np.ones((5, 5), np.uint8))
        for number, i in enumerate(copies):
            x, y = np.maximum(tag.corners[i], 0)
            inside[number] |= bool(overlay.present[i]) and wide[y : y + height, x : x + width].mean() >= ON_OVERLAY
    return bool(len(copies)) and float(inside.mean()) >= TWICE


def _on_objects(experiment: Experiment, tag: MovingTag) -> bool:
    """Whether copies lie where the objects do: then they may be parts of them."""
    objects = experiment.sample.objects
    known = np.flatnonzero(tag.present & experiment.sample.has_object)
    if objects is None or not len(known):
        return False
    height, width = tag.alpha.shape
    covered = [
        objects[i, y : y + height, x : x + width].mean() for i, (x, y) in zip(known, tag.corners[known], strict=True)
    ]
    return float(np.median(covered)) >= OBJECT_SHARE


def _carried_along(
    experiment: Experiment, tag: MovingTag, name: str, copies: Copies, inserted: InsertionResult
) -> InsertionResult:
    """With the evidence of tags cut out of their pictures, which the recovered mark's colours alone cannot explain."""
    carried = CarriedTag(experiment, tag, name)
    first = carried.test("A", copies.screen)
    if first is None:
        return inserted
    p = screen_p([first], experiment.seed)[0]
    result = replace(inserted, screen=(*inserted.screen, first))
    if p > SCREEN_ALPHA or float(np.mean(first.differences)) < SCREEN_EFFECT:
        return result
    second = carried.test("B", copies.confirm)
    return replace(
        result,
        stood_out=True,
        confirm=result.confirm if second is None else (*result.confirm, second),
        examples=(*result.examples, *carried.examples),
    )


def _stamp(experiment: Experiment, patch: Patch, name: str) -> Stamp:
    """A recovered patch in the units of the sample's pictures."""
    _, (low, high) = as_bytes(experiment.sample.images.numpy())
    colour = (patch.colour / 255 * (high - low) + low).astype(np.float32)
    return Stamp(name, colour, patch.alpha, (patch.box[0], patch.box[1]))


def _check(experiment: Experiment, region: Box, target: int | None, result: InsertionResult) -> CheckEvidence:
    """What insertion measured, as a check: of the class that the mark leads to where it stood out, else of all."""
    return CheckEvidence(
        kind="overlay",
        region=region,
        class_name=experiment.classes[target] if result.stood_out and target is not None else None,
        screen=result.screen,
        stood_out=result.stood_out,
        confirm=result.confirm,
        out_of_budget=result.stood_out and not result.confirm,
        doses=result.doses,
        further=result.further,
        examples=result.examples,
    )


def with_insertion(swapped: list[CheckEvidence], inserted: CheckEvidence | None) -> list[CheckEvidence]:
    """Put insertion evidence to the swap check of the same class; where swaps prove nothing, it stands alone."""
    if inserted is None:
        return swapped
    if any(not check.judged for check in swapped):
        return [inserted]
    joined = []
    for check in swapped:
        if check.class_name == inserted.class_name:
            check = check.model_copy(
                update={
                    "screen": (*check.screen, *inserted.screen),
                    "stood_out": check.stood_out or inserted.stood_out,
                    "confirm": (*check.confirm, *inserted.confirm),
                    "out_of_budget": (check.out_of_budget or inserted.out_of_budget)
                    and not (check.confirm or inserted.confirm),
                    "doses": inserted.doses,
                    "further": (*check.further, *inserted.further),
                    "examples": (*check.examples[:2], *inserted.examples[:2]),
                }
            )
        joined.append(check)
    if all(check.class_name != inserted.class_name for check in swapped):
        joined.append(inserted)
    return joined


def as_bytes(images: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """Pictures as uint8, and the range of values that 0..255 stands for."""
    if images.dtype == np.uint8:
        return images, (0.0, 255.0)
    low, high = float(images.min()), float(images.max())
    return ((images - low) / max(high - low, 1e-12) * 255).round().astype(np.uint8), (low, high)
