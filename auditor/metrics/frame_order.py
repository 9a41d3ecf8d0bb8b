"""Frame order: whether the model uses time at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from auditor.media import Medium
from auditor.metrics import USUAL, Metric, MetricContext, MetricResult, Workload
from auditor.records import Measurement
from auditor.statistics.intervals import clopper_pearson, mean_interval

if TYPE_CHECKING:
    from torch import Tensor

Change = Callable[["Tensor", int], "Tensor"]
"""A clip (channels, frames, height, width) and its row → the clip with its frames changed."""


class FrameOrder(Metric):
    """Whether predictions stay when the order of frames, or all motion, is taken away.

    `kept_with_frames_shuffled`, `kept_with_frames_reversed`: the share of clips whose prediction stays when the very
    same frames are shown in a random order, or backwards. `kept_with_one_frame`: when the frame in the middle is shown
    all the time, so that nothing moves. Near 1 in all three, the model judges single frames and does not use time; a
    model that always gives one class keeps everything as well. What falls by shuffling was decided by order; what
    falls only with one frame may just need several looks. Frames out of order are unusual, which can move a prediction
    by itself. Exact 95 % intervals; over clusters, where clips belong together, from the bootstrap. Costs 3 forwards a
    clip.

    Source: Huang et al., "What Makes a Video a Video", CVPR 2018, section 3 (one frame and no motion); Clopper and
    Pearson, Biometrika 1934.
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"quick": {}, "standard": {}, "full": {}}
    media = frozenset({Medium.CLIP})

    def forwards(self, work: Workload = USUAL) -> float:
        return 3.0

    def measure(self, context: MetricContext) -> MetricResult:
        def shuffled(clip: Tensor, row: int) -> Tensor:
            return clip[:, order_of(clip.shape[1], [context.seed, 21, row])]

        changes: dict[str, tuple[Change, str]] = {
            "kept_with_frames_shuffled": (shuffled, "the same frames in a random order"),
            "kept_with_frames_reversed": (lambda clip, row: clip.flip(1), "the same frames backwards"),
            "kept_with_one_frame": (
                lambda clip, row: clip[:, clip.shape[1] // 2, None].expand_as(clip),
                "the frame in the middle all the time",
            ),
        }
        if context.sample.images.shape[2] < 2:
            reason = "clips of one frame have no order"
            return MetricResult([Measurement(name=name, value=None, count=0, reason=reason) for name in changes])
        return MetricResult([_kept(name, change, words, context) for name, (change, words) in changes.items()])


def order_of(frames: int, seed: list[int]) -> np.ndarray:
    """A random order of at least two frames that is not the given one."""
    draw = np.random.default_rng(seed)
    order = draw.permutation(frames)
    while np.array_equal(order, np.arange(frames)):
        order = draw.permutation(frames)
    return order


def _kept(name: str, change: Change, words: str, context: MetricContext) -> Measurement:
    import torch

    images, count = context.sample.images, len(context.sample)

    def changed(start: int, stop: int) -> Tensor:
        return torch.stack([change(images[row], row) for row in range(start, stop)])

    scores = context.predictor.scores_of(
        count, changed, lambda done, total: context.progress(done, total, f"clips with {words}")
    )
    rows = np.arange(count)
    same = scores.argmax(axis=1) == context.predicted
    fall = float((context.scores[rows, context.predicted] - scores[rows, context.predicted]).mean())
    clusters = context.clusters_of(rows)
    exact = len(np.unique(clusters)) == count
    low, high = clopper_pearson(int(same.sum()), count) if exact else mean_interval(same, clusters, seed=context.seed)
    kind = "exact (Clopper-Pearson) interval" if exact else "bootstrap over clusters"
    note = f"{words}; the predicted class's probability falls by {fall:.2f} on average; {kind}"
    return Measurement(name=name, value=float(same.mean()), low=low, high=high, count=count, note=note)
