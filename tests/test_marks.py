"""Marks are drawn legibly and alike everywhere; their controls keep all but the shape."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from auditor.interventions.marks import MARKS, PLACES, draw_mark, too_small
from auditor.interventions.stamping import Stamper, dealt, plain, scrambled

HEIGHT, WIDTH = 32, 48


@pytest.mark.parametrize("name", MARKS)
@pytest.mark.parametrize("size", [(32, 48), (48, 32), (96, 128), (224, 224)])
def test_every_mark_lies_inside_the_picture_and_at_its_place(name: str, size: tuple[int, int]) -> None:
    height, width = size

    boxes = {place: draw_mark(name, place, height, width) for place in PLACES}

    for mark in boxes.values():
        x1, y1, x2, y2 = mark.box
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
        assert mark.cover.shape == (y2 - y1, x2 - x1)
        assert mark.cover.min() >= 0
        assert mark.cover.max() == pytest.approx(1, abs=0.35)
    assert boxes["top-left"].box[1] < boxes["centre"].box[1] < boxes["bottom-right"].box[1]


def test_the_bank_of_the_probe_is_the_bank_that_is_drawn() -> None:
    from auditor.probes.watermark_bank import WatermarkBank

    assert set(WatermarkBank().marks) == set(MARKS)


@pytest.mark.parametrize("name", MARKS)
def test_a_mark_grows_with_the_picture(name: str) -> None:
    small, large = (draw_mark(name, "centre", side, side) for side in (64, 256))

    share = [mark.cover.sum() / side**2 for mark, side in ((small, 64), (large, 256))]

    assert large.box[2] - large.box[0] > 2.5 * (small.box[2] - small.box[0])
    assert share[1] == pytest.approx(share[0], rel=0.5)


def test_letters_have_a_pixel_between_them_in_the_smallest_text() -> None:
    mark = draw_mark("latin", "centre", HEIGHT, WIDTH)

    gaps = (mark.cover.max(axis=0) < 0.6).sum()

    assert gaps >= 4  # PHOTO: five letters


def test_pictures_too_small_for_a_text_are_told_apart_in_words() -> None:
    assert too_small("marker", 24, 32) is None
    assert "24 are needed" in str(too_small("marker", 12, 16))
    assert "Latin text is not legible in pictures of 24×24 pixels" in str(too_small("latin", 24, 24))
    with pytest.raises(ValueError, match="not legible"):
        draw_mark("latin", "centre", 24, 24)


@pytest.mark.parametrize("name", MARKS)
def test_a_scrambled_mark_keeps_its_pixels_and_loses_its_shape(name: str) -> None:
    cover = draw_mark(name, "centre", 64, 96).cover

    copies = scrambled(cover, 8, np.random.default_rng(0))

    assert np.array_equal(np.sort(copies.reshape(8, -1)), np.tile(np.sort(cover.ravel()), (8, 1)))
    likeness = [abs(np.corrcoef(copy.ravel(), cover.ravel())[0, 1]) for copy in copies]
    assert np.mean(likeness) < 0.5
    assert not np.array_equal(copies[0], copies[1])


def test_scrambling_keeps_the_spectrum_that_a_mere_shuffle_loses() -> None:
    cover = draw_mark("latin", "centre", 96, 128).cover
    rng = np.random.default_rng(0)

    def spectrum(picture: np.ndarray) -> np.ndarray:
        return np.abs(np.fft.fft2(picture - picture.mean())).ravel()

    scramble = np.corrcoef(spectrum(scrambled(cover, 1, rng)[0]), spectrum(cover))[0, 1]
    shuffle = np.corrcoef(spectrum(rng.permutation(cover.ravel()).reshape(cover.shape)), spectrum(cover))[0, 1]

    assert scramble > 0.9
    assert shuffle < 0.5


@pytest.mark.parametrize(("name", "outline"), [("latin", "rectangle"), ("logo", "disc")])
def test_the_plain_outline_has_the_marks_energy_and_nothing_written_in_it(name: str, outline: str) -> None:
    mark = draw_mark(name, "centre", 64, 96)

    filled = plain(mark.cover, mark.outline)

    assert (filled**2).sum() == pytest.approx((mark.cover**2).sum(), rel=1e-5)
    inside = filled[mark.outline == 1]
    assert np.ptp(inside) < 1e-6
    assert bool(filled[0, 0] == 0) == (outline == "disc")


def test_places_and_opacities_are_dealt_out_evenly() -> None:
    place, opacity = dealt(90, 3, (0.3, 0.5, 1.0), np.random.default_rng(0))

    combined, counts = np.unique(np.stack([place, opacity]), axis=1, return_counts=True)

    assert combined.shape == (2, 9)
    assert set(counts) == {30}
    assert all(len(set(row)) == 3 for row in opacity.reshape(90, 3))


def test_places_and_two_opacities_are_dealt_out_evenly() -> None:
    place, opacity = dealt(60, 1, (0.5, 1.0), np.random.default_rng(0))

    combined, counts = np.unique(np.stack([place, opacity]), axis=1, return_counts=True)

    assert combined.shape == (2, 6)
    assert set(counts) == {10}


@pytest.mark.parametrize("arm", ["mark", "plain", "scrambled"])
def test_stamping_blends_the_ink_into_the_box_and_touches_nothing_else(arm: str) -> None:
    images = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (4, 3, HEIGHT, WIDTH)).astype(np.uint8))
    stamper = Stamper(images, "copyright", np.random.default_rng(0), scrambles=2)
    recipient, place, opacity = np.array([2, 0, 3]), np.array([1, 0, 2]), np.array([0.3, 1.0, 0.5])

    stamped = stamper.compose(arm, recipient, place, opacity).numpy()  # type: ignore[arg-type]

    for row, (i, at, strength) in enumerate(zip(recipient, place, opacity, strict=True)):
        mark = stamper.marks[at]
        layer = {"mark": 0, "plain": 1}.get(arm, 2 + (i + at) % 2)
        cover = stamper.covers[at, layer, 0].numpy()
        expected = images[i].numpy().astype(float)
        for y in range(mark.box[1], mark.box[3]):
            for x in range(mark.box[0], mark.box[2]):
                share = strength * cover[y - mark.box[1], x - mark.box[0]]
                expected[:, y, x] = (1 - share) * expected[:, y, x] + share * 255
        assert np.allclose(stamped[row], expected, atol=1e-3)


def test_grey_and_float_pictures_are_stamped_in_their_own_units() -> None:
    grey = torch.zeros(2, 1, HEIGHT, WIDTH, dtype=torch.uint8)
    inputs = torch.linspace(-2, 3, 2 * 3 * HEIGHT * WIDTH).reshape(2, 3, HEIGHT, WIDTH)
    one = (np.array([0]), np.array([1]), np.array([1.0]))

    on_grey = Stamper(grey, "latin", np.random.default_rng(0), scrambles=1).compose("mark", *one)
    on_inputs = Stamper(inputs, "latin", np.random.default_rng(0), scrambles=1).compose("mark", *one)

    assert on_grey.shape == (1, 1, HEIGHT, WIDTH)
    assert 230 <= float(on_grey.max()) <= 255
    assert float(on_inputs.max()) <= float(inputs.max()) + 1e-4
    assert float(on_inputs[0, 0].max()) > float(inputs[0, 0].max())
