"""Pictures for people: what twenty maps of one photo cost to draw and to encode."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from auditor import figures
from auditor.subjects import PictureInfo
from auditor.subjects.decoding import decode
from benchmarks.speed import peers
from benchmarks.speed.bench import Bench
from benchmarks.speed.rows import OURS, Row, row_of
from benchmarks.speed.timing import Work, ratios

__all__ = ["panels"]

PANELS = 20
HEIGHT, WIDTH = 375, 500
TARGET = 0.7


def panels(bench: Bench, runs: int) -> Iterator[Row]:
    """Read one photo, lay twenty maps over it, encode each."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.jpg"
        generator = np.random.default_rng(0)
        coarse = generator.integers(0, 256, (HEIGHT // 25, WIDTH // 25, 3), dtype=np.uint8)
        cv2.imwrite(str(path), cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC))
        side = bench.inputs.shape[-1]
        maps = np.stack([cv2.resize(generator.random((7, 7), dtype=np.float32), (side, side)) for _ in range(PANELS)])
        works = {OURS: Work(_ours(bench, path, maps)), **{name: Work(run) for name, run in _theirs(path, maps).items()}}
        found = ratios(bench.forward(1), works, runs=4 * runs, device=bench.device)
    notes = [f"a photo of {WIDTH}×{HEIGHT} read at {side} px, {PANELS} overlays, {PANELS} JPEGs"]
    absent = peers.missing("pytorch-grad-cam")
    yield row_of("twenty panels of a photo", bench.name, found, TARGET, peer_notes=absent, notes=notes)


def _ours(bench: Bench, path: Path, maps: np.ndarray) -> Callable[[], object]:
    picture = PictureInfo(path.name, path)

    def run() -> list[bytes]:
        photo = decode(picture, bench.model.preprocessing).image.numpy().transpose(1, 2, 0)
        photo = np.ascontiguousarray(photo)
        return [figures.encode_jpeg(figures.overlay(photo, one, 0.0, float(one.max()))) for one in maps]

    return run


def _theirs(path: Path, maps: np.ndarray) -> dict[str, Callable[[], object]]:
    if "pytorch-grad-cam" in peers.missing("pytorch-grad-cam"):
        return {}
    from pytorch_grad_cam.utils.image import show_cam_on_image

    def run() -> list[object]:
        read = cv2.imread(str(path))
        assert read is not None
        photo = cv2.resize(read, maps.shape[:0:-1]).astype(np.float32) / 255
        return [cv2.imencode(".jpg", show_cam_on_image(photo, one))[1] for one in maps]

    return {"pytorch-grad-cam": run}
