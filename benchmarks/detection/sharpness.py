"""Ways in which a picture loses its fine detail. Each half has some of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.shapes import Bytes, floats, whole_bytes

SHARPNESS = (
    "gaussian blur",
    "low resolution",
    "jpeg",
    "motion blur",
    "pixelated",
    "defocus",
    "smeared",
    "webp",
    "ghosted",
    "denoised",
    "interlaced",
    "soft corners",
    "video tape",
    "wavelets",
    "non-local means",
    "zoomed",
    "shaken",
    "mosaic",
    "enlarged",
)

BYTES = 430
"""Of a picture in JPEG 2000."""


def unsharp(design: str, picture: Bytes, strength: float) -> Bytes:
    """A picture, (side, side, 3), that lost its fine detail in one of the ways of `SHARPNESS`."""
    size = picture.shape[0]
    small = round(32 / (1 + strength))
    if design == "gaussian blur":
        return whole_bytes(cv2.GaussianBlur(picture, (0, 0), strength * size / 32))
    if design == "motion blur":
        return whole_bytes(cv2.blur(picture, (2 * round(2 * strength * size / 32) + 1, 1)))
    if design == "jpeg":
        done, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, round(4 / strength)])
        if not done:
            raise OSError("OpenCV could not encode a picture as JPEG")
        return whole_bytes(cv2.imdecode(encoded, cv2.IMREAD_COLOR))
    if design == "defocus":
        disc = disc_of(1.1 * strength * size / 32)
        return whole_bytes(cv2.filter2D(picture, -1, disc, borderType=cv2.BORDER_REFLECT))
    if design == "smeared":
        return whole_bytes(cv2.medianBlur(np.ascontiguousarray(picture), 2 * round(1.5 * strength * size / 32) + 1))
    if design == "webp":
        done, encoded = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, 1])
        if not done:
            raise OSError("OpenCV could not encode a picture as WebP")
        return whole_bytes(cv2.imdecode(encoded, cv2.IMREAD_COLOR))
    if design == "ghosted":
        shift = round(2 * strength * size / 32)
        moved = np.pad(picture, ((shift, 0), (shift, 0), (0, 0)), mode="reflect")[:size, :size]
        return whole_bytes(0.5 * picture + 0.5 * moved)
    if design == "denoised":
        reach = 2 * round(2 * size / 32) + 1
        return whole_bytes(cv2.bilateralFilter(np.ascontiguousarray(picture), reach, 60 * strength, 2.5 * size / 32))
    if design == "interlaced":
        return np.repeat(picture[::2], 2, axis=0)[:size]
    if design in CHAINS:
        return CHAINS[design](picture, strength)
    if design in ("low resolution", "pixelated"):
        reduced = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
        back = cv2.INTER_LINEAR if design == "low resolution" else cv2.INTER_NEAREST
        return whole_bytes(cv2.resize(reduced, (size, size), interpolation=back))
    raise ValueError(f"no way of losing sharpness is named '{design}'; there are {', '.join(SHARPNESS)}")


def disc_of(radius: float) -> NDArray[np.float32]:
    """The blur of a lens out of focus: an even disc of the radius in pixels, its sum one."""
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    return np.asarray(disc / disc.sum(), dtype=np.float32)


def _soft_corners(picture: Bytes, strength: float) -> Bytes:
    """A lens with a curved field: sharp in the middle only, and softer the further out."""
    size = picture.shape[0]
    y, x = np.mgrid[:size, :size] + 0.5 - size / 2
    level = np.clip(np.hypot(x, y) / (0.62 * size) * 4 - 0.3, 0, 3)[..., None]
    levels = [picture.astype(np.float32)]
    levels += [floats(cv2.GaussianBlur(levels[0], (0, 0), step * strength * size / 32)) for step in (0.8, 1.5, 2.2)]
    return whole_bytes(sum(np.clip(1 - np.abs(level - step), 0, 1) * blurred for step, blurred in enumerate(levels)))


def _video_tape(picture: Bytes, strength: float) -> Bytes:
    """A line of analogue video: little bandwidth along the lines, with overshoot; still less for colour, which lags."""
    reach = round(4 * picture.shape[0] / 32)
    along = np.arange(-2 * reach, 2 * reach + 1)
    kernel = np.sinc(along / (0.75 * strength * reach)) * np.hanning(len(along) + 2)[1:-1]
    luma, *colours = cv2.split(cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2YCrCb).astype(np.float32))
    row = floats(kernel / kernel.sum())[None]
    slow = [np.roll(cv2.blur(plane, (2 * reach + 1, 2)), reach // 3, axis=1) for plane in colours]
    luma = cv2.filter2D(luma, -1, row, borderType=cv2.BORDER_REFLECT)
    return whole_bytes(cv2.cvtColor(whole_bytes(cv2.merge([luma, *slow])), cv2.COLOR_YCrCb2RGB))


def _wavelets(picture: Bytes, strength: float) -> Bytes:
    """JPEG 2000 at the low rates of archives and radio links: half of the bytes are the file's own."""
    rate = cv2.IMWRITE_JPEG2000_COMPRESSION_X1000
    done, encoded = cv2.imencode(
        ".jp2", np.ascontiguousarray(picture), [rate, round(BYTES / 3 / strength / picture.shape[0] ** 2 * 1000)]
    )
    if not done:
        raise OSError("OpenCV could not encode a picture as JPEG 2000")
    return whole_bytes(cv2.imdecode(encoded, cv2.IMREAD_COLOR))


