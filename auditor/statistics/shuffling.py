"""Shuffles group membership among what is exchangeable, and resamples clusters: the units of tests on groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Exchange", "resampled_weights"]

Integers = NDArray[np.integer]
Floats = NDArray[np.floating]

BATCH_CELLS = 4_000_000
"""Shuffled labels held at once."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Units that can swap their group labels where the group makes no difference.

    A cluster (patient, video) that lies in one group is one unit and swaps with clusters of the same main class. The
    pictures of a cluster that spans several groups swap among themselves, within their class.

    Attributes:
        unit: int (n,), the unit of each picture.
        label: int (units,), its group.
        block: int (units,), units with the same number may swap.
    """

    unit: Integers
    label: Integers
    block: Integers

    @classmethod
    def within(cls, groups: Integers, classes: Integers, clusters: Integers) -> Exchange:
        """Who may swap with whom.

        Args:
            groups, classes, clusters: int (n,), none negative.
        """
        _, cluster = np.unique(clusters, return_inverse=True)
        count = int(cluster.max()) + 1
        low, high = np.full(count, np.iinfo(np.int64).max), np.full(count, -1)
        np.minimum.at(low, cluster, groups)
        np.maximum.at(high, cluster, groups)
        spans = (low != high)[cluster]
        # whole clusters are numbered from 0, the pictures of clusters that span groups after them
        key = np.where(spans, count + np.arange(len(cluster)), cluster)
        _, first, unit = np.unique(key, return_index=True, return_inverse=True)
        may_swap = np.stack([np.where(spans, cluster + 1, 0), np.where(spans, classes, _main(classes, cluster))])
        _, block = np.unique(may_swap[:, first], axis=1, return_inverse=True)
        return cls(unit, np.asarray(groups)[first], block.reshape(-1))

    def shuffles(self, draws: int, rng: np.random.Generator) -> Iterator[Integers]:
        """Batches of shuffled labels, each (some draws, units)."""
        by_block = self.label[np.argsort(self.block, kind="stable")][None, :]
        batch = max(1, BATCH_CELLS // len(self.label))
        for start in range(0, draws, batch):
            keys = rng.random((min(batch, draws - start), len(self.label))) + self.block[None, :]
            drawn = np.empty(keys.shape, dtype=self.label.dtype)
            np.put_along_axis(drawn, np.argsort(keys, axis=1), by_block, axis=1)
            yield drawn


def _main(classes: Integers, cluster: Integers) -> Integers:
    """The most frequent class of each picture's cluster; the smallest where several are."""
    _, place = np.unique(classes, return_inverse=True)
    counts = np.zeros((int(cluster.max()) + 1, int(place.max()) + 1), dtype=np.int64)
    np.add.at(counts, (cluster, place), 1)
    return np.asarray(counts.argmax(axis=1)[cluster])


def resampled_weights(clusters: Integers, strata: Integers, draws: int, rng: np.random.Generator) -> Floats:
    """How often each picture is drawn when whole clusters are resampled with replacement within strata.

    Args:
        clusters: int (n,).
        strata: int (n,), a cluster belongs to the stratum of its first picture.
        draws: How many samples.

    Returns:
        float32 (draws, n).
    """
    _, first, cluster = np.unique(clusters, return_index=True, return_inverse=True)
    of_cluster = strata[first]
    weights = np.empty((draws, len(first)), dtype=np.float32)
    for stratum in np.unique(of_cluster):
        members = np.flatnonzero(of_cluster == stratum)
        even = np.full(len(members), 1 / len(members))
        weights[:, members] = rng.multinomial(len(members), even, size=draws)
    return np.asarray(weights[:, cluster])
