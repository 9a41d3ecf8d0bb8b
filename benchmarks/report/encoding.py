"""Pictures of single samples: how many a core encodes in a second."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import cv2

from auditor import figures
from benchmarks.report.made_up import heatmap, photo

SAMPLES = 32
PEER_SAMPLES = 4


def ours() -> float:
    """Samples a CPU second: photo, map and overlay side by side, as one JPEG."""
    samples = [(photo(number), heatmap(number)) for number in range(SAMPLES)]

    def encode() -> int:
        for shown, values in samples:
            figures.encode_jpeg(figures.map_triptych(shown, values, low=0.0, high=1.0))
        return len(samples)

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return _rate(encode)
    finally:
        cv2.setNumThreads(before)


def matplotlibs() -> float:
    """The same with one matplotlib figure a sample, of the same size."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    samples = [(photo(number), heatmap(number)) for number in range(PEER_SAMPLES)]

    def encode() -> int:
        for shown, values in samples:
            figure, axes = pyplot.subplots(1, 3, figsize=(7.0, 2.3), dpi=100)
            axes[0].imshow(shown)
            axes[1].imshow(values, cmap="viridis")
            axes[2].imshow(shown)
            axes[2].imshow(values, cmap="viridis", alpha=0.5)
            for one in axes:
                one.set_axis_off()
            figure.savefig(io.BytesIO(), format="jpg")
            pyplot.close(figure)
        return len(samples)

    return _rate(encode)


def _rate(encode: Callable[[], int], least: float = 1.0) -> float:
    """Samples a CPU second over at least a second, after one round that is not counted."""
    encode()
    done, began = 0, time.process_time()
    while (taken := time.process_time() - began) < least:
        done += encode()
    return done / taken
