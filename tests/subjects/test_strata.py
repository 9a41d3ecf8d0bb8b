"""The draw: seeded, in equal shares, the same whatever order the pictures are listed in."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.errors import DataError
from auditor.subjects import PictureInfo
from auditor.subjects.strata import draw_sample, equal_shares

counts = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=2), st.integers(1, 30), min_size=1, max_size=12)


def pictures(label_counts: dict[int | None, int], **groups: str) -> list[PictureInfo]:
    return [
        PictureInfo(name=f"{label}/{number:03}.png", path=Path("x"), label=label, groups=dict(groups))
        for label, count in label_counts.items()
        for number in range(count)
    ]


def dealt(counts: dict[str, int], size: int) -> list[int]:
    """Slow twin: hand out one at a time, in turn, to everyone who has more to give."""
    shares = dict.fromkeys(counts, 0)
    while sum(shares.values()) < min(size, sum(counts.values())):
        for name in counts:
            if shares[name] < counts[name] and sum(shares.values()) < size:
                shares[name] += 1
    return sorted(shares.values())


@settings(deadline=None)
@given(counts, st.integers(1, 200), st.integers(0, 5))
def test_shares_are_those_of_dealing_cards(counts: dict[str, int], size: int, seed: int) -> None:
    shares = equal_shares(counts, size, seed)

    assert sum(shares.values()) == min(size, sum(counts.values()))
    assert all(shares[name] <= counts[name] for name in counts)
    unexhausted = [shares[name] for name in counts if shares[name] < counts[name]]
    assert max(unexhausted, default=0) - min(unexhausted, default=0) <= 1
    # who gets the last ones is drawn, so that a stratum with exactly one more to give can be exhausted by it
    assert abs(np.array(sorted(shares.values())) - np.array(dealt(counts, size))).sum() == 0


def test_who_gets_the_one_more_depends_on_the_seed_and_on_nothing_else() -> None:
    counts = dict.fromkeys("abcdefgh", 9)
    chosen = [frozenset(name for name, share in equal_shares(counts, 3, seed).items() if share) for seed in range(20)]

    assert equal_shares(counts, 3, 0) == {**equal_shares(dict(reversed(counts.items())), 3, 0)}
    assert len(set(chosen)) > 5
    assert set().union(*chosen) == set(counts)


@settings(deadline=None)
@given(st.permutations(range(24)), st.integers(1, 30), st.integers(0, 3))
def test_the_draw_does_not_depend_on_the_listing_order(order: list[int], size: int, seed: int) -> None:
    listed = pictures({0: 10, 1: 4, None: 10})

    drawn = draw_sample([listed[index] for index in order], size, seed)

    assert drawn == draw_sample(listed, size, seed)
    assert list(drawn.chosen) == sorted(drawn.chosen, key=lambda item: item.name)
    assert len({drawn.chosen[i].name for i in range(len(drawn.chosen))}) == min(size, 24)
    left_over = [picture for members in drawn.spares.values() for picture in members]
    assert len(left_over) + len(drawn.chosen) == 24


def test_small_labels_give_all_they_have_and_the_rest_is_spread() -> None:
    drawn = draw_sample(pictures({0: 100, 1: 100, 2: 3}), 31, seed=1)

    assert Counter(picture.label for picture in drawn.chosen) == {0: 14, 1: 14, 2: 3}
    assert drawn.rule == "31 of 203 pictures, drawn in equal shares of label (3 values) with seed 1"


def test_another_seed_draws_others_and_the_same_seed_the_same() -> None:
    listed = pictures({0: 200})
    first, again, other = (draw_sample(listed, 20, seed) for seed in (0, 0, 1))

    assert first == again
    assert 0 <= len({p.name for p in first.chosen} & {p.name for p in other.chosen}) < 10


def test_every_picture_is_as_likely_as_any_other() -> None:
    listed = pictures({0: 20})
    drawn = Counter(p.name for seed in range(400) for p in draw_sample(listed, 5, seed).chosen)

    # 400 draws of 5 of 20: 100 each, standard deviation 8.7
    assert len(drawn) == 20
    assert min(drawn.values()) > 65
    assert max(drawn.values()) < 135


def test_a_picture_more_changes_the_sample_by_one_at_most() -> None:
    listed = pictures({0: 60})
    before = {p.name for p in draw_sample(listed, 20, 0).chosen}
    after = {p.name for p in draw_sample([*listed, PictureInfo("new.png", Path("x"), label=0)], 20, 0).chosen}

    assert len(before - after) <= 1


def test_a_group_column_can_stratify() -> None:
    listed = [
        PictureInfo(f"{site}{n}.png", Path("x"), groups={"site": site}) for site in ("a", "b") for n in range(30)
    ] + [PictureInfo("none.png", Path("x"))]

    drawn = draw_sample(listed, 9, 0, "site")

    assert Counter(p.groups.get("site") for p in drawn.chosen) == {"a": 4, "b": 4, None: 1}


def test_clusters_can_stratify() -> None:
    listed = [PictureInfo(f"{c}{n}.png", Path("x"), cluster=c) for c in ("p1", "p2") for n in range(9)]

    assert Counter(p.cluster for p in draw_sample(listed, 4, 0, "cluster").chosen) == {"p1": 2, "p2": 2}


def test_an_unknown_column_is_refused_with_the_nearest() -> None:
    with pytest.raises(DataError, match="no picture has a group 'sight'; did you mean 'site'"):
        draw_sample(pictures({0: 3}, site="a"), 2, 0, "sight")


def test_unlabelled_pictures_are_drawn_at_random_and_the_rule_says_so() -> None:
    drawn = draw_sample(pictures({None: 9}), 4, 0)
    assert drawn.rule == "4 of 9 pictures, drawn at random with seed 0; no picture is labelled"


def test_two_boxes_in_one_photo_are_two_pictures() -> None:
    listed = [PictureInfo("a.png", Path("x"), box=(0, 0, size, size)) for size in (4, 5, 6)]
    assert len(draw_sample(listed, 2, 0).chosen) == 2


def test_no_pictures_is_an_error() -> None:
    with pytest.raises(DataError, match="no pictures"):
        draw_sample([], 5, 0)
