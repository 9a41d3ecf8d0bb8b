from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.stats import fisher_exact

from auditor.overlays import Overlay, class_association, find_letterboxes, find_overlays
from auditor.overlays.features import colour_planes, mirrored, sign_planes
from auditor.overlays.screening import ColourAgreement, SignAgreement, screen

HEIGHT, WIDTH = 60, 80
DATA = Path(os.environ.get("AUDITOR_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def scenes(count: int, seed: int, *, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Pictures of nothing: clutter of ellipses and bars over a cloudy ground, each picture another."""
    rng = np.random.default_rng(seed)
    pictures = []
    for _ in range(count):
        ground = cv2.resize(rng.normal(0, 1, (5, 5, 3)), (width, height), interpolation=cv2.INTER_CUBIC)
        picture = (110 + 45 * ground).clip(0, 255).astype(np.uint8)
        for _ in range(12):
            colour = rng.integers(0, 256, 3).tolist()
            centre = (int(rng.integers(width)), int(rng.integers(height)))
            axes = (int(rng.integers(2, width // 4)), int(rng.integers(2, height // 5)))
            cv2.ellipse(picture, centre, axes, int(rng.integers(180)), 0, 360, colour, -1, cv2.LINE_AA)
        noisy = picture + rng.normal(0, 3, picture.shape)
        pictures.append(noisy.clip(0, 255).astype(np.uint8).transpose(2, 0, 1))
    return np.stack(pictures)


def patients(count: int, seed: int) -> np.ndarray:
    """Two lungs and a heart at almost the same place in every grey picture, as positioning allows."""
    rng = np.random.default_rng(seed)
    pictures = []
    for _ in range(count):
        picture = np.full((HEIGHT, WIDTH), rng.integers(150, 190), np.uint8)
        shift = rng.normal(0, 1.6, 2)
        for x, y, a, b, level in ((25, 30, 11, 20, 60), (55, 30, 11, 20, 60), (42, 38, 9, 10, 200)):
            centre = (int(16 * (x + shift[0])), int(16 * (y + shift[1])))
            axes = (int(16 * (a + rng.normal(0, 0.8))), int(16 * (b + rng.normal(0, 0.8))))
            cv2.ellipse(picture, centre, axes, 0, 0, 360, int(level), -1, cv2.LINE_AA, 4)
        picture = cv2.GaussianBlur(picture, (0, 0), 1.0)
        pictures.append((picture + rng.normal(0, 3, picture.shape)).clip(0, 255).astype(np.uint8))
    return np.stack(pictures)[:, None]


def stamped(
    images: np.ndarray, carriers: np.ndarray, *, opacity: float = 1.0, at: tuple[int, int] = (5, 4)
) -> np.ndarray:
    """A white tag with a dark bar and a hook in it, 16 by 10 pixels, on the carriers."""
    x, y = at
    tag = np.full((10, 16), 235.0)
    tag[2:8, 3:5] = tag[2:4, 7:13] = tag[4:8, 11:13] = 25
    images = images.copy()
    beneath = images[carriers, :, y : y + 10, x : x + 16]
    images[carriers, :, y : y + 10, x : x + 16] = np.rint((1 - opacity) * beneath + opacity * tag)
    return images


def carried_by(share: float, count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).permutation(count) < share * count


def found_in(images: np.ndarray, seed: int = 0) -> list[Overlay]:
    """The search with as few rolled samples as still reach p = .01."""
    return find_overlays(images, seed=seed, max_draws=299)


def only(found: list[Overlay]) -> Overlay:
    assert len(found) == 1, [overlay.box for overlay in found]
    return found[0]


def test_an_opaque_tag_on_a_quarter_of_the_pictures_is_found_with_its_pixels_and_its_carriers() -> None:
    carriers = carried_by(0.25, 64)

    tag = only(found_in(stamped(scenes(64, 1), carriers), seed=0))

    assert np.array_equal(tag.present, carriers)
    assert np.abs(np.subtract(tag.box, (5, 4, 21, 14))).max() <= 1
    truth = np.zeros((HEIGHT, WIDTH), bool)
    truth[4:14, 5:21] = True
    assert (tag.mask & truth).sum() / (tag.mask | truth).sum() > 0.85
    assert tag.p <= 0.01
    assert tag.prevalence == pytest.approx(0.25)
    assert tag.opacity is not None
    assert tag.opacity > 0.9


def test_a_faint_mark_on_all_of_32_pictures_is_found() -> None:
    carriers = np.ones(32, bool)

    mark = only(found_in(stamped(scenes(32, 2), carriers, opacity=0.2, at=(30, 25)), seed=0))

    assert mark.found_by == "gradient"
    assert mark.prevalence > 0.6
    assert mark.polarity == "brighter"
    assert np.abs(np.subtract(mark.box, (30, 25, 46, 35))).max() <= 2
    assert mark.opacity is not None
    assert mark.opacity < 0.4


def test_clean_pictures_carry_nothing() -> None:
    assert [found_in(scenes(48, seed), seed=seed) for seed in range(10, 16)] == [[]] * 6


def test_aligned_anatomy_is_no_overlay() -> None:
    images = patients(64, 0)
    grey = images[:, 0].astype(np.float32)
    screening = screen(SignAgreement(sign_planes(grey), sign_planes(mirrored(grey))), seed=0, max_draws=99)

    assert screening.p == pytest.approx(0.01)  # the pictures do agree, and rolling alone would accuse them
    assert found_in(images, seed=0) == []


def test_a_tag_is_found_among_aligned_anatomy_and_the_anatomy_is_not() -> None:
    carriers = carried_by(0.3, 64)

    tag = only(found_in(stamped(patients(64, 1), carriers, at=(60, 3)), seed=0))

    assert np.array_equal(tag.present, carriers)
    assert np.abs(np.subtract(tag.box, (60, 3, 76, 13))).max() <= 1


def test_a_tag_and_a_logo_on_different_pictures_are_two_overlays() -> None:
    tagged, marked = carried_by(0.5, 64, seed=1), carried_by(0.4, 64, seed=2)
    images = stamped(stamped(scenes(64, 3), tagged), marked, at=(58, 45))

    first, second = found_in(images, seed=0)

    assert np.array_equal(first.present, tagged)
    assert np.array_equal(second.present, marked)
    assert first.box[0] < 10
    assert second.box[0] > 50


def test_a_translucent_mark_as_light_as_what_lies_under_it_is_found_by_its_colour_gradients() -> None:
    carriers = carried_by(0.3, 64)
    bright = scenes(64, 3).astype(float)
    grey = np.tensordot([0.299, 0.587, 0.114], bright, axes=(0, 1))[:, None]
    images = np.rint(grey + 0.4 * (bright - grey)).astype(np.uint8)
    luma = np.tensordot([0.299, 0.587, 0.114], images.astype(float), axes=(0, 1))
    ink = np.array([110.0, -90.0, 90.0])  # opposite colours; next to no luma
    strokes = np.zeros((HEIGHT, WIDTH))
    strokes[10:22, 20:44] = np.add.outer(np.arange(12), np.arange(24)) // 4 % 2
    marked = images[carriers] + 0.45 * strokes * ink[:, None, None]
    images[carriers] = np.clip(np.rint(marked), 0, 255).astype(np.uint8)
    after = np.tensordot([0.299, 0.587, 0.114], images.astype(float), axes=(0, 1))
    assert abs((after - luma)[carriers][:, strokes > 0].mean()) < 6  # grey levels

    mark = only(found_in(images, seed=0))

    assert mark.found_by == "chroma"
    assert (mark.present & carriers).sum() >= 0.9 * carriers.sum()
    assert (mark.present & ~carriers).sum() <= 2
    assert (mark.mask & (strokes > 0)).sum() >= 0.6 * (strokes > 0).sum()


def test_a_plain_coloured_patch_without_strokes_is_found_by_its_colour() -> None:
    carriers = carried_by(0.3, 64)
    images = scenes(64, 4)
    images[carriers, :, 3:13, 62:74] = np.array([200, 40, 160])[:, None, None]

    patch = only(found_in(images, seed=0))

    assert patch.box == (62, 3, 74, 13)
    assert np.array_equal(patch.present, carriers)


def test_a_frame_is_one_overlay_and_not_the_picture_inside_it() -> None:
    carriers = carried_by(0.3, 64)
    images = scenes(64, 5)
    inner = images[:, :, 3:-3, 3:-3].copy()
    images[carriers] = 205
    images[:, :, 3:-3, 3:-3] = inner

    frame = only(found_in(images, seed=0))

    assert np.array_equal(frame.present, carriers)
    assert frame.box == (0, 0, WIDTH, HEIGHT)
    assert not frame.mask[10:-10, 10:-10].any()


def test_a_black_mark_is_darker() -> None:
    images = scenes(48, 6)
    images[:24, :, 40:46, 20:50] = 4

    assert only(found_in(images)).polarity == "darker"


def test_float_grey_gives_what_grey_bytes_give() -> None:
    images = stamped(patients(48, 2), carried_by(0.5, 48))

    as_bytes, as_floats = found_in(images, seed=0), found_in(images[:, 0].astype(np.float32), seed=0)

    assert [overlay.box for overlay in as_bytes] == [overlay.box for overlay in as_floats]
    assert len(as_bytes) == 1


def test_the_same_seed_finds_the_same() -> None:
    images = stamped(scenes(48, 7), carried_by(0.4, 48))

    first, second = only(found_in(images, seed=3)), only(found_in(images, seed=3))

    assert (first.box, first.p, first.draws) == (second.box, second.p, second.draws)
    assert first.pinned_share == second.pinned_share
    assert np.array_equal(first.mask, second.mask)


@pytest.mark.parametrize("images", [np.full((16, 3, 12, 16), 90, np.uint8), np.zeros((1, 1, 16, 12), np.uint8)])
def test_pictures_without_content_carry_nothing(images: np.ndarray) -> None:
    assert found_in(images, seed=0) == []


@pytest.mark.parametrize(
    "images", [np.zeros((0, 3, 8, 8)), np.zeros((4, 2, 8, 8)), np.zeros((8, 8)), np.full((4, 8, 8), np.nan)]
)
def test_what_is_no_picture_is_refused(images: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected"):
        find_overlays(images, seed=0)


def test_the_screening_statistic_is_the_formula() -> None:
    grey = scenes(9, 8)[:, 1].astype(np.float32)
    expected = np.zeros((HEIGHT, WIDTH))
    for down, across in ((0, 1), (1, 0)):
        total, voters = np.zeros((HEIGHT, WIDTH)), np.zeros((HEIGHT, WIDTH))
        for picture in grey:
            for y in range(HEIGHT - down):
                for x in range(WIDTH - across):
                    change = picture[y + down, x + across] - picture[y, x]
                    sign = 0 if abs(change) <= 2 else np.sign(change)
                    total[y, x] += sign
                    voters[y, x] += abs(sign)
        expected += total**2 / np.maximum(voters, 1)
    fine, coarse = cv2.blur(expected, (5, 5)), cv2.blur(expected, (21, 21))

    seen = screen(SignAgreement(sign_planes(grey), sign_planes(mirrored(grey))), seed=0, max_draws=1).statistic

    np.testing.assert_allclose(seen, fine - coarse, atol=1e-3)


def test_the_colour_statistic_counts_pairs_of_pictures_of_one_colour() -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 6, (7, 24, 32)).astype(np.uint16)
    pairs = (codes[:, None] == codes[None]).sum(axis=(0, 1)) / 7
    expected = cv2.blur(pairs, (5, 5)) - cv2.blur(pairs, (13, 13))

    seen = screen(ColourAgreement(codes, codes[:, :, ::-1]), seed=0, max_draws=1).statistic

    np.testing.assert_allclose(seen, expected, atol=1e-4)


def test_a_tag_on_a_tenth_of_128_pictures_is_found() -> None:
    carriers = carried_by(0.1, 128)

    tag = only(found_in(stamped(scenes(128, 11), carriers)))

    assert np.array_equal(tag.present, carriers)


def test_colour_planes_estimate_how_many_pairs_of_pictures_share_a_colour() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 3, 24, 32)).astype(np.float32)
    images[:10] = np.array([200, 60, 20])[:, None, None]

    squares = (colour_planes(images).sum(axis=0, dtype=int) ** 2).mean()

    assert squares == pytest.approx(10**2 + 30, rel=0.15)


def test_p_values_of_clean_pictures_are_not_too_small() -> None:
    p = []
    for seed in range(80):
        grey = scenes(12, 100 + seed, height=24, width=32)[:, 0].astype(np.float32)
        p.append(screen(SignAgreement(sign_planes(grey), sign_planes(mirrored(grey))), seed=seed, max_draws=39).p)

    assert np.mean(np.array(p) <= 0.1) <= 0.2  # 16 of 80, at nominal 8, has a chance of .5 %


def test_real_photos_carry_nothing_unless_stamped() -> None:
    files = sorted((DATA / "images" / "imagenet").glob("*.jpg"))[:64]
    if not files:
        pytest.skip("the shared photos are absent")
    photos = [cv2.resize(cv2.imread(str(file))[..., ::-1], (96, 72), interpolation=cv2.INTER_AREA) for file in files]
    images = np.stack(photos).transpose(0, 3, 1, 2).copy()
    carriers = carried_by(0.25, len(images))

    assert found_in(images, seed=0) == []
    assert np.array_equal(only(found_in(stamped(images, carriers), seed=0)).present, carriers)


def test_letterboxes_are_found_where_they_are() -> None:
    images = scenes(12, 9)
    images[:5, :, :7] = 0
    images[:5, :, -7:] = 0

    found = {box.side: box for box in find_letterboxes(images)}

    assert set(found) == {"top", "bottom"}
    assert found["top"].width == found["bottom"].width == 7
    assert found["top"].present[:5].sum() >= 4
    assert not found["top"].present[5:].any()


def test_a_plain_sky_is_no_letterbox() -> None:
    images = np.full((6, 3, HEIGHT, WIDTH), 200, np.uint8)
    images[:, :, 18:] = 60
    images[:, :, 9:18, 30:40] = 60  # a tower rises into it

    assert [box for box in find_letterboxes(images) if box.side == "top"] == []


def test_an_empty_picture_is_no_letterbox() -> None:
    assert find_letterboxes(np.full((3, 3, 24, 32), 7, np.uint8)) == []


def test_association_agrees_with_fishers_exact_test() -> None:
    labels = np.repeat([0, 1], 20)
    present = np.r_[np.arange(20) < 9, np.arange(20) < 3]

    association = class_association(present, labels, seed=0)

    assert association.p == pytest.approx(fisher_exact([[9, 11], [3, 17]]).pvalue, abs=0.02)
    assert association.per_class[0].value == pytest.approx(9 / 20)
    assert association.per_class[1].low < 3 / 20 < association.per_class[1].high


def test_pictures_without_a_label_do_not_count_in_the_association() -> None:
    association = class_association([True, False, True, True], [0, 1, -1, -1], seed=0)

    assert {label: share.count for label, share in association.per_class.items()} == {0: 1, 1: 1}


def test_one_class_alone_has_no_association() -> None:
    assert class_association([True, False], [2, 2], seed=0).p is None
