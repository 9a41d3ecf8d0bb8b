"""Clips from folders and video files: which frames, in which order, and what is refused."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from auditor.errors import DataError
from auditor.subjects.clips import chosen_frames, read_clip


def folder_of(path: Path, count: int, *, name: str = "frame{}.png") -> Path:
    """Frame k is flat, of colour (k, 0, 100); 12×16 pixels."""
    path.mkdir()
    for index in range(count):
        Image.fromarray(np.full((12, 16, 3), (index, 0, 100), np.uint8)).save(path / name.format(index))
    return path


def video_of(path: Path, count: int) -> Path:
    """Frame k is flat, of red 20·k; 48×64 pixels, 25 frames a second."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (64, 48))
    for index in range(count):
        writer.write(np.full((48, 64, 3), (0, 0, 20 * index), np.uint8))
    writer.release()
    return path


@pytest.mark.parametrize(
    ("available", "wanted", "every", "expected"),
    [
        (8, 4, None, (1, 3, 5, 7)),
        (10, 3, None, (1, 5, 8)),
        (2, 4, None, (0, 0, 1, 1)),
        (1, 2, None, (0, 0)),
        (20, 4, 3, (5, 8, 11, 14)),
        (5, 4, 3, (0, 3, 4, 4)),
        (7, 7, 1, (0, 1, 2, 3, 4, 5, 6)),
    ],
)
def test_frames_are_the_middles_of_equal_segments_or_each_nth_of_the_middle(
    available: int, wanted: int, every: int | None, expected: tuple[int, ...]
) -> None:
    assert chosen_frames(available, wanted, every=every) == expected


def test_frames_of_a_folder_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    clip = read_clip(folder_of(tmp_path / "clip", 12), 12)

    assert clip.frames[:, 0, 0, 0].tolist() == list(range(12))
    assert clip.frames[0, 0, 0].tolist() == [0, 0, 100]
    assert clip.frames.shape == (12, 12, 16, 3)
    assert clip.described() == "12 frames of 12×16 pixels, numbers 0 to 11 of 12"


def test_a_short_clip_repeats_frames_and_says_so(tmp_path: Path) -> None:
    clip = read_clip(folder_of(tmp_path / "clip", 2), 4)

    assert clip.frames[:, 0, 0, 0].tolist() == [0, 0, 1, 1]
    assert "2 of them are there again" in clip.described()


def test_frames_of_a_video_are_those_that_were_written(tmp_path: Path) -> None:
    clip = read_clip(video_of(tmp_path / "clip.avi", 12), 4)

    assert clip.indices == (1, 4, 7, 10)
    assert clip.available == 12
    assert clip.rate == pytest.approx(25)
    np.testing.assert_allclose(clip.frames[:, 20, 20, 0], [20, 80, 140, 200], atol=4)
    assert clip.frames[..., 2].max() < 8, "red is the first channel"


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    first = read_clip(folder_of(tmp_path / "a", 3), 3)
    again = read_clip(folder_of(tmp_path / "b", 3, name="x{}.png"), 3)
    other = read_clip(folder_of(tmp_path / "c", 4), 3)

    assert first.sha256 == again.sha256 != other.sha256


def test_what_is_no_clip_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("no clip")
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    mixed = folder_of(tmp_path / "mixed", 2)
    Image.new("RGB", (5, 5)).save(mixed / "frame2.png")
    torn = folder_of(tmp_path / "torn", 1)
    (torn / "frame1.png").write_bytes((torn / "frame0.png").read_bytes()[:40])

    for name, why in [
        ("none", "no clip"), ("empty", "holds no frames"), ("notes.txt", "no video file"),
        ("broken.mp4", "no frame comes out"), ("mixed", "different sizes"), ("torn", r"frame1\.png is no picture"),
    ]:  # fmt: skip
        with pytest.raises(DataError, match=why):
            read_clip(tmp_path / name, 3)
    with pytest.raises(ValueError, match="at least one frame"):
        read_clip(mixed, 0)
