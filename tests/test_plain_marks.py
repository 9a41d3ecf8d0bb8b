"""Stickers of one colour that lie anywhere are found by their outline; objects of that colour are not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from auditor.overlays import find_moving_tags, find_plain_marks
from tests.test_overlays import scenes

COUNT = 96
PINK = (235, 60, 150)
MEMBERS = np.arange(0, COUNT, 2)
CLASSES = np.arange(COUNT) // 2 % 3


def strip(rng: np.random.Generator) -> np.ndarray:
    """Always the same slanted strip."""
    del rng
    shape = np.zeros((14, 20), np.uint8)
    cv2.line(shape, (3, 10), (16, 3), 1, 5)
    return shape


def blob(rng: np.random.Generator) -> np.ndarray:
    """Another ellipse each time, all of one area."""
    shape = np.zeros((24, 24), np.uint8)
    along = int(rng.integers(5, 10))
    cv2.ellipse(shape, (12, 12), (along, round(40 / along)), int(rng.integers(180)), 0, 360, 1, -1)
    return shape


def marked(
    shape_of, *, share: float, own: int | None = 1, still: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cluttered pictures, attention on what was painted, and the upper left pixel of each mark (-1 without)."""
    rng = np.random.default_rng(3)
    images = scenes(COUNT, seed=5)
    height, width = images.shape[-2:]
    attention = rng.random((COUNT, height, width)).astype(np.float32)
    corners = np.full((COUNT, 2), -1)
    for i in range(COUNT):
        if (own is not None and CLASSES[i] != own) or rng.random() > share:
            continue
        shape = shape_of(rng)
        x, y = (
            (30, 20) if still else (rng.integers(0, width - shape.shape[1]), rng.integers(0, height - shape.shape[0]))
        )
        window = (slice(y, y + shape.shape[0]), slice(x, x + shape.shape[1]))
        grain = rng.normal(0, 4, (3, *shape.shape)) + np.reshape(PINK, (3, 1, 1))
        images[i][:, *window] = np.where(shape > 0, grain.clip(0, 255), images[i][:, *window])
        attention[i][window] += 4 * shape
        ys, xs = np.nonzero(shape)
        corners[i] = x + xs.min(), y + ys.min()
    return images, attention, corners


def test_a_strip_that_lies_anywhere_is_found_with_its_colour_its_carriers_and_its_places() -> None:
    images, attention, corners = marked(strip, share=0.8)

    (tag,) = find_plain_marks(images, attention, CLASSES, MEMBERS)

    carries = corners[:, 0] >= 0
    assert tag.label == 1
    assert tag.found_by == "colour"
    assert tag.p < 0.001
    assert np.abs(tag.colour[:, 0, 0] - PINK).max() < 12
    assert (tag.present == carries).mean() > 0.93
    both = tag.present & carries
    assert np.median(np.abs(tag.corners[both] - corners[both])) <= 1


def test_its_plain_pixels_are_nothing_that_a_template_finds() -> None:
    images, attention, _ = marked(strip, share=0.8)

    assert find_moving_tags(images, attention, CLASSES, MEMBERS) == []


@pytest.mark.parametrize("what", ["objects of the colour", "every class", "at one place", "nothing"])
def test_what_is_no_moving_mark_of_one_class_is_not_found(what: str) -> None:
    images, attention, _ = {
        "objects of the colour": lambda: marked(blob, share=1.0),
        "every class": lambda: marked(strip, share=0.8, own=None),
        "at one place": lambda: marked(strip, share=0.8, still=True),
        "nothing": lambda: marked(strip, share=0.0),
    }[what]()

    assert find_plain_marks(images, attention, CLASSES, MEMBERS) == []


def test_larger_pictures_are_searched_smaller_and_the_mark_comes_back_in_their_pixels() -> None:
    images, attention, corners = marked(strip, share=0.8)
    twice = images.repeat(2, axis=2).repeat(2, axis=3)

    (tag,) = find_plain_marks(twice, attention.repeat(2, axis=1).repeat(2, axis=2), CLASSES, MEMBERS)

    both = tag.present & (corners[:, 0] >= 0)
    assert both.sum() >= 20
    assert np.median(np.abs(tag.corners[both] - 2 * corners[both])) <= 3
