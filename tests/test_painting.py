"""Marks are painted where they should be, recovered as they were, and shuffled without gaining or losing a pixel."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from auditor.interventions.painting import Stamp, shuffled, stamp
from auditor.overlays import recover

HEIGHT, WIDTH = 12, 16


def mark(alpha: float = 1.0, corner: tuple[int, int] = (3, 2)) -> Stamp:
    colour = np.stack([np.full((2, 4), value, np.float32) for value in (250, 10, 90)])
    return Stamp("mark", colour, np.full((2, 4), alpha, np.float32), corner)


def test_a_stamp_blends_inside_its_box_and_touches_nothing_else() -> None:
    images = torch.full((2, 3, HEIGHT, WIDTH), 100, dtype=torch.uint8)

    painted = stamp(images, np.array([1]), [mark(0.5)], np.array([[3, 2]]))[0]

    assert painted[0, 2:4, 3:7].unique().tolist() == [175.0]
    assert painted[1, 2:4, 3:7].unique().tolist() == [55.0]
    painted[:, 2:4, 3:7] = 100
    assert painted.unique().tolist() == [100.0]


@pytest.mark.parametrize("corner", [(-2, -1), (14, 11), (-9, 3)])
def test_what_reaches_over_the_edge_is_cut_off(corner: tuple[int, int]) -> None:
    images = torch.zeros((1, 3, HEIGHT, WIDTH), dtype=torch.uint8)

    painted = stamp(images, np.array([0]), [mark()], np.array([corner]))[0, 0]

    x, y = corner
    inside = [(r, c) for r in range(y, y + 2) for c in range(x, x + 4) if 0 <= r < HEIGHT and 0 <= c < WIDTH]
    assert sorted(map(tuple, torch.nonzero(painted).tolist())) == inside


def test_shuffling_keeps_every_painted_pixel_and_breaks_the_shape() -> None:
    own = mark(0.7)

    other = shuffled(own, HEIGHT, WIDTH, np.random.default_rng(0))

    assert other.alpha.size > own.alpha.size
    assert sorted(other.alpha[other.alpha > 0]) == sorted(own.alpha.ravel())
    assert sorted(other.colour[0][other.alpha > 0]) == sorted(own.colour[0].ravel())
    assert not (other.alpha > 0)[: own.alpha.shape[0], : own.alpha.shape[1]].all()


@pytest.mark.parametrize("opacity", [1.0, 0.4])
def test_a_recovered_patch_is_the_one_that_was_painted(opacity: float) -> None:
    rng = np.random.default_rng(3)
    images = torch.from_numpy(rng.integers(0, 256, (200, 3, HEIGHT, WIDTH)).astype(np.uint8))
    carriers = np.arange(200) < 100
    painted = images.clone()
    painted[:100] = stamp(images, np.arange(100), [mark(opacity)] * 100, np.tile([3, 2], (100, 1))).round().byte()
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[2:4, 3:7] = True

    patch = recover(painted.numpy(), carriers, ~carriers, mask)

    assert patch is not None
    assert patch.box == (2, 1, 8, 5)
    inside = (slice(1, 3), slice(1, 5))
    assert patch.alpha[inside].mean() == pytest.approx(opacity, abs=0.1)
    assert patch.alpha.sum() - patch.alpha[inside].sum() < 1.5
    for channel, value in enumerate((250, 10, 90)):
        assert np.abs(patch.colour[channel][inside] - value).mean() < 25


def test_too_few_pictures_recover_nothing() -> None:
    images = np.zeros((8, 3, HEIGHT, WIDTH), np.uint8)
    carriers = np.arange(8) < 3

    assert recover(images, carriers, ~carriers, np.ones((HEIGHT, WIDTH), bool)) is None


def test_a_mark_that_is_light_on_one_side_and_dark_on_the_other_is_recovered_with_both() -> None:
    """Embossed strokes move the mean both ways, so that over the mark it hardly moves."""
    rng = np.random.default_rng(3)
    images = torch.from_numpy(rng.integers(0, 256, (200, 3, HEIGHT, WIDTH)).astype(np.uint8))
    colour = np.tile(np.repeat(np.array([255.0, 0.0], np.float32), 4), (3, 4, 1)).astype(np.float32)
    embossed = Stamp("mark", colour, np.full((4, 8), 0.5, np.float32), (4, 5))
    carriers = np.arange(200) < 60
    painted = images.clone()
    painted[:60] = stamp(images, np.arange(60), [embossed] * 60, np.tile([4, 5], (60, 1))).round().byte()
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[5:9, 4:12] = True

    patch = recover(painted.numpy(), carriers, ~carriers, mask)

    assert patch is not None
    x, y = 4 - patch.box[0], 5 - patch.box[1]
    core = (slice(y, y + 4), slice(x, x + 8))
    assert abs(float(patch.alpha[core].mean()) - 0.5) < 0.1
    assert patch.colour[:, *core][:, :, :4].mean() > 215
    assert patch.colour[:, *core][:, :, 4:].mean() < 40
