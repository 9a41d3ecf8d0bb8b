"""Half-real pictures of 64 pixels: crops of photos that ship inside scikit-learn, scikit-image and matplotlib.

Nothing is downloaded; the files are read where pip put them.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np

from benchmarks.detection.scenes import Half, Paint, hue_gains
from benchmarks.detection.shapes import Bytes, Floats, floats, whole_bytes

PHOTOS: Mapping[Half, tuple[str, ...]] = MappingProxyType({
    "tuning": ("china.jpg", "astronaut.png", "coffee.png", "motorcycle_left.png", "coins.png"),
    "development_1": ("flower.jpg", "chelsea.png", "rocket.jpg", "motorcycle_right.png", "camera.png"),
    "development_2": ("retina.jpg", "hubble_deep_field.jpg", "text.png", "clock_motion.png", "cell.png"),
    "development_3": ("grace_hopper.jpg", "moon.png", "brick.png", "ihc.png", "page.png"),
    "development_4": ("grass.png", "gravel.png", "topobathy.npz", "s1045.ima.gz", "microaneurysms.png"),
    "reporting": ("motorcycle_disp.npz", "jacksboro_fault_dem.npz", "logo.png", "color.png", "digits.csv.gz"),
})  # fmt: skip
"""Scenes behind the objects."""
FILLS: Mapping[Half, tuple[str, ...]] = MappingProxyType({
    "tuning": ("china.jpg", "moon.png", "coffee.png"),
    "development_1": ("chelsea.png", "hubble_deep_field.jpg", "flower.jpg"),
    "development_2": ("retina.jpg", "gravel.png", "ihc.png"),
    "development_3": ("grace_hopper.jpg", "rocket.jpg", "coffee.png"),
    "development_4": ("astronaut.png", "camera.png", "motorcycle_right.png"),
    "reporting": ("brick.png", "motorcycle_left.png", "clock_motion.png"),
})  # fmt: skip
"""What the objects are cut from."""


SHIPPED = (
    ("sklearn", "datasets/images"),
    ("sklearn", "datasets/data"),
    ("skimage", "data"),
    ("matplotlib", "mpl-data/sample_data"),
)
"""Packages that bring pictures, and their folders."""
DRAWN = (
    "jacksboro_fault_dem.npz",
    "digits.csv.gz",
    "topobathy.npz",
    "s1045.ima.gz",
    "motorcycle_disp.npz",
    "lfw_subset.npy",
)
"""Tables of values among them: heights of a landscape, written figures, depths of a sea, a slice through a head,
distances in a garage, faces."""


@lru_cache(maxsize=32)
def photo(name: str) -> Bytes:
    """A shipped photo, (height, width, 3), its longer side at most 640 pixels; tables of values are drawn in grey.

    Raises:
        FileNotFoundError: scikit-learn, scikit-image or matplotlib is missing, or does not bring the file.
    """
    for package, folder in SHIPPED:
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            continue
        path = Path(spec.origin).parent / folder / name
        if not path.is_file():
            continue
        pixels = _drawn(path) if name in DRAWN else cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        if pixels is not None:
            shrink = min(1.0, 640 / max(pixels.shape))
            whole = cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
            whole.flags.writeable = False
            return whole.astype(np.uint8, copy=False)
    raise FileNotFoundError(
        f"{name} is not among the files of scikit-learn, scikit-image and matplotlib; install all three"
    )


def _drawn(path: Path) -> Bytes:
    """A table of values as a grey picture: a landscape lit from the west, figures or faces in rows, depths, a slice."""
    if path.name == "topobathy.npz":
        with np.load(path) as tables:
            heights = cv2.resize(tables["topo"], None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
        slope = np.gradient(heights, axis=0)
        grey = 120 + heights / 30 + 30 * slope / slope.std()
    elif path.name == "motorcycle_disp.npz":
        with np.load(path) as tables:
            near = tables["arr_0"].astype(np.float64)
        grey = 255 * np.where(np.isfinite(near), near, 0) / near[np.isfinite(near)].max()
    elif path.suffix == ".npy":
        faces = np.load(path)[:100].reshape(10, 10, 25, 25).swapaxes(1, 2).reshape(250, 250)
        grey = 255 * cv2.resize(faces, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    elif path.suffix == ".npz":
        with np.load(path) as tables:
            slope = np.gradient(tables["elevation"].astype(np.float64), axis=1)
        grey = 128 + 50 * slope / slope.std()
    elif path.name == "s1045.ima.gz":
        values = np.frombuffer(gzip.decompress(path.read_bytes()), ">u2").reshape(256, 256).astype(np.float64)
        grey = 255 * np.clip(values / np.quantile(values, 0.99), 0, 1)
    else:
        values = np.loadtxt(path, delimiter=",", max_rows=1600)[:, :64]
        grey = 255 - 15 * values.reshape(40, 40, 8, 8).swapaxes(1, 2).reshape(320, 320)
        grey = cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    return np.repeat(whole_bytes(grey)[..., None], 3, axis=2)


def background_painter(half: Half) -> Paint:
    """Crops of the half's photos, of many scales, mirrored and exposed at random, harsh ones softened."""

    def paint(rng: np.random.Generator, count: int, size: int) -> Floats:
        crops = _crops(rng, PHOTOS[half], count, size, (1.2, 3.2))
        mean = crops.mean(axis=(1, 2, 3), keepdims=True)
        wanted = rng.uniform(70, 185, mean.shape)
        deviation = crops.std(axis=(1, 2, 3), keepdims=True)
        gain = np.minimum(0.9, rng.uniform(14, 28, mean.shape) / (deviation + 1e-6))
        return floats(np.clip((crops - mean) * gain + wanted, 0, 255))

    return paint


def object_painter(half: Half) -> Paint:
    """Crops of the half's fills, faint, in a colour of their own."""

    def paint(rng: np.random.Generator, count: int, size: int) -> Floats:
        crops = _crops(rng, FILLS[half], count, size, (0.8, 2.0))
        mean = crops.mean(axis=(1, 2, 3), keepdims=True)
        faint = (crops - mean) * 0.25 + 128
        gains = hue_gains(rng.uniform(0, 360, count), rng.uniform(0, 0.3, count))
        return floats(np.clip(faint * gains[:, None, None], 0, 255))

    return paint


def texture(rng: np.random.Generator, name: str, count: int, size: int) -> Floats:
    """Crops of one photo as a pattern, (count, size, size), most of it between −1 and 1."""
    crops = _crops(rng, (name,), count, size, (1.5, 2.5)).mean(axis=3)
    centred = crops - crops.mean(axis=(1, 2), keepdims=True)
    return floats(centred / (1.5 * centred.std(axis=(1, 2), keepdims=True) + 1e-6))


def _crops(
    rng: np.random.Generator, names: tuple[str, ...], count: int, size: int, scales: tuple[float, float]
) -> Floats:
    crops = np.empty((count, size, size, 3), np.uint8)
    for index, (which, scale) in enumerate(
        zip(rng.integers(len(names), size=count), rng.uniform(*scales, count), strict=True)
    ):
        whole = photo(names[which])
        side = min(round(size * scale), *whole.shape[:2])
        y, x = (int(rng.integers(length - side + 1)) for length in whole.shape[:2])
        crop = cv2.resize(whole[y : y + side, x : x + side], (size, size), interpolation=cv2.INTER_AREA)
        crops[index] = crop[:, ::-1] if rng.random() < 0.5 else crop
    return crops.astype(np.float32)
