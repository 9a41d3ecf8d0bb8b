"""Planes and neighbours against scikit-learn and counts by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from torch import Tensor, nn

from auditor.engine.studying import lend
from auditor.errors import NotApplicableError
from auditor.statistics.neighbours import agreement, nearest
from auditor.studies import PictureSheet, PointChart, Study
from auditor.visualizers.embedding_map import FEWEST_BENT, EmbeddingMap, principal
from tests.engine.networks import PlainCnn, images, loaded, sample, seeded
from tests.visualizers.studied import prepared, studied


def features(count: int = 20, wide: int = 6) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, wide)) * np.arange(1, wide + 1) + 3


def charts(study: Study) -> list[PointChart]:
    return [one for one in study.exhibits if isinstance(one, PointChart)]


def test_the_plane_is_that_of_scikit_learn_up_to_the_sign() -> None:
    given = features()
    fitted = PCA(2, svd_solver="full").fit(given)

    points, shares = principal(given)

    np.testing.assert_allclose(shares, fitted.explained_variance_ratio_)
    np.testing.assert_allclose(np.abs(points), np.abs(fitted.transform(given)), atol=1e-9)


def test_one_feature_makes_a_line() -> None:
    points, shares = principal(features(wide=1))

    assert points.shape == (20, 2)
    assert not points[:, 1].any()
    np.testing.assert_allclose(shares, [1, 0])


def test_neighbours_are_those_of_scikit_learn() -> None:
    given = features()
    expected = NearestNeighbors(n_neighbors=5, metric="cosine").fit(given)
    distances, order = expected.kneighbors()

    near, cosines = nearest(given, np.arange(20), 5)

    np.testing.assert_array_equal(near, order)
    np.testing.assert_allclose(cosines, 1 - distances)


def test_pictures_of_one_patient_are_no_neighbours() -> None:
    clusters = np.repeat(np.arange(4), 5)

    near, _ = nearest(features(), clusters, 9)

    assert near.shape == (20, 9)
    assert not (clusters[near] == clusters[:, None]).any()
    assert nearest(features(6), np.zeros(6, dtype=int), 3)[0].shape == (6, 0)


def test_agreement_and_chance_are_shares_counted_by_hand() -> None:
    groups = np.array([0, 0, 0, 1, 1, -1])
    near = np.array([[1, 2], [0, 3], [3, 5], [4, 0], [5, 5], [0, 1]])

    shares, chances, used = agreement(groups, near, np.arange(6))

    np.testing.assert_allclose(shares, [1, 0.5, 0, 0.5])
    np.testing.assert_allclose(chances, [2 / 4, 2 / 4, 2 / 4, 1 / 4])
    assert used.tolist() == [0, 1, 2, 3]


class Brightness(nn.Module):
    """Features: how bright each channel is. Class 1 is bright red."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(x.mean((2, 3)))
        return scores


def two_kinds(count: int = 24) -> tuple[Tensor, np.ndarray]:
    """Red and blue pictures."""
    labels = np.arange(count) % 2
    pictures = images(count) // 4
    pictures[labels == 0, 2] += 150
    pictures[labels == 1, 0] += 150
    return pictures, labels


def test_classes_that_lie_apart_have_neighbours_of_their_own_class_alone() -> None:
    pictures, labels = two_kinds()

    (study,) = studied(EmbeddingMap(), loaded(seeded(Brightness)), pictures, [], labels=labels, predicted=labels,
                       classes=("blue", "red"))  # fmt: skip

    found = {one.name: one for one in study.measurements}
    assert found["neighbours_same:class"].value == 1
    assert found["neighbours_same:class"].low is not None
    assert 0.8 < found["neighbours_same:class"].low < 1
    assert found["neighbours_beyond_chance:class"].value == pytest.approx(1)
    assert "by chance 48%" in (found["neighbours_same:class"].note or "").replace(" %", "%")
    class_chart, prediction_chart = charts(study)
    assert class_chart.colouring.names == ["blue", "red"]
    assert prediction_chart.colouring.wrong is not None
    assert not prediction_chart.colouring.wrong.any()
    assert [one.title for one in class_chart.projections] == ["PCA"]
    assert any("t-SNE was left out: with 24 pictures" in remark for remark in study.remarks)


def test_features_that_say_nothing_of_the_class_agree_as_chance_does() -> None:
    labels = np.random.default_rng(3).integers(0, 2, 60)

    (study,) = studied(EmbeddingMap(shown=0), loaded(seeded(PlainCnn)), images(60), ["features.6"], labels=labels)

    beyond = {one.name: one for one in study.measurements}["neighbours_beyond_chance:class"]
    assert beyond.low is not None
    assert beyond.high is not None
    assert beyond.low < 0.1
    assert beyond.high > -0.1


def test_mistakes_are_crossed_out_and_neighbours_of_another_class_are_marked_in_words_too() -> None:
    pictures, labels = two_kinds()
    labels[0] = 1

    (study,) = studied(EmbeddingMap(), loaded(seeded(Brightness)), pictures, [], labels=labels,
                       predicted=np.arange(24) % 2, classes=("blue", "red"))  # fmt: skip

    wrong = charts(study)[1].colouring.wrong
    assert wrong is not None
    assert np.flatnonzero(wrong).tolist() == [0]
    sheet = study.exhibits[-1]
    assert isinstance(sheet, PictureSheet)
    assert sheet.rows[0].heading == ("wrong: blue",)
    for tile in sheet.rows[0].tiles[1:]:
        assert tile.marked == tile.words[1].startswith("≠")
    assert any(tile.marked for tile in sheet.rows[0].tiles)


