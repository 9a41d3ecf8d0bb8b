"""Spectral clustering of attribution maps: do pictures fall into strategies, and where does each of them look?

Source: Lapuschkin et al., "Unmasking Clever Hans predictors and assessing what machines really learn", Nature
Communications 2019 (spectral relevance analysis)
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.sparse.csgraph import laplacian
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import kneighbors_graph

__all__ = ["Clustering", "clustered", "descriptors", "eigengap", "hot_boxes", "stability"]

Floats = NDArray[np.floating]
Integers = NDArray[np.integer]

SIDE = 24
"""Longest side of a map when maps are compared, pixels."""
NEIGHBOURS = 10
MOST_CLUSTERS = 8
STARTS = 5
"""Of k-means."""
RESAMPLES = 20
HOT = 0.5
"""A cluster's hot region is where its excess over the other clusters reaches this share of its maximum."""
LEAST_EXCESS = 0.2
"""Share of a cluster's whole excess that a hot region must hold: what is spread out has no place."""
LARGEST_SHARE = 0.25
"""Of the picture: a larger region would swap the object with it."""


@dataclass(frozen=True, slots=True)
class Clustering:
    """How maps fall into clusters.

    Attributes:
        labels: int (n,), cluster of each map.
        count: Clusters.
        eigengap: Between the last eigenvalue of the normalised Laplacian that is kept and the next; the larger, the
            clearer that there are so many clusters.
    """

    labels: Integers
    count: int
    eigengap: float


def descriptors(maps: Floats) -> Floats:
    """Maps made small and alike in mass, so that only where they lie is compared.

    Args:
        maps: float (n, height, width), non-negative.

    Returns:
        float32 (n, rows, columns), at most 24 on the longer side, each summing to 1 (0 where the map is zero).
    """
    height, width = maps.shape[1:]
    scale = min(1.0, SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # a gradient is speckled: without the blur two maps of one place share few pixels
    sigma = max(height, width) / 32
    if not len(maps):
        return np.zeros((0, size[1], size[0]), dtype=np.float32)
    small = np.stack(
        [
            cv2.resize(cv2.GaussianBlur(one.astype(np.float32), (0, 0), sigma), size, interpolation=cv2.INTER_AREA)
            for one in maps
        ]
    )
    mass = small.sum(axis=(1, 2), keepdims=True)
    return np.asarray(np.divide(small, mass, out=np.zeros_like(small), where=mass > 0))


def clustered(points: Floats, *, seed: int, count: int | None = None) -> Clustering:
    """Cluster by the eigenvectors of the neighbour graph's normalised Laplacian.

    The graph joins each map with its nearest ten (an eighth of all, if that is fewer), in either direction. The number
    of clusters, two to eight, is where the largest eigengap lies. All eigenvalues are computed: iterative solvers fail
    on small graphs.

    Args:
        points: float (n, ...), n ≥ 4.
        seed: Of k-means.
        count: Clusters, where that is known.

    Source: Ng, Jordan and Weiss, "On spectral clustering", NeurIPS 2001; von Luxburg, "A tutorial on spectral
    clustering", 2007, section 8.3 (eigengap)
    """
    values, vectors = _spectrum(points)
    found, gap = _largest_gap(values)
    kept = vectors[:, : count or found]
    lengths = np.linalg.norm(kept, axis=1, keepdims=True)
    rows = np.divide(kept, lengths, out=np.zeros_like(kept), where=lengths > 0)
    labels = KMeans(kept.shape[1], n_init=STARTS, random_state=seed).fit_predict(rows)
    return Clustering(np.asarray(labels), kept.shape[1], gap)


def eigengap(points: Floats) -> float:
    """How clear the clusters are, without finding them."""
    return _largest_gap(_spectrum(points)[0])[1]


def _spectrum(points: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues, rising, and eigenvectors of the neighbour graph's normalised Laplacian."""
    flat = points.reshape(len(points), -1)
    nearest = kneighbors_graph(flat, min(NEIGHBOURS, max(2, len(flat) // 8)), mode="connectivity")
    joined = nearest.maximum(nearest.T).toarray()
    values, vectors = eigh(np.asarray(laplacian(joined, normed=True), dtype=np.float64))
    return values, vectors


def _largest_gap(values: Floats) -> tuple[int, float]:
    """After how many eigenvalues, two to eight, the largest gap follows, and that gap."""
    gaps = np.diff(values)[1 : min(MOST_CLUSTERS, len(values) - 1)]
    return 2 + int(gaps.argmax()), float(gaps.max())


def stability(points: Floats, clustering: Clustering, *, seed: int) -> tuple[float, float, float]:
    """How far clusters come back when pictures are resampled: mean adjusted Rand index, and its 2.5 and 97.5 %.

    A picture that a resample draws twice enters once: twins would be each other's nearest neighbours.
    """
    agreement = []
    for number in range(RESAMPLES):
        rng = np.random.default_rng([seed, number])
        drawn = np.unique(rng.integers(0, len(points), len(points)))
        again = clustered(points[drawn], seed=seed, count=clustering.count)
        agreement.append(adjusted_rand_score(clustering.labels[drawn], again.labels))
    low, high = np.quantile(agreement, [0.025, 0.975])
    return float(np.mean(agreement)), float(low), float(high)


def hot_boxes(
    points: Floats, inside: NDArray[np.bool_], height: int, width: int
) -> list[tuple[float, tuple[int, int, int, int]]]:
    """Where a cluster's maps lie and those of the others do not, strongest first.

    Args:
        points: float (n, rows, columns), as `descriptors` gives them.
        inside: bool (n,), the cluster.
        height, width: Of the picture, pixels.

    Returns:
        Share of the excess that lies there, and (x1, y1, x2, y2) in pixels of the picture, ends exclusive; nothing
        where the excess has no place.
    """
    excess = np.clip(points[inside].mean(axis=0) - points[~inside].mean(axis=0), 0, None).astype(np.float32)
    if excess.max(initial=0.0) <= 0:
        return []
    _, patches, stats, _ = cv2.connectedComponentsWithStats((excess >= HOT * excess.max()).astype(np.uint8))
    found = []
    for number in range(1, len(stats)):
        mass = float(excess[patches == number].sum() / excess.sum())
        left, top, columns, rows = stats[number, :4]
        share = columns * rows / excess.size
        if mass >= LEAST_EXCESS and share <= LARGEST_SHARE:
            found.append((mass, (int(left), int(top), int(left + columns), int(top + rows))))
    across, down = width / excess.shape[1], height / excess.shape[0]
    return [
        (mass, (int(x1 * across), int(y1 * down), int(np.ceil(x2 * across)), int(np.ceil(y2 * down))))
        for mass, (x1, y1, x2, y2) in sorted(found, reverse=True)
    ]
