"""The data sources `clips` and `volumes`: what is listed, how it is brought to size, and what is refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from auditor.errors import DataError, SpecError
from auditor.media import Medium
from auditor.plan import Plan, make_plan
from auditor.registry import names
from auditor.spec.audit_spec import DatasetSpec
from auditor.subjects import Preprocessing, VolumeSample
from auditor.subjects.datasets.clips import Clips
from auditor.subjects.datasets.volumes import Volumes, Window
from auditor.subjects.sampling import load_sample
from auditor.subjects.stacking import fitted_volume
from auditor.subjects.volumes import Volume

CLIP = Preprocessing(6, 8, "squash", 1.0, (0.0,) * 3, (1.0,) * 3, depth=4)
VOLUME = Preprocessing(6, 8, "crop", 0.875, (0.0,), (1.0,), channels="grey", depth=4)
SPEC = """\
version: 1
name: depth
model:
  source: python
  factory: auditor.demo.depth:motion_net
  classes: [left, right]
  input: {size: SIZE, resize: squash, mean: [0, 0, 0], std: [1, 1, 1]}
dataset: {source: SOURCE, path: data}
visualizations: VISUALIZATIONS
probes: PROBES
metrics: standard
"""


def clip(path: Path, count: int) -> Path:
    """Frame k is flat, of red 10·k; 6×8 pixels."""
    path.mkdir(parents=True)
    for index in range(count):
        cv2.imwrite(str(path / f"f{index}.png"), np.full((6, 8, 3), (0, 0, 10 * index), np.uint8))
    return path


def read(source: Any, preprocessing: Preprocessing, folder: Path, classes: tuple[str, ...] = ()) -> VolumeSample:
    spec = DatasetSpec(source=source.part_name())
    sample, _ = load_sample(spec, source, folder, preprocessing, classes)
    assert isinstance(sample, VolumeSample)
    return sample


def test_clips_are_labelled_by_their_folders_and_come_in_the_order_of_time(tmp_path: Path) -> None:
    clip(tmp_path / "data" / "left" / "b", 8)
    clip(tmp_path / "data" / "right" / "site" / "a", 4)

    sample = read(Clips(path="data"), CLIP, tmp_path, ("right", "left"))

    assert [picture.name for picture in sample.pictures] == ["left/b", "right/site/a"]
    assert sample.labels.tolist() == [1, 0]
    assert sample.medium is Medium.CLIP
    assert sample.images.shape == (2, 3, 4, 6, 8)
    assert sample.images[0, 0, :, 0, 0].tolist() == [10, 30, 50, 70]
    assert sample.stacks[0].frames == (1, 3, 5, 7)
    assert sample.slices(sample.images[1].numpy())[2, 0, 0].tolist() == [20, 0, 0]
    assert sample.display(1)[0, 0].tolist() == [20, 0, 0]


def test_clips_without_classes_have_no_labels_and_a_stride_takes_the_middle(tmp_path: Path) -> None:
    clip(tmp_path / "data" / "a", 10)
    clip(tmp_path / "data" / "b", 2)

    sample = read(Clips(path="data", stride=2), CLIP, tmp_path)

    assert sample.labels.tolist() == [-1, -1]
    assert sample.stacks[0].frames == (1, 3, 5, 7)
    assert sample.converted == [("b", "2 frames are there again: the clip has 2")]


def test_clips_in_one_folder_of_a_class_belong_together_where_the_spec_says_so(tmp_path: Path) -> None:
    for name in ("left/p1/a", "left/p1/b", "left/c", "right/p1/d"):
        clip(tmp_path / "data" / name, 4)

    apart = read(Clips(path="data"), CLIP, tmp_path)
    together = read(Clips(path="data", together=True), CLIP, tmp_path)

    assert {picture.cluster for picture in apart.pictures} == {None}
    assert {picture.name: picture.cluster for picture in together.pictures} == {
        "left/c": None, "left/p1/a": "p1", "left/p1/b": "p1", "right/p1/d": "p1",
    }  # fmt: skip


def test_an_unreadable_clip_is_listed_and_the_next_takes_its_place(tmp_path: Path) -> None:
    clip(tmp_path / "data" / "a", 4)
    broken = clip(tmp_path / "data" / "b", 1)
    (broken / "f0.png").write_bytes(b"no picture")

    sample = read(Clips(path="data"), CLIP, tmp_path)

    assert [picture.name for picture in sample.pictures] == ["a"]
    assert sample.unreadable[0][0] == "b"


def volume(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, values)


def test_volumes_are_windowed_cut_in_the_middle_and_padded_with_the_lowest_value(tmp_path: Path) -> None:
    values = np.full((6, 4, 8), -1000, np.int16)
    values[3] = 40
    values[4] = 140
    volume(tmp_path / "data" / "one.npy", values)
    source = Volumes(path="data", npy_spacing=(3, 1, 1), window=Window(level=40, width=400))

    sample = read(source, VOLUME, tmp_path)

    assert sample.images.shape == (1, 1, 4, 6, 8)
    assert sample.images[0, 0, :, 3, 4].tolist() == [0, 0, 127.5, 191.25]
    assert not sample.images[0, 0, :, [0, 5]].any(), "two rows were added"
    assert sample.stacks[0].spacing == (3, 1, 1)
    assert "cut or padded around its middle from 6×4×8 to 4×6×8 voxels" in sample.stacks[0].words
    assert float(VOLUME.to_input(sample.images).max()) == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("scaling", "expected"),
    [("stored", [0, 51000]), ("percentiles", [0, 255]), ("standardised", [-255, 255])],
)
def test_without_a_window_the_scaling_says_what_the_share_is(tmp_path: Path, scaling: Any, expected: list[int]) -> None:
    values = np.zeros((4, 6, 8), np.float32)
    values[2:] = 200
    volume(tmp_path / "data" / "one.npy", values)

    sample = read(Volumes(path="data", scaling=scaling), VOLUME, tmp_path)

    assert sample.images[0, 0, [0, 3], 0, 0].tolist() == pytest.approx(expected)


def test_a_squashed_volume_keeps_its_mean_and_tells_the_size_of_its_voxels() -> None:
    drawn = np.random.default_rng(0).random((1, 8, 12, 16)).astype(np.float32)
    squash = Preprocessing(6, 8, "squash", 1.0, (0.0,), (1.0,), channels="grey", depth=4)

    found, spacing, words = fitted_volume(Volume(drawn, (1.0, 2.0, 3.0), "SPL"), squash)

    assert found.shape == (1, 4, 6, 8)
    assert spacing == (2.0, 4.0, 6.0)
    assert words == "squashed from 8×12×16 to 4×6×8 voxels"
    assert float(found.mean()) == pytest.approx(float(drawn.mean()), abs=0.01)
    constant, _, _ = fitted_volume(Volume(np.full_like(drawn, 7.0), None, None), squash)
    np.testing.assert_allclose(constant.numpy(), 7.0, rtol=1e-6)


def test_what_is_no_volume_is_refused_in_words(tmp_path: Path) -> None:
    two = np.zeros((2, 4, 6, 8), np.float32)
    volume(tmp_path / "data" / "two.npy", two)

    with pytest.raises(DataError, match=r"it has 2 channels, but model\.input\.mean and std have 1 values"):
        read(Volumes(path="data"), VOLUME, tmp_path)
    with pytest.raises(ValueError, match="a window scales already"):
        Volumes(path="data", window=Window(level=0, width=1), scaling="percentiles")
    with pytest.raises(ValueError, match="orientation 'SPX'"):
        Volumes(path="data", orientation="SPX")


def planned(folder: Path, **values: str) -> Plan:
    text = SPEC
    given = {"size": "[8, 24, 32]", "source": "clips", "visualizations": "full", "probes": "standard", **values}
    for name, value in given.items():
        text = text.replace(name.upper(), value)
    (folder / "data").mkdir(exist_ok=True)
    (folder / "spec.yaml").write_text(text)
    return make_plan(folder / "spec.yaml")


@pytest.mark.parametrize(
    ("values", "line", "message"),
    [
        ({"size": "[24, 32]"}, 7, "clips need a size of three numbers, [frames, height, width], got [24, 32]"),
        ({"source": "folder"}, 7, "[8, 24, 32] has a depth, which pictures have not"),
        ({"size": "[8, 24, 2]"}, 7, "height and width must be at least 4 pixels, got [24, 2]"),
        ({"probes": "[corner, background]"}, 10, "background is made for pictures: nothing of it carries over"),
        (
            {"source": "folder", "size": "[24, 32]", "visualizations": "[frame_occlusion]"}, 9,
            "frame_occlusion is made for clips and volumes: nothing of it carries over to pictures",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_medium_is_a_mistake_at_its_line(
    tmp_path: Path, values: dict[str, str], line: int, message: str
) -> None:
    with pytest.raises(SpecError) as caught:
        planned(tmp_path, **values)

    assert any(problem.line == line and message in problem.what for problem in caught.value.problems)


def test_what_a_preset_brings_and_the_medium_has_no_use_for_is_left_out_and_remembered(tmp_path: Path) -> None:
    plan = planned(tmp_path, visualizations="full", probes="[standard, {use: background, required: false}]")

    run = {item.name for item in plan.visualizers}
    assert run | {"random_map"} == set(names("visualizers")), "a video network may be a transformer"
    assert plan.unfit["visualizers"] == ()
    assert {"localisation", "road", "insertion_deletion"} <= {item.name for item in plan.unfit["metrics"]}
    assert {item.name for item in plan.probes} == {"border", "corner", "region"}
    assert "background" in {item.name for item in plan.unfit["probes"]}
    assert {item.name for item in plan.metrics} == {
        "performance", "calibration", "randomisation", "stability", "agreement", "frame_order",
    }  # fmt: skip
    assert all(row.what.endswith("the same place in all frames") for row in plan.test_plan)


def test_pictures_bring_nothing_that_needs_a_depth(tmp_path: Path) -> None:
    plan = planned(tmp_path, source="folder", size="[24, 32]")

    names = {item.name for item in (*plan.visualizers, *plan.metrics)}
    assert not names & {"frame_occlusion", "block_occlusion", "frame_order"}
    assert not any(plan.unfit.values())
