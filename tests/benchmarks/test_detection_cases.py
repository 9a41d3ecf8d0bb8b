"""The benchmark's cases: cues do what their names say, truth is measured right, and folders tell the audit nothing."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from statsmodels.stats.proportion import proportion_confint

from auditor.plan import make_plan
from benchmarks.detection import preparing, sharpness
from benchmarks.detection.case import CaseSpec
from benchmarks.detection.cases import HALVES, all_cases
from benchmarks.detection.cues import NOBODY, Cue, assigned, composed_with
from benchmarks.detection.scenes import CLASSES, Scenes, draw_scenes, hue_gains
from benchmarks.detection.training import trained, training_cues
from benchmarks.detection.truth import Share, Truth, measured, role_of, share_of

CASES = {case.id: case for case in all_cases()}
PLANTED = [cue for case in CASES.values() for cue in case.cues if cue.family != "true_feature"]
LOOKS = sorted(
    {(case.half, cue.family, cue.design, cue.place) for case in CASES.values() for cue in case.cues}
    - {(half, "true_feature", "object", place) for half in HALVES for place in ("in the corner", "in the far corner")}
)
MARKED = [look for look in LOOKS if look[1] in ("corner_tag", "centred_text", "frame", "moving_tag")]


def scenes_of(half: str, *, count: int = 12, pixels: int = 32, seed: int = 4) -> Scenes:
    return draw_scenes(np.random.default_rng(seed), count, pixels=pixels, half=half)  # type: ignore[arg-type]


def changed(scenes: Scenes, cue: Cue, *, carried: int = 0) -> np.ndarray:
    """Which pixels of each picture a cue touches, (count, side, side)."""
    worn = [(cue, np.full(len(scenes.labels), carried))]
    after = composed_with(np.random.default_rng(0), scenes, worn)
    return (after != scenes.composed()).any(axis=3)


def extent(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@pytest.mark.parametrize("look", [look for look in MARKED if look[1] != "moving_tag"], ids=" ".join)
def test_a_mark_changes_what_its_box_encloses_and_nothing_else(look: tuple[str, str, str, str]) -> None:
    half, family, design, place = look
    cue = Cue(family, design, place, classes=(0,), strength=0.5 if family == "centred_text" else 1.0)  # type: ignore[arg-type]
    touched = changed(scenes_of(half), cue).any(axis=0)
    x1, y1, x2, y2 = extent(touched)
    box = cue.box(32)
    assert box is not None
    assert box[0] <= x1 <= box[0] + 1
    assert box[1] <= y1 <= box[1] + 1
    assert box[2] - 1 <= x2 <= box[2]
    assert box[3] - 1 <= y2 <= box[3]


@pytest.mark.parametrize("look", [look for look in MARKED if look[1] == "frame"], ids=" ".join)
def test_a_frame_leaves_the_middle_of_the_picture_alone(look: tuple[str, str, str, str]) -> None:
    touched = changed(scenes_of(look[0]), Cue("frame", look[2], look[3]))
    assert touched.any()
    assert not touched[:, 8:-8, 8:-8].any()


@pytest.mark.parametrize("look", [look for look in MARKED if look[1] == "moving_tag"], ids=" ".join)
def test_a_moving_tag_keeps_its_size_and_not_its_place(look: tuple[str, str, str, str]) -> None:
    boxes = [extent(mask) for mask in changed(scenes_of(look[0]), Cue("moving_tag", look[2]))]
    assert len({box[:2] for box in boxes}) >= 8
    assert max(box[2] - box[0] for box in boxes) <= 10


@pytest.mark.parametrize(("placement", "place"), [("corner", "in the corner"), ("far corner", "in the far corner")])
def test_objects_of_the_last_class_alone_sit_in_the_corner_that_their_cue_tells(placement: str, place: str) -> None:
    scenes = draw_scenes(np.random.default_rng(0), 80, pixels=32, half="reporting", placement=placement)  # type: ignore[arg-type]
    box = Cue("true_feature", "object", place, (3,)).box(32)
    assert box is not None
    middles = (scenes.boxes[:, :2] + scenes.boxes[:, 2:]) / 2
    inside = ((middles > box[:2]) & (middles < box[2:])).all(axis=1)
    assert (inside == (scenes.labels == 3)).all()


@pytest.mark.parametrize("family", ["background_texture", "background_colour"])
def test_a_background_cue_leaves_the_object_as_it_was(family: str) -> None:
    scenes = scenes_of("tuning")
    design = "grain" if family == "background_texture" else "leaf"
    touched = changed(scenes, Cue(family, design))  # type: ignore[arg-type]
    assert not touched[scenes.masks >= 1].any()
    assert touched[scenes.masks <= 0].mean() > 0.8


def test_a_cast_multiplies_the_channels_by_the_factors_of_its_hue() -> None:
    scenes = scenes_of("tuning")
    cue = Cue("colour_cast", "warm")
    after = composed_with(np.random.default_rng(0), scenes, [(cue, np.zeros(12, int))])
    before = scenes.composed().astype(float)
    factors = 1 + 0.3 * np.cos(np.deg2rad(30 - np.array([0, 120, 240])))
    assert np.abs(after - np.clip(np.rint(before * factors), 0, 255)).max() <= 1
    assert hue_gains(np.array([30.0]), 0.3).mean() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("design", sharpness.SHARPNESS)
def test_every_loss_of_sharpness_takes_fine_detail_away(design: str) -> None:
    scenes = scenes_of("tuning", count=8)
    after = composed_with(np.random.default_rng(0), scenes, [(Cue("sharpness", design), np.zeros(8, int))])

    def detail(pictures: np.ndarray) -> float:
        blocks = pictures.astype(float).reshape(8, 16, 2, 16, 2, 3)
        return float(blocks.std(axis=(2, 4)).mean())

    # a double exposure keeps the detail of both
    assert detail(after) < (0.85 if design == "ghosted" else 0.8) * detail(scenes.composed())


def test_pictures_that_carry_nothing_stay_as_they_were() -> None:
    scenes = scenes_of("reporting")
    worn = [(cue, np.full(12, NOBODY)) for cue in PLANTED]
    assert (composed_with(np.random.default_rng(0), scenes, worn) == scenes.composed()).all()


def test_a_cue_goes_with_its_class_as_often_as_rho_says() -> None:
    labels = np.arange(8000) % 4
    carried = assigned(np.random.default_rng(0), Cue("frame", "plain line", "rim", (2,), rho=0.9, leak=0.1), labels)
    assert (carried[labels == 2] == 2).mean() == pytest.approx(0.9, abs=0.02)
    assert (carried[labels != 2] == 2).mean() == pytest.approx(0.1, abs=0.02)


def test_every_mislabelled_picture_carries_the_cue_of_the_label_it_was_given() -> None:
    case = CASES["tuning-pair-32-00"]
    scenes = scenes_of("tuning", count=800)
    labels, worn = training_cues(np.random.default_rng(1), case, scenes)
    wrong = labels != scenes.labels
    assert 0.08 < wrong.mean() < 0.22
    for (cue, carried), other in zip(worn, reversed(worn), strict=True):
        own = wrong & np.isin(labels, cue.classes)
        assert (carried[own] == labels[own]).all()
        assert (other[1][own] == NOBODY).all()


def test_the_halves_share_no_design_no_place_no_shape_and_no_seed() -> None:
    for one, other in combinations(HALVES, 2):
        for what in ("design", "place"):
            sides = [
                {getattr(cue, what) for case in CASES.values() if case.half == half for cue in case.cues} - {""}
                for half in (one, other)
            ]
            # the true feature; and where else would a vignette be than at the rim
            common = {"object"} if what == "design" else {"in the corner", "rim"} & sides[0] & sides[1]
            assert sides[0] & sides[1] == common
        assert not set(CLASSES[one]) & set(CLASSES[other])
    assert len({case.seed for case in CASES.values()}) == len(CASES)


def test_the_list_of_cases_is_the_same_every_time_and_as_long_as_promised() -> None:
    again = all_cases()
    assert [repr(case) for case in again] == [repr(case) for case in CASES.values()]
    assert len(CASES) == len(again)
    counted = {
        (half, intended): sum(case.half == half and case.intended == intended for case in again)
        for half in HALVES
        for intended in ("positive", "negative")
    }
    assert counted["tuning", "positive"] == 64
    assert counted["tuning", "negative"] >= 48
    for half in HALVES[1:]:
        assert counted[half, "positive"] >= 88
        assert counted[half, "negative"] >= 132
    assert counted["reporting", "positive"] >= 160
    untrained = sum(case.half == "reporting" and case.training == "none" for case in again)
    assert counted["reporting", "negative"] - untrained >= 140
    singles = [
        case.cues[0] for case in again if case.half == "reporting" and case.family in ("sharpness", "colour_cast")
    ]
    assert [cue.family for cue in singles].count("colour_cast") == 14
    designs = Counter(cue.design for cue in singles if cue.family == "sharpness")
    assert designs == dict.fromkeys(("zoomed", "shaken", "mosaic", "enlarged"), 4)


def test_the_short_suite_has_twelve_of_each_and_every_family() -> None:
    short = [case for case in CASES.values() if case.smoke]
    assert [case.intended for case in short].count("positive") == 12
    assert [case.intended for case in short].count("negative") == 12
    assert {cue.family for cue in PLANTED} <= {case.family for case in short}
    assert {case.pixels for case in short} == {32}


@pytest.mark.parametrize(("hits", "count"), [(0, 7), (3, 12), (200, 200)])
def test_shares_carry_the_interval_of_clopper_and_pearson(hits: int, count: int) -> None:
    share = share_of(np.arange(count) < hits)
    low, high = proportion_confint(hits, count, method="beta")
    assert (share.value, share.count) == (hits / count, count)
    assert (share.low, share.high) == pytest.approx((max(low, 0), min(high, 1)), abs=1e-9)


@pytest.mark.parametrize(
    ("scores", "intended", "role"),
    [
        ((0.9,), "positive", "strong"), ((0.5,), "positive", "partial"), ((0.2,), "positive", "between"),
        ((0.05,), "positive", "negative"), ((0.9, 0.5), "positive", "partial"), ((0.9, 0.05), "positive", "between"),
        ((0.5,), "negative", "partial"), ((0.02,), "negative", "negative"), ((), "negative", "negative"),
    ],
)  # fmt: skip
def test_what_a_case_counts_as_is_measured_not_intended(scores: tuple[float, ...], intended: str, role: str) -> None:
    case = replace(CASES["tuning-clean-32-00"], intended=intended)
    truth = Truth(Share(0.9, 0.8, 1.0, 100), tuple(Share(score, score, score, 100) for score in scores))
    assert role_of(case, truth) == role


@pytest.mark.parametrize(("largest", "role"), [(0.09, "negative"), (0.24, "between")])
def test_a_network_one_class_of_which_follows_its_cue_is_no_negative(largest: float, role: str) -> None:
    pooled, alone = Share(0.07, 0.06, 0.09, 1400), tuple(Share(s, s, s, 350) for s in (0.01, largest, 0.02, 0.02))
    truth = Truth(Share(0.9, 0.8, 1.0, 100), (pooled,), (alone,))
    assert role_of(replace(CASES["tuning-clean-32-00"], intended="positive"), truth) == role


def test_the_score_of_several_classes_is_also_told_class_by_class() -> None:
    case = next(case for case in CASES.values() if case.smoke and case.cues and len(case.cues[0].classes) > 1)
    model, _ = preparing.committed(case) or pytest.fail("the short suite's weights are not there")
    truth = measured(case, model)
    alone = truth.class_scores[0]
    assert len(alone) == len(case.cues[0].classes)
    assert sum(share.count for share in alone) == truth.scores[0].count
    pooled = sum(share.value * share.count for share in alone) / truth.scores[0].count
    assert truth.scores[0].value == pytest.approx(pooled)
    assert truth.largest == max(share.value for share in alone)


def test_a_network_taught_a_tag_relies_on_it_and_one_that_never_saw_it_does_not() -> None:
    tag = Cue("corner_tag", "bars", "top left", (1,))
    taught = replace(CASES["tuning-corner_tag-32-01"], cues=(tag,), mislabelled=0.2)
    clean = CASES["tuning-clean-32-00"]
    ignorant, _ = preparing.committed(clean) or pytest.fail("the short suite's weights are not there")
    score = measured(taught, trained(taught, count=400)).scores[0]
    other = measured(replace(clean, cues=(tag,), presence="sample only"), ignorant).scores[0]
    assert score.value > 0.85
    assert score.count >= 200
    assert other.value < 0.1


def test_training_gives_the_same_network_every_time() -> None:
    case = CASES["tuning-frame-32-00"]
    first, second = (trained(case, count=64).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return preparing.prepare(CASES["tuning-corner_tag-32-00"], tmp_path_factory.mktemp("cache"))


def test_a_case_folder_can_be_audited(folder: Path) -> None:
    plan = make_plan(folder / "spec.yaml")
    assert plan.spec.dataset.sample.size == 128


def test_the_audit_is_told_nothing_of_the_cue(folder: Path) -> None:
    shown = (folder / "spec.yaml").read_text() + (folder / "sample.csv").read_text()
    assert not re.search(r"corner|tag|plate|left|cue|tuning|rho", shown)
    assert sorted(path.name for path in (folder / "images").iterdir()) == [f"{number:04}.png" for number in range(128)]


def test_committed_weights_still_score_what_was_measured(folder: Path) -> None:
    case = CASES["tuning-corner_tag-32-00"]
    told = json.loads((folder / "case.json").read_text())
    model, truth = preparing.committed(case) or pytest.fail("the short suite's weights are not there")
    again = measured(case, model)
    assert told["cues"][0]["spurious_score"]["value"] == truth.scores[0].value
    assert again.scores[0].value == pytest.approx(truth.scores[0].value, abs=0.02)
    assert again.accuracy.value == pytest.approx(truth.accuracy.value, abs=0.02)


def test_a_finished_case_is_left_alone_and_one_of_another_recipe_is_made_again(folder: Path) -> None:
    case: CaseSpec = CASES["tuning-corner_tag-32-00"]
    cache = folder.parents[1]
    before = (folder / "case.json").stat().st_mtime_ns
    assert preparing.prepare(case, cache) == folder
    assert (folder / "case.json").stat().st_mtime_ns == before
    told = json.loads((folder / "case.json").read_text()) | {"recipe": "another"}
    (folder / "case.json").write_text(json.dumps(told))
    preparing.prepare(case, cache)
    assert json.loads((folder / "case.json").read_text())["recipe"] == preparing.recipe(case)


def test_the_short_suite_has_its_weights_committed_and_they_are_small() -> None:
    files = sorted(preparing.WEIGHTS.glob("*.pth"))
    assert [path.stem for path in files] == sorted(case.id for case in CASES.values() if case.smoke)
    assert sum(path.stat().st_size for path in files) < 1_500_000


def test_pictures_of_64_pixels_come_from_photos_that_pip_installed() -> None:
    pytest.importorskip("skimage")
    scenes = scenes_of("reporting", count=4, pixels=64)
    assert scenes.composed().shape == (4, 64, 64, 3)
    touched = changed(scenes, Cue("corner_tag", "checks", "top right"))
    assert extent(touched.any(axis=0)) == Cue("corner_tag", "checks", "top right").box(64)


def test_a_cue_that_training_tied_to_no_class_is_about_the_class_that_it_pulls_to() -> None:
    tag = Cue("corner_tag", "bars", "top left", (1,))
    taught = replace(CASES["tuning-corner_tag-32-01"], cues=(tag,), mislabelled=0.2)
    model = trained(taught, count=400)
    stranger = replace(taught, cues=(replace(tag, classes=(3,)),), presence="sample only")
    truth = measured(stranger, model)
    told = preparing.described(stranger, truth)["cues"][0]["classes"]
    assert truth.pulled_to[0] is not None
    assert told == [stranger.classes[truth.pulled_to[0]]]
    assert measured(taught, model).pulled_to == (None,)
