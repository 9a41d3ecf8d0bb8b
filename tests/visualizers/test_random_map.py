from __future__ import annotations

import torch
from scipy.stats import kstest

from auditor.engine.maps import make_maps
from auditor.targets import as_targets
from auditor.visualizers import Captured
from auditor.visualizers.random_map import RandomMap
from tests.engine.networks import PlainCnn, images, inputs, loaded, sample, seeded


def captured(x: torch.Tensor) -> Captured:
    return Captured(x, torch.zeros(len(x), 5), as_targets(torch.zeros(len(x), dtype=torch.int64)))


def test_an_image_has_its_own_map_whatever_is_around_it_and_whatever_was_drawn_before() -> None:
    x = inputs(4)
    maps = RandomMap().maps(captured(x))
    torch.rand(5)

    again = RandomMap().maps(captured(x.flip(0)[:2]))

    assert torch.equal(again, maps.flip(0)[:2])
    assert len({tuple(one.ravel().tolist()) for one in maps}) == 4


def test_rounding_of_the_input_changes_nothing_and_another_picture_everything() -> None:
    x = torch.full((1, 3, 8, 6), 0.7)
    maps = RandomMap().maps(captured(x))

    assert torch.equal(RandomMap().maps(captured(x * (1 + 1e-6))), maps)
    assert not torch.equal(RandomMap().maps(captured(x + 0.1)), maps)
    assert not torch.equal(RandomMap(seed=1).maps(captured(x)), maps)


def test_its_cells_are_uniform() -> None:
    cells = RandomMap().maps(captured(inputs(40))).ravel()

    assert kstest(cells.numpy(), "uniform").pvalue > 0.01


def test_it_costs_no_gradient_and_does_not_depend_on_the_chunk() -> None:
    model = loaded(seeded(PlainCnn))
    runs = [
        make_maps(model, model.module, sample(images(5)), [RandomMap()], [], device=torch.device("cpu"), chunk=chunk)
        for chunk in (2, 5)
    ]

    assert (runs[0].maps[0].maps == runs[1].maps[0].maps).all()
    assert all(run.maps[0].usable.all() for run in runs)
