"""What lies on what, what matches what, and what an interval is: closed forms and pixels counted one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import beta

from auditor.findings.grades import STEPS
from benchmarks.detection.case_folders import Case
from benchmarks.detection.matching import is_right, matches, merged
from benchmarks.detection.places import Place
from benchmarks.detection.rows import clopper_pearson, share
from benchmarks.detection.run_folders import EFFECTS, Claim
from tests.benchmarks.detection_records import BOTTOM_RIGHT, cue, write_case

CORNER = (0, 0, 8, 8)
WHOLE = (0, 0, 32, 32)


# intervals


@pytest.mark.parametrize("count", [1, 12, 132])
def test_clopper_pearson_of_none_and_of_all_is_the_closed_form(count: int) -> None:
    elsewhere = 0.025 ** (1 / count)

    assert clopper_pearson(0, count) == pytest.approx((0.0, 1 - elsewhere))
    assert clopper_pearson(count, count) == pytest.approx((elsewhere, 1.0))


def test_clopper_pearson_in_between_is_the_beta_quantile() -> None:
    expected = beta.ppf(0.025, 7, 14), beta.ppf(0.975, 8, 13)

    assert clopper_pearson(7, 20) == pytest.approx(expected)


def test_nothing_counted_has_no_value_and_misses_no_target() -> None:
    row = share("recall, partial reliance", [])

    assert (row.value, row.count, row.met, row.target) == (None, 0, None, "≥ 0.9")


def test_the_bound_on_the_interval_is_asked_of_the_full_suite_only() -> None:
    name, alarms = "false alarms, per negative model", [False] * 12

    assert share(name, alarms).met is False
    assert share(name, alarms, smoke=True).met is True
    assert share(name, [False] * 80).met is True


# places


def test_common_pixels_are_those_in_both() -> None:
    rng = np.random.default_rng(0)

    def drawn() -> tuple[Place, set[tuple[int, int]]]:
        x1, y1 = rng.integers(0, 6, 2)
        x2, y2 = x1 + rng.integers(4, 10), y1 + rng.integers(4, 6)
        box = (int(x1), int(y1), int(x2), int(y2))
        hole = (box[0] + 1, box[1] + 1, box[2] - 1, box[3] - 2) if rng.random() < 0.5 else None
        pixels = {(x, y) for x in range(box[0], box[2]) for y in range(box[1], box[3])}
        if hole is not None:
            pixels -= {(x, y) for x in range(hole[0], hole[2]) for y in range(hole[1], hole[3])}
        return Place(box, hole), pixels

    for _ in range(200):
        (first, pixels), (second, others) = drawn(), drawn()
        assert first.common(second) == len(pixels & others)
        assert first.area == len(pixels)


def test_thirty_percent_of_the_smaller_box_is_one_place() -> None:
    small = Place((0, 0, 10, 1))

    assert small.overlaps(Place((7, 0, 27, 1)))
    assert not small.overlaps(Place((8, 0, 28, 1)))


def test_a_ring_has_no_pixels_in_its_hole() -> None:
    ring = Place(WHOLE, (4, 4, 28, 28))

    assert ring.overlaps(Place((0, 10, 6, 16)))
    assert not ring.overlaps(Place((10, 10, 16, 16)))


def test_a_mask_on_a_coarser_map_covers_the_same_share() -> None:
    mask = Place((0, 0, 8, 16), (0, 0, 8, 8)).mask(16, 12, side=32)

    assert mask.shape == (16, 12)
    assert mask.sum() == 4 * 3
    assert mask[4:8, :3].all()


# matching


def planted(tmp_path: Path, *cues: dict[str, Any]) -> Case:
    return Case.read(write_case(tmp_path, "planted", "strong", cues))


def claim(kind: str, box: tuple[int, int, int, int] | None, class_name: str | None = None, **more: Any) -> Claim:
    return Claim(kind, None if box is None else Place(box, more.get("hole")), class_name, 0.9)


def test_a_check_on_the_cue_matches_whatever_its_kind(tmp_path: Path) -> None:
    tag = planted(tmp_path, cue()).cues[0]

    assert matches(tag, claim("border", WHOLE, hole=(4, 4, 28, 28)))
    assert matches(tag, claim("corner", CORNER, "disc"))
    assert not matches(tag, claim("corner", BOTTOM_RIGHT))
    assert not matches(tag, claim("background", None))


def test_a_check_of_a_class_without_the_cue_does_not_match(tmp_path: Path) -> None:
    tag = planted(tmp_path, cue()).cues[0]

    assert not matches(tag, claim("corner", CORNER, "bar"))


def test_a_ring_or_what_reaches_the_rim_matches_a_frame(tmp_path: Path) -> None:
    frame = planted(tmp_path, cue("frame", WHOLE, kinds=["border"])).cues[0]

    assert matches(frame, claim("border", WHOLE, hole=(2, 2, 30, 30)))
    assert matches(frame, claim("corner", BOTTOM_RIGHT))
    assert not matches(frame, claim("region", (10, 10, 16, 16)))


def test_a_cue_without_a_place_is_matched_by_kind(tmp_path: Path) -> None:
    cast = planted(tmp_path, cue("colour_cast", None, kinds=["colour"])).cues[0]

    assert matches(cast, claim("colour", None))
    assert not matches(cast, claim("corner", CORNER))


def test_a_cue_that_was_not_learned_makes_no_claim_right(tmp_path: Path) -> None:
    assert not is_right(planted(tmp_path, cue(score=0.09)), claim("corner", CORNER))
    assert is_right(planted(tmp_path / "other", cue(score=0.10)), claim("corner", CORNER))


def test_a_claim_about_the_one_class_that_follows_a_weak_cue_is_right(tmp_path: Path) -> None:
    weak = cue(score=0.07, classes=("disc", "bar"))
    weak["class_scores"] = [{"value": value, "low": 0.0, "high": 1.0, "count": 300} for value in (0.13, 0.01)]
    case = planted(tmp_path, weak)
    assert is_right(case, claim("corner", CORNER, class_name="disc"))
    assert not is_right(case, claim("corner", CORNER, class_name="bar"))
    assert not is_right(case, claim("corner", CORNER))


# one cue, one finding


def test_overlapping_claims_of_one_class_are_one_and_the_strongest_leads() -> None:
    corner, ring = Place(CORNER), Place((0, 0, 32, 32), (4, 4, 28, 28))
    claims = [
        Claim("corner", corner, None, 0.5),
        Claim("border", ring, "disc", 0.9),
        Claim("corner", Place(BOTTOM_RIGHT), "bar", 0.7),
        Claim("colour", None, None, 0.4),
    ]

    groups = merged(claims)

    assert sorted([claim.kind for claim in group] for group in groups) == [["border", "corner"], ["colour"], ["corner"]]


def test_effects_that_confirm_are_those_of_the_auditor() -> None:
    assert set(EFFECTS) | {"removal"} == set(STEPS)
