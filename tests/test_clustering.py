"""Clusters of maps: found where they are, not found in noise, and their places in pixels."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import SpectralClustering
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import kneighbors_graph

from auditor.experiments.clustering import clustered, descriptors, eigengap, hot_boxes, stability

HEIGHT, WIDTH = 12, 16


def blobs(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Maps that lie top left, bottom right, or in the middle, each with noise, and which of the three."""
    rng = np.random.default_rng(seed)
    which = np.arange(count) % 3
    maps = rng.random((count, HEIGHT, WIDTH)) * 0.3
    for heat, place in zip(maps, which, strict=True):
        top, left = ((0, 0), (8, 12), (4, 6))[place]
        heat[top : top + 4, left : left + 4] += 1 + rng.random((4, 4))
    return maps.astype(np.float32), which


def noise(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((count, HEIGHT, WIDTH)).astype(np.float32)


def test_three_places_are_three_clusters_that_come_back() -> None:
    maps, which = blobs(60)
    points = descriptors(maps)

    found = clustered(points, seed=0)

    assert found.count == 3
    assert adjusted_rand_score(which, found.labels) == 1
    assert stability(points, found, seed=0)[0] == pytest.approx(1)
    assert found.eigengap > 2 * eigengap(descriptors(noise(60)))


def test_noise_has_no_clusters_that_come_back() -> None:
    points = descriptors(noise(60))

    assert stability(points, clustered(points, seed=0), seed=0)[0] < 0.6


def test_clusters_agree_with_scikit_learn_on_the_same_graph() -> None:
    points = descriptors(blobs(48, seed=1)[0])
    nearest = kneighbors_graph(points.reshape(48, -1), 6, mode="connectivity").toarray()
    joined = np.maximum(nearest, nearest.T) + 1e-6  # scikit-learn wants one connected graph

    theirs = SpectralClustering(3, affinity="precomputed", random_state=0).fit_predict(joined)

    assert adjusted_rand_score(theirs, clustered(points, seed=0).labels) == 1


def test_the_eigengap_is_that_of_the_dense_laplacian() -> None:
    points = descriptors(noise(40))
    nearest = kneighbors_graph(points.reshape(40, -1), 5, mode="connectivity").toarray()
    joined = np.maximum(nearest, nearest.T)
    degree = joined.sum(axis=1)
    values = np.sort(np.linalg.eigvalsh(np.eye(40) - joined / np.sqrt(np.outer(degree, degree))))

    gaps = [values[count] - values[count - 1] for count in range(2, 9)]
    assert eigengap(points) == pytest.approx(max(gaps))
    assert clustered(points, seed=0).count == 2 + int(np.argmax(gaps))


@pytest.mark.parametrize("count", [4, 9, 33])
def test_few_maps_are_clustered_all_the_same(count: int) -> None:
    maps, _ = blobs(count)

    found = clustered(descriptors(maps), seed=0)

    assert found.labels.shape == (count,)
    assert 2 <= found.count <= 8
    assert np.isfinite(found.eigengap)


def test_descriptors_keep_only_where_a_map_lies() -> None:
    maps, _ = blobs(6)

    small = descriptors(np.concatenate([maps, 1000 * maps, np.zeros((1, HEIGHT, WIDTH))]))

    assert small[:6] == pytest.approx(small[6:12], rel=1e-4)
    assert small[:12].sum(axis=(1, 2)) == pytest.approx(1)
    assert not small[12].any()
    assert descriptors(np.ones((1, 48, 96))).shape == (1, 12, 24)


def test_the_hot_box_is_where_only_the_cluster_looks() -> None:
    shared = np.zeros((20, 6, 8), np.float32)
    shared[:, 2:4, 3:5] = 1
    inside = np.arange(20) < 8
    shared[:8, 0:2, 0:2] = 1
    points = shared / shared.sum(axis=(1, 2), keepdims=True)

    ((weight, box),) = hot_boxes(points, inside, 24, 32)

    assert box == (0, 0, 8, 8)
    assert weight == pytest.approx(1)


def test_an_excess_that_is_everywhere_has_no_box() -> None:
    points = descriptors(np.concatenate([noise(10), blobs(30)[0][::3]]))
    inside = np.arange(20) < 10

    assert hot_boxes(points, inside, HEIGHT, WIDTH) == []
    assert hot_boxes(np.ones((6, 3, 4)), np.arange(6) < 3, 12, 16) == []
