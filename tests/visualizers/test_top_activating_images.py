"""Top-activating images against a loop over pictures, one at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from auditor.engine.capture import capture
from auditor.errors import ModelError, NotApplicableError
from auditor.studies import PictureSheet, Study, most_selective
from auditor.visualizers import Need
from auditor.visualizers.top_activating_images import TopActivatingImages
from tests.engine.networks import HEIGHT, WIDTH, ClassTokenViT, PlainCnn, images, loaded, seeded
from tests.visualizers.studied import prepared, studied


def sheet(study: Study) -> PictureSheet:
    (found,) = study.exhibits
    assert isinstance(found, PictureSheet)
    return found


def peaks_one_by_one(model: Any, x: Tensor) -> np.ndarray:
    """(pictures, units) of features.2."""
    return np.array([model.features[:3](one[None])[0].flatten(1).max(1).values.detach().numpy() for one in x])


def test_channels_and_pictures_are_those_of_the_loop() -> None:
    module, pictures = seeded(PlainCnn), images(9)
    model = loaded(module)
    x = model.preprocessing.to_input(pictures)
    peaks = peaks_one_by_one(module, x)
    units = np.argsort(-peaks.std(axis=0))[:2]

    (study,) = studied(TopActivatingImages(channels=2, pictures=3), model, pictures, ["features.2"])

    assert study.layer == "features.2"
    for row, unit in zip(sheet(study).rows, units, strict=True):
        assert row.heading[0] == f"channel {unit}"
        order = np.argsort(-peaks[:, unit])[:3]
        for place, index in enumerate(order):
            whole, crop = row.tiles[2 * place : 2 * place + 2]
            assert whole.words[1] == f"{index}.png"
            assert float(whole.words[0].split()[0]) == pytest.approx(peaks[index, unit], rel=5e-3)
            assert whole.box is not None
            x1, y1, x2, y2 = whole.box
            grid = module.features[:3](x[index : index + 1])[0, unit].detach()
            at = divmod(int(grid.argmax()), WIDTH)
            assert whole.box == (max(0, at[1] - 1), max(0, at[0] - 1), min(WIDTH, at[1] + 2), min(HEIGHT, at[0] + 2))
            np.testing.assert_array_equal(crop.picture, whole.picture[y1:y2, x1:x2])
            # the crop alone, in its place on any ground, excites the unit as much
            ground = torch.zeros_like(x[:1])
            ground[0, :, y1:y2, x1:x2] = x[index, :, y1:y2, x1:x2]
            assert float(module.features[:3](ground)[0, unit, at[0], at[1]].detach()) == pytest.approx(
                peaks[index, unit], rel=1e-4
            )


def test_it_costs_no_pass_but_the_receptive_fields_which_are_found_once_for_all_layers() -> None:
    model, pictures = loaded(seeded(PlainCnn)), images(5)
    audited, predictor, _ = prepared(model, pictures, ["features.2", "features.6"])
    x = model.preprocessing.to_input(pictures)
    part = TopActivatingImages()
    found = capture(model.module, x, layers=["features.2", "features.6"], needs=frozenset({Need.ACTIVATIONS}))
    spent = predictor.forwards

    studies = part.study(audited, [part.observe(found[None])])

    assert [study.layer for study in studies] == ["features.2", "features.6"]
    assert predictor.forwards - spent <= part.forwards_in_all(2, HEIGHT, WIDTH)


def test_of_a_transformer_the_whole_picture_is_shown_without_a_frame() -> None:
    (study,) = studied(TopActivatingImages(), loaded(seeded(ClassTokenViT)), images(5), ["encoder.layers.1"])

    assert "its receptive field is the whole picture" in sheet(study).caption
    assert all(tile.box is None for row in sheet(study).rows for tile in row.tiles)
    assert {len(row.tiles) for row in sheet(study).rows} == {4}


def test_a_network_that_refuses_undefined_pixels_gets_whole_pictures_and_a_remark() -> None:
    class Refuses(PlainCnn):
        def forward(self, x: Tensor) -> Tensor:
            if bool(x.isnan().any()):
                raise ValueError("not a number")
            return super().forward(x)

    (study,) = studied(TopActivatingImages(), loaded(seeded(Refuses)), images(5), ["features.2"])

    assert "could not be found" in study.remarks[0]
    assert all(tile.box is None for row in sheet(study).rows for tile in row.tiles)


def test_channels_that_are_named_are_shown_and_unknown_ones_refused() -> None:
    model = loaded(seeded(PlainCnn))

    (study,) = studied(TopActivatingImages(units=(5, 0)), model, images(5), ["features.2"])

    assert [row.heading[0] for row in sheet(study).rows] == ["channel 5", "channel 0"]
    with pytest.raises(ModelError, match="6 channels, and none numbered 7"):
        studied(TopActivatingImages(units=(7,)), model, images(5), ["features.2"])


def test_equal_pictures_leave_nothing_to_choose_by() -> None:
    with pytest.raises(NotApplicableError, match="ever changes"):
        studied(TopActivatingImages(), loaded(seeded(PlainCnn)), images(1).repeat(4, 1, 1, 1), ["features.2"])


def test_units_that_never_change_are_not_selective_and_ties_go_to_the_first() -> None:
    peaks = torch.tensor([[1.0, 0.0, 5.0, 2.0], [1.0, 1.0, 5.0, 1.0], [1.0, 2.0, 9.0, 0.0]])

    assert most_selective(peaks, 4) == [2, 1, 3]
