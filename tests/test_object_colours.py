"""A cast lies on the objects as well, a tinted background does not: also of hollow objects of which boxes are known."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from auditor.experiments.backgrounds import Pasting
from auditor.experiments.object_colours import object_colours
from tests.models import ReadsTheCorner, experiment_on, sample_of

HEIGHT, WIDTH, COUNT = 24, 32, 96


def hollow(shape_name: str, *, cast: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rings or windows of any colour before anything; class 1 has a tint, on everything or on the background alone."""
    rng = np.random.default_rng(seed)
    labels = np.arange(COUNT) % 2
    images, boxes = np.empty((COUNT, HEIGHT, WIDTH, 3), np.uint8), np.zeros((COUNT, HEIGHT, WIDTH), bool)
    for image, box, label in zip(images, boxes, labels, strict=True):
        x, y = int(rng.integers(9, WIDTH - 9)), int(rng.integers(9, HEIGHT - 9))
        shape = np.zeros((HEIGHT, WIDTH), np.uint8)
        if shape_name == "ring":
            cv2.circle(shape, (x, y), 7, 1, 3)
        else:  # four panes
            shape[y - 8 : y + 9, x - 8 : x + 9] = 1
            for a, b in ((-6, -6), (-6, 2), (2, -6), (2, 2)):
                shape[y + a : y + a + 5, x + b : x + b + 5] = 0
        plane = rng.integers(60, 130, 3) + rng.normal(0, 6, (HEIGHT, WIDTH, 3))
        tint = np.array([45, 0, -45]) * label
        plane = plane + tint
        colour = rng.integers(150, 210, 3) + (tint if cast else 0)
        plane = np.where(shape[:, :, None] > 0, colour + rng.normal(0, 6, plane.shape), plane)
        image[:] = np.clip(plane, 0, 255)
        box[y - 9 : y + 10, x - 9 : x + 10] = True
    return images.transpose(0, 3, 1, 2).copy(), labels, boxes


@pytest.mark.parametrize("shape", ["ring", "window"])
@pytest.mark.parametrize("cast", [True, False])
def test_hollow_objects_in_boxes_tell_a_cast_from_a_tinted_background(shape: str, *, cast: bool) -> None:
    images, labels, boxes = hollow(shape, cast=cast)
    sample = replace(sample_of(images, labels, boxes), object_source="box")
    experiment = experiment_on(ReadsTheCorner(), sample)
    experiment.scores = np.eye(2, dtype=np.float32)[labels]

    found = object_colours(experiment, experiment.classes[1])

    assert found is not None
    assert found.value is not None
    assert found.value > 0.85 if cast else found.value < 0.65


@pytest.mark.parametrize("toned", [True, False])
def test_a_toning_whose_hues_cancel_out_is_a_cast_too(*, toned: bool) -> None:
    """Lights turn one way and shadows the other, in class 1 alone, so that mean colours say nothing."""
    images, labels, boxes = hollow("ring", cast=False, seed=1)
    rng = np.random.default_rng(2)
    planes = images * rng.uniform(0.4, 1.25, (COUNT, 1, 1, 1))  # some objects are dark, some light
    if toned:
        lights = np.clip((planes.mean(axis=1, keepdims=True) - 110) / 60, -1, 1)
        planes[labels == 1] += (lights * np.reshape([25, 0, -25], (1, 3, 1, 1)))[labels == 1]
    sample = replace(sample_of(planes.clip(0, 255).astype(np.uint8), labels, boxes), object_source="box")
    experiment = experiment_on(ReadsTheCorner(), sample)
    experiment.scores = np.eye(2, dtype=np.float32)[labels]

    found = object_colours(experiment, experiment.classes[1])

    assert found is not None
    assert found.value is not None
    assert found.value > 0.75 if toned else found.value < 0.65


def test_an_object_known_by_its_box_is_pasted_without_what_else_lies_in_the_box() -> None:
    images, labels, boxes = hollow("ring", cast=False)
    sample = replace(sample_of(images, labels, boxes), object_source="box")
    experiment = experiment_on(ReadsTheCorner(), sample)

    cut = Pasting(experiment, np.ones(COUNT, bool), boxes, boxes=True)._weights(0)
    whole = Pasting(experiment, np.ones(COUNT, bool), boxes, boxes=False)._weights(0)

    middle = tuple(int(axis.mean()) for axis in np.nonzero(boxes[0]))
    assert whole[middle] == 1
    assert cut[middle] == 0  # the hole of the ring
    ring = np.abs(np.hypot(*(np.indices((HEIGHT, WIDTH)) - np.reshape(middle, (2, 1, 1)))) - 7) < 0.6
    assert cut[ring].mean() > 0.9