def test_an_encoder_without_classes_and_labels_has_a_map_and_neighbours() -> None:
    model = replace(loaded(seeded(Brightness)), output="embedding")
    pictures, _ = two_kinds()
    outputs = model.module(model.preprocessing.to_input(pictures)).detach().numpy()

    audited, predictor, _ = prepared(model, pictures, [])
    found = audited.features()
    (study,) = EmbeddingMap().study(audited, ())

    np.testing.assert_allclose(found, outputs, rtol=1e-5)
    assert predictor.forwards == 2 * len(pictures)
    assert study.measurements == ()
    (chart,) = charts(study)
    assert chart.colouring.names == ()
    assert (chart.colouring.groups == -1).all()
    sheet = study.exhibits[-1]
    assert isinstance(sheet, PictureSheet)
    assert not any(tile.marked for row in sheet.rows for tile in row.tiles)


def test_groups_of_the_metadata_are_drawn_and_measured() -> None:
    pictures, labels = two_kinds()
    given = sample(pictures)
    given = replace(
        given, pictures=[replace(one, groups={"site": "north" if label else "south", "same": "all"})
                         for one, label in zip(given.pictures, labels, strict=True)],
    )  # fmt: skip
    model = loaded(seeded(Brightness))
    predictor = prepared(model, pictures, [])[1]

    (study,) = EmbeddingMap().study(lend(predictor, given, []), ())

    assert [one.name for one in charts(study)] == ["site"]
    assert charts(study)[0].colouring.names == ["north", "south"]
    assert {one.name for one in study.measurements} == {"neighbours_same:site", "neighbours_beyond_chance:site"}


def test_of_many_classes_the_commonest_keep_their_names() -> None:
    labels = np.concatenate([np.arange(10), np.arange(9), np.arange(9)])

    (study,) = studied(EmbeddingMap(shown=0), loaded(seeded(PlainCnn)), images(28), ["features.6"], labels=labels)

    colouring = charts(study)[0].colouring
    assert colouring.names == ["0", "1", "2", "3", "4", "5", "6"]
    assert colouring.rest == "3 other classes"
    assert (colouring.groups == -1).sum() == 7


def test_with_enough_pictures_t_sne_is_drawn_and_the_same_by_the_seed() -> None:
    count = FEWEST_BENT
    drawn: list[Any] = []
    for _ in range(2):
        (study,) = studied(EmbeddingMap(shown=0), loaded(seeded(PlainCnn)), images(count), ["features.6"],
                           labels=np.arange(count) % 2)  # fmt: skip
        drawn.append(charts(study)[0].projections)

    assert [one.title for one in drawn[0]][:2] == ["PCA", "t-SNE, perplexity 12.2"]
    np.testing.assert_array_equal(drawn[0][1].points, drawn[1][1].points)


def test_few_equal_or_broken_features_are_refused_in_words() -> None:
    model = loaded(seeded(PlainCnn))
    with pytest.raises(NotApplicableError, match="2 pictures make no plane"):
        studied(EmbeddingMap(), model, images(2), [])
    with pytest.raises(NotApplicableError, match="same features"):
        studied(EmbeddingMap(), model, images(1).repeat(5, 1, 1, 1), [])
    broken = replace(prepared(model, images(5), [])[0], features=lambda: np.full((5, 3), np.nan))
    with pytest.raises(NotApplicableError, match="5 of 5 pictures are not finite"):
        EmbeddingMap().study(broken, ())


def test_umap_is_a_mistake_of_the_spec_where_it_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("auditor.visualizers.embedding_map.find_spec", lambda name: None)

    assert EmbeddingMap().mistakes(tmp_path) == []
    assert EmbeddingMap(beside_pca=("umap",)).mistakes(tmp_path) == [
        ("beside_pca", "umap needs umap-learn, which is not installed: pip install 'auditor[umap]'")
    ]


def test_both_planes_are_left_out_of_a_small_sample_in_words() -> None:
    (study,) = studied(EmbeddingMap(shown=0, beside_pca=("tsne", "umap")), loaded(seeded(PlainCnn)), images(20), [])

    assert [one.title for one in charts(study)[0].projections] == ["PCA"]
    assert study.remarks[0].startswith("t-SNE and UMAP were left out: with 20 pictures, fewer than 50, they draw")


@pytest.mark.filterwarnings("ignore")
def test_umap_is_drawn_beside_pca_where_it_is_asked_for_and_the_same_by_the_seed() -> None:
    pytest.importorskip("umap")
    pictures, labels = two_kinds(60)
    part = EmbeddingMap(shown=0, beside_pca=("umap",))

    first, second = (
        charts(studied(part, loaded(seeded(Brightness)), pictures, [], labels=labels)[0])[0].projections
        for _ in range(2)
    )

    assert [one.title for one in first] == ["PCA", "UMAP"]
    np.testing.assert_array_equal(first[1].points, second[1].points)
    apart = first[1].points[labels == 0].mean(axis=0) - first[1].points[labels == 1].mean(axis=0)
    spread = max(float(first[1].points[labels == label].std()) for label in (0, 1))
    assert float(np.linalg.norm(apart)) > spread