def _non_local_means(picture: Bytes, strength: float) -> Bytes:
    """A telephone's denoiser: patches that look alike are averaged, edges stay."""
    level = 20 * strength * picture.shape[0] / 32
    return whole_bytes(cv2.fastNlMeansDenoisingColored(np.ascontiguousarray(picture), None, level, level, 3, 9))


def _zoomed(picture: Bytes, strength: float) -> Bytes:
    """A lens that zooms, or a camera that moves forward, while the shutter is open: streaks away from the middle."""
    size = picture.shape[0]
    middle = (size - 1) / 2
    steps = [
        cv2.warpAffine(
            picture.astype(np.float32),
            cv2.getRotationMatrix2D((middle, middle), 0, scale),
            (size, size),
            borderMode=cv2.BORDER_REFLECT,
        )
        for scale in np.linspace(1 - 0.08 * strength, 1 + 0.32 * strength, 17)
    ]
    return whole_bytes(np.mean(steps, axis=0))


def _shaken(picture: Bytes, strength: float) -> Bytes:
    """A hand that is not still during a long exposure: every point draws the same small hook."""
    reach = 3 * round(strength * picture.shape[0] / 32)
    path = np.array([[-0.9, 0.35], [-0.4, -0.3], [0.15, -0.55], [0.6, -0.1], [0.75, 0.55]]) * 0.62 * reach + reach
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    cv2.polylines(kernel, [np.rint(16 * path).astype(np.int32)], False, 1.0, 1, cv2.LINE_8, shift=4)
    return whole_bytes(cv2.filter2D(picture, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT))


def _mosaic(picture: Bytes, strength: float) -> Bytes:
    """A cheap sensor that sees one colour at each point, in groups, and fills in the others from around.

    The false colours of that are smoothed away, as every camera does.
    """
    size = picture.shape[0]
    step = max(1, round(strength * size / 32))
    y, x = np.mgrid[:size, :size] // step % 2
    seen = np.stack([(y == 0) & (x == 0), y != x, (y == 1) & (x == 1)], axis=2).astype(np.float32)
    reach = (2 * step + 1, 2 * step + 1)
    sums, counts = (cv2.boxFilter(planes, -1, reach, normalize=False) for planes in (seen * picture, seen))
    luma, *colours = cv2.split(cv2.cvtColor(whole_bytes(sums / counts), cv2.COLOR_RGB2YCrCb))
    calm = [cv2.blur(plane, (4 * step + 1, 4 * step + 1)) for plane in colours]
    return whole_bytes(cv2.cvtColor(cv2.merge([luma, *calm]), cv2.COLOR_YCrCb2RGB))


def _enlarged(picture: Bytes, strength: float) -> Bytes:
    """A thumbnail brought back to size and sharpened, so that edges have halos and fine detail is gone."""
    size = picture.shape[0]
    small = round(2.3 * size**0.5 / strength)
    thumbnail = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA).astype(np.float32)
    large = cv2.resize(thumbnail, (size, size), interpolation=cv2.INTER_LANCZOS4)
    return whole_bytes(large + 0.5 * (large - cv2.GaussianBlur(large, (0, 0), 1.6 * size / 32)))


CHAINS: Mapping[str, Callable[[Bytes, float], Bytes]] = MappingProxyType({
    "soft corners": _soft_corners,
    "video tape": _video_tape,
    "wavelets": _wavelets,
    "non-local means": _non_local_means,
    "zoomed": _zoomed,
    "shaken": _shaken,
    "mosaic": _mosaic,
    "enlarged": _enlarged,
})  # fmt: skip
"""Optics, video, codec, denoiser, movement, sensor and scaling, each a function of the picture and the strength."""
