from __future__ import annotations

import numpy as np
import pytest

from auditor.overlays import Letterbox, join_strips, sides_covered
from auditor.regions import side_bands

SIDE = 32


def covered(**widths: int) -> np.ndarray:
    """A mask of bands along the sides named."""
    mask = np.zeros((SIDE, SIDE), bool)
    if "top" in widths:
        mask[: widths["top"]] = True
    if "bottom" in widths:
        mask[SIDE - widths["bottom"] :] = True
    if "left" in widths:
        mask[:, : widths["left"]] = True
    if "right" in widths:
        mask[:, SIDE - widths["right"] :] = True
    return mask


@pytest.mark.parametrize(
    "widths",
    [{"bottom": 4, "right": 3}, {"top": 2}, {"top": 3, "bottom": 3}, {"top": 2, "right": 2, "bottom": 2, "left": 2}],
)
def test_bands_are_told_with_their_sides_and_widths(widths: dict[str, int]) -> None:
    assert sides_covered(covered(**widths)) == widths


def test_dashes_on_all_sides_are_a_frame_and_dashes_on_one_are_not() -> None:
    gaps = np.add.outer(np.arange(SIDE), np.arange(SIDE)) // 3 % 2 == 0
    assert sides_covered(covered(top=2, right=2, bottom=2, left=2) & gaps) == {
        "top": 2, "right": 2, "bottom": 2, "left": 2,
    }  # fmt: skip
    assert sides_covered(covered(left=2) & gaps) == {}


def test_tags_writing_and_what_lies_in_the_middle_are_no_bands() -> None:
    tag, writing, middle = (np.zeros((SIDE, SIDE), bool) for _ in range(3))
    tag[1:8, 1:10] = True
    writing[4:27, 1:5] = True  # along the left side, its ends free
    middle[10:22, 10:22] = True
    assert sides_covered(tag) == sides_covered(writing) == sides_covered(middle) == {}
    assert sides_covered(covered(bottom=2) | middle) == {}


def test_strips_of_the_same_pictures_are_one_thing() -> None:
    first, second = np.arange(40) < 12, np.arange(40) >= 30
    strips = [
        Letterbox("bottom", 4, first),
        Letterbox("right", 3, first & (np.arange(40) > 0)),
        Letterbox("top", 2, second),
        Letterbox("left", 5, np.arange(40) == 7),  # one picture in forty is chance
    ]
    joined, alone = join_strips(strips)
    assert dict(joined.widths) == {"bottom": 4, "right": 3}
    assert dict(alone.widths) == {"top": 2}
    assert np.array_equal(joined.present, first)
    assert joined.p < 1e-6


def test_the_region_of_bands_is_their_pixels_and_its_control_lies_right_inside() -> None:
    region, control = side_bands("band-1-right-bottom", SIDE, SIDE, {"bottom": 4, "right": 3})
    assert np.array_equal(region.mask(SIDE, SIDE), covered(bottom=4, right=3))
    inside = control.mask(SIDE, SIDE)
    assert not (inside & region.mask(SIDE, SIDE)).any()
    assert inside[SIDE - 5, 0]
    assert inside[0, SIDE - 4]
    assert not inside[0, 0]
    assert region.thickness == 3
