"""Embedding map: the sample as the network sees it before it decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from auditor.errors import NotApplicableError
from auditor.media import EVERY
from auditor.records import Measurement
from auditor.shares import percent
from auditor.statistics.intervals import mean_interval
from auditor.statistics.neighbours import agreement, nearest
from auditor.studies import Audited, Colouring, PictureRow, PictureSheet, PointChart, Projection, Study, Tile
from auditor.visualizers import StudyVisualizer

FEWEST = 3
"""Pictures below which there is no plane to speak of."""
FEWEST_BENT = 50
"""Below this, t-SNE and UMAP draw clusters into noise: their neighbourhoods span most of the sample."""
BENT = {"tsne": "t-SNE", "umap": "UMAP"}
SHOWN_GROUPS = 7
"""As many groups as colour-blind readers can tell apart; the others are hollow."""
CONSTANT = 1e-12


class EmbeddingMap(StudyVisualizer):
    """Embedding map: penultimate features of the sample on a plane, and which pictures are neighbours there.

    The features are what the classifying layer reads (an encoder's own output). PCA shows the plane of largest
    variance, with its share; t-SNE, and UMAP where it is asked for, keep neighbours together and nothing else:
    distances, sizes and gaps between their clusters mean nothing. Points are coloured by class, by
    prediction with wrong ones crossed out, and by each group of the metadata. Neighbours are those of the largest
    cosine; pictures of the same patient, video or site are no neighbours. Agreement a is the share of a picture's
    neighbours that have its class; by chance it is e, the share of that class among all that could be neighbours;
    beyond chance it is (a − e) / (1 − e). High agreement on a group (a hospital, a device) means that the features hold
    it, not that the decision uses it. Neither picture shows why two images are near each other.

    Source: van der Maaten and Hinton, "Visualizing Data using t-SNE", JMLR 2008; McInnes et al., "UMAP: Uniform
    Manifold Approximation and Projection", JOSS 2018; Cohen, "A Coefficient of Agreement for Nominal Scales", 1960, for
    agreement beyond chance.
    """

    neighbours: int = Field(5, ge=1, le=9, description="Nearest pictures that count as neighbours")
    shown: int = Field(6, ge=0, le=20, description="Pictures whose neighbours are shown, surest mistakes first")
    perplexity: float = Field(30.0, gt=1, le=100, description="Of t-SNE; less where the sample is small")

    beside_pca: tuple[Literal["tsne", "umap"], ...] = Field(
        ("tsne",), description="Planes beside PCA that keep neighbours together; umap needs the extra `umap`"
    )

    media = EVERY
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    reading = (
        "Each point is one of the sample; near points look alike to the network. A class in two clumps, or clumps "
        "that follow a device or a site instead of the class, deserve a look. In t-SNE and UMAP only who is next to "
        "whom has a meaning."
    )

    def mistakes(self, folder: Path) -> list[tuple[str, str]]:
        found = super().mistakes(folder)
        if "umap" in self.beside_pca and find_spec("umap") is None:
            found.append(("beside_pca", "umap needs umap-learn, which is not installed: pip install 'auditor[umap]'"))
        return found

    def forwards(self, height: int, width: int) -> int:
        return 1

    def study(self, audited: Audited, observed: Sequence[Any]) -> Sequence[Study]:
        count, several = len(audited.sample), audited.sample.medium.several
        if count < FEWEST:
            raise NotApplicableError(f"{count} {several} make no plane; at least {FEWEST} are needed")
        features = audited.features().astype(np.float64)
        finite = np.isfinite(features).all(axis=1)
        if not finite.all():
            raise NotApplicableError(f"the features of {int((~finite).sum())} of {count} {several} are not finite")
        if float(features.var(axis=0).sum()) <= CONSTANT:
            raise NotApplicableError(f"all {several} have the same features")
        remarks: list[str] = []
        projections = self._projections(features, audited.seed, several, remarks)
        colourings = _colourings(audited)
        charts = [
            PointChart(
                projections,
                colouring,
                f"{count} {several} in the space of {features.shape[1]} features, {colouring.title}: "
                f"{'; '.join(one.title for one in projections)}.",
                f"{count} points, {colouring.title}, in {len(projections)} projections.",
                name,
            )
            for name, colouring in colourings.items()
        ]
        near, cosines = nearest(features, audited.clusters, self.neighbours)
        measured = []
        if near.shape[1] < 1:
            remarks.append(f"All {several} belong to one patient, video or site: none has a neighbour")
        else:
            measured = _agreements(audited, near)
        sheets = self._sheets(audited, near, cosines)
        return [Study([*charts, *sheets], measurements=tuple(measured), remarks=tuple(remarks))]

    def _projections(self, features: np.ndarray, seed: int, several: str, remarks: list[str]) -> list[Projection]:
        points, shares = principal(features)
        found = [
            Projection(
                "PCA",
                points,
                (f"component 1, {100 * shares[0]:.0f} % of the variance", f"component 2, {100 * shares[1]:.0f} %"),
            )
        ]
        count, planes = len(features), tuple(dict.fromkeys(self.beside_pca))
        if planes and count < FEWEST_BENT:
            remarks.append(_left_out([BENT[plane] for plane in planes], count, several))
            return found
        return [*found, *(self._bent(plane, features, seed % 2**32) for plane in planes)]

    def _bent(self, plane: str, features: np.ndarray, seed: int) -> Projection:
        """A plane that keeps neighbours together."""
        if plane == "umap":
            reducer = import_module("umap").UMAP(random_state=seed, n_jobs=1)
            return Projection("UMAP", np.asarray(reducer.fit_transform(features)))
        from sklearn.manifold import TSNE

        perplexity = min(self.perplexity, (len(features) - 1) / 4)
        tsne = TSNE(perplexity=perplexity, init="pca", learning_rate="auto", random_state=seed)
        return Projection(f"t-SNE, perplexity {perplexity:.3g}", tsne.fit_transform(features))

    def _sheets(self, audited: Audited, near: np.ndarray, cosines: np.ndarray) -> list[PictureSheet]:
        chosen, several = _queries(audited, self.shown), audited.sample.medium.several
        if not chosen or near.shape[1] < 1:
            return []
        rows = []
        for index in chosen:
            own = int(audited.sample.labels[index])
            tiles = [Tile(audited.sample.display(index), (_name(audited, index), audited.sample.pictures[index].name))]
            for other, cosine in zip(near[index].tolist(), cosines[index].tolist(), strict=True):
                label = int(audited.sample.labels[other])
                differs = own >= 0 and label >= 0 and own != label
                words = (_name(audited, other), f"{'≠ ' if differs else ''}cosine {cosine:.2f}")
                tiles.append(Tile(audited.sample.display(other), words, marked=differs))
            predicted = "" if audited.predicted is None else audited.class_name(int(audited.predicted[index]))
            wrong = audited.predicted is not None and own >= 0 and own != int(audited.predicted[index])
            rows.append(
                PictureRow((f"wrong: {predicted}" if wrong else predicted or audited.sample.medium.value,), tiles)
            )
        labelled = bool((audited.sample.labels >= 0).any())
        framed = " Neighbours of another class are framed and marked ≠." if labelled else ""
        return [
            PictureSheet(
                rows,
                f"The {near.shape[1]} nearest {several} of {len(rows)} {several}, nearest first; at the left, what was "
                f"predicted.{framed}",
                f"{len(rows)} {several}, each with its {near.shape[1]} nearest.",
                "neighbours",
            )
        ]


def _left_out(planes: Sequence[str], count: int, several: str) -> str:
    if len(planes) == 1:
        return (
            f"{planes[0]} was left out: with {count} {several}, fewer than {FEWEST_BENT}, it draws clusters into noise"
        )
    return (
        f"{' and '.join(planes)} were left out: with {count} {several}, fewer than {FEWEST_BENT}, they draw clusters "
        "into noise"
    )


def principal(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two components of largest variance, (n, 2), and their shares of it; the largest loading is positive."""
    centred = features - features.mean(axis=0)
    left, values, right = np.linalg.svd(centred, full_matrices=False)
    share = values**2 / max(float((values**2).sum()), np.finfo(float).tiny)
    points = left[:, :2] * values[:2]
    largest = np.take_along_axis(right[:2], np.abs(right[:2]).argmax(axis=1)[:, None], axis=1)[:, 0]
    points *= np.where(largest < 0, -1, 1)
    if points.shape[1] < 2:
        points, share = np.pad(points, ((0, 0), (0, 1))), np.pad(share, (0, 1))
    return points, share[:2]


def _agreements(audited: Audited, near: np.ndarray) -> list[Measurement]:
    kinds = {"class": audited.sample.labels}
    if audited.predicted is not None:
        kinds["prediction"] = np.asarray(audited.predicted)
    kinds.update({column: _numbered(audited, column)[1] for column in _columns(audited)})
    found = []
    for kind, groups in kinds.items():
        if len(set(groups[groups >= 0].tolist())) < 2:
            continue
        shares, chances, used = agreement(groups, near, audited.clusters)
        if len(shares) == 0:
            continue
        value, chance = float(shares.mean()), float(chances.mean())
        low, high = mean_interval(shares, audited.clusters[used], seed=audited.seed)
        note = f"{near.shape[1]} neighbours a {audited.sample.medium.value}; by chance {percent(chance)}"
        found.append(
            Measurement(name=f"neighbours_same:{kind}", value=value, low=low, high=high, count=len(used), note=note)
        )
        if chance < 1:
            beyond = [(each - chance) / (1 - chance) for each in (value, low, high)]
            found.append(
                Measurement(
                    name=f"neighbours_beyond_chance:{kind}",
                    value=beyond[0],
                    low=beyond[1],
                    high=beyond[2],
                    count=len(used),
                    note="0 is chance, 1 is all; chance is taken as known in the interval",
                )
            )
    return found


def _colourings(audited: Audited) -> dict[str, Colouring]:
    """Name → colouring; one without any where nothing is known of the pictures."""
    labels, found = audited.sample.labels, {}
    labelled = bool((labels >= 0).any())
    if labelled:
        found["class"] = _of_classes(audited, labels, labels, "by class")
    if audited.predicted is not None:
        predicted = np.asarray(audited.predicted)
        wrong = (labels >= 0) & (labels != predicted)
        # a class has one colour and one shape in both charts
        order = labels if labelled else predicted
        found["prediction"] = _of_classes(audited, predicted, order, "by predicted class", wrong)
    for column in _columns(audited):
        names, groups = _numbered(audited, column)
        found[column] = _commonest(names, groups, groups, f"by {column}", "values")
    return found or {
        "": Colouring("none of them with a class", (), np.full(len(labels), -1), rest=audited.sample.medium.several)
    }


def _of_classes(
    audited: Audited, classes: np.ndarray, order: np.ndarray, title: str, wrong: np.ndarray | None = None
) -> Colouring:
    names = [audited.class_name(index) for index in range(int(max(classes.max(), order.max())) + 1)]
    return _commonest(names, classes, order, title, "classes", wrong)


def _commonest(
    names: Sequence[str],
    groups: np.ndarray,
    order: np.ndarray,
    title: str,
    what: str,
    wrong: np.ndarray | None = None,
) -> Colouring:
    """The groups that are commonest in `order` keep their names; the others are one."""
    counts = Counter(order[order >= 0].tolist())
    kept = sorted(counts, key=lambda group: (-counts[group], group))[:SHOWN_GROUPS]
    places = {group: place for place, group in enumerate(kept)}
    placed = np.asarray([places.get(group, -1) for group in groups.tolist()])
    left = len(set(groups[groups >= 0].tolist()) - set(kept))
    rest = f"{left} other {what}" if left else "not known"
    return Colouring(title, [names[group] for group in kept], placed, wrong, rest)


def _columns(audited: Audited) -> list[str]:
    """Columns of the metadata that tell pictures apart."""
    columns = dict.fromkeys(column for picture in audited.sample.pictures for column in picture.groups)
    return [column for column in columns if len(_numbered(audited, column)[0]) > 1]


def _numbered(audited: Audited, column: str) -> tuple[list[str], np.ndarray]:
    """Values of a column, and each picture's number among them; −1 without one."""
    values = [picture.groups.get(column) for picture in audited.sample.pictures]
    names = sorted({value for value in values if value})
    places = {name: number for number, name in enumerate(names)}
    return names, np.asarray([places.get(value, -1) if value else -1 for value in values])


def _queries(audited: Audited, count: int) -> list[int]:
    """Mistakes for half of the places, then others, spread evenly over the sample."""
    labels, total = audited.sample.labels, len(audited.sample)
    wrong = np.zeros(0, dtype=np.int64)
    if audited.predicted is not None:
        wrong = np.flatnonzero((labels >= 0) & (labels != audited.predicted))
    order = np.random.default_rng(0).permutation(total)
    first = [int(index) for index in order if index in set(wrong.tolist())][: count // 2]
    return (first + [int(index) for index in order if int(index) not in first])[:count]


def _name(audited: Audited, index: int) -> str:
    label = int(audited.sample.labels[index])
    return audited.class_name(label) if label >= 0 else audited.sample.pictures[index].name
