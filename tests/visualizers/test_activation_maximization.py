"""Made pictures against a network whose best picture is known, and what a report says of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.errors import NotApplicableError
from auditor.studies import PictureSheet, Study
from auditor.subjects import LoadedModel, Preprocessing
from auditor.synthesis import colours_of
from auditor.visualizers.activation_maximization import ActivationMaximization
from tests.engine.networks import CLASSES, ClassTokenViT, PlainCnn, images, loaded, seeded
from tests.visualizers.studied import prepared, studied

LABELS = np.array([0, 1, 1, 2, 2, 2])


class Stripes(nn.Module):
    """One score: bright columns minus dark ones, of pixels as they are. Its best picture is the stripes."""

    def __init__(self) -> None:
        super().__init__()
        signs = torch.ones(1, 3, 16, 12)
        signs[..., 6:] = -1
        self.signs = nn.Parameter(signs / signs.numel())

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack((x.new_zeros(len(x)), (x * self.signs).sum((1, 2, 3)) * 2), dim=1)


class SilentAtFirst(nn.Module):
    """One channel that only very bright pictures wake."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 1, 1)
        with torch.no_grad():
            for parameter, value in zip(self.conv.parameters(), (1 / 3, -0.65), strict=True):
                parameter.fill_(value)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.relu(self.conv(x)).mean((2, 3)).repeat(1, 2)
        return scores


def plain(module: nn.Module, channels: int = 3) -> LoadedModel:
    """For pixels in 0..1, not normalised."""
    form: Any = "rgb" if channels == 3 else "grey"
    values = Preprocessing(16, 12, "squash", 1.0, (0.0,) * channels, (1.0,) * channels, channels=form)
    return replace(loaded(module.eval()), preprocessing=values)


def sheet(study: Study) -> PictureSheet:
    (found,) = study.exhibits
    assert isinstance(found, PictureSheet)
    return found


def test_the_best_picture_of_a_known_network_is_found() -> None:
    part = ActivationMaximization(steps=120, classes=1, starts=2)

    (study,) = without_layers(part, plain(Stripes()), images(6) // 2 + 64)

    (row,) = sheet(study).rows
    made = row.tiles[0].picture.astype(float) / 255
    reached = float(row.tiles[0].words[0])
    assert 0.8 <= reached <= 1.0
    assert made[:, :6].mean() - made[:, 6:].mean() == pytest.approx(reached, abs=5e-3)


def test_with_fixed_magnitudes_the_best_is_the_sum_over_frequencies_and_is_nearly_found() -> None:
    """max over phases of ⟨w, x⟩ = ⟨w, mean⟩ + Σ magnitude · |spectrum of w| in channels that are apart."""
    pictures, module = images(6) // 16 + 120, Stripes()  # so pale that nothing is cut off
    real = pictures.double() / 255
    colours = colours_of(real)
    weights = 2 * module.signs.detach().double()[0]
    apart = (colours.root.T @ weights.flatten(1)).view(weights.shape)
    whole = torch.fft.fft2(colours.apart(real), norm="ortho").abs().mean(0)
    best = float(
        (weights * colours.mean[:, None, None]).sum() + (whole * torch.fft.fft2(apart, norm="ortho").abs()).sum()
    )

    (study,) = without_layers(ActivationMaximization(method="maco", steps=120, classes=1), plain(module), pictures)

    reached = float(sheet(study).rows[0].tiles[0].words[0])
    assert 0.75 * best <= reached <= 1.03 * best


def without_layers(part: ActivationMaximization, model: LoadedModel, pictures: Tensor) -> list[Study]:
    """The network has no grid, so that only its logits are observed."""
    audited, _, _ = prepared(model, pictures, [], labels=np.ones(len(pictures), dtype=np.int64))
    logits = model.module(model.preprocessing.to_input(pictures)).detach()
    return list(part.study(audited, [{"": {"logits": logits}}]))


def test_what_it_says_a_picture_reaches_is_what_the_network_answers_to_the_picture_as_shown() -> None:
    model, pictures = loaded(seeded(PlainCnn)), images(6)
    part = ActivationMaximization(steps=4, classes=2, channels=2, neurons=1, starts=1)

    (study,) = studied(part, model, pictures, ["features.6"], labels=LABELS)

    rows = sheet(study).rows
    assert [row.heading[0] for row in rows[:2]] == ["logit", "logit"]
    assert [row.heading[1] for row in rows[:2]] == ["2", "1"]
    module: Any = model.module
    real = module.features(model.preprocessing.to_input(pictures)).detach()
    for row in rows:
        shown = torch.from_numpy(row.tiles[0].picture.transpose(2, 0, 1).copy())[None]
        x = model.preprocessing.to_input(shown)
        if row.heading[0] == "logit":
            value, all_real = module(x)[0, int(row.heading[1])], None
        else:
            kind, unit = row.heading[0].split()
            grid = module.features(x)[0, int(unit)]
            value = grid[4, 3] if kind == "neuron" else grid.mean()
            all_real = real[:, int(unit), 4, 3] if kind == "neuron" else real[:, int(unit)].mean((1, 2))
        assert float(row.tiles[0].words[0]) == pytest.approx(float(value.detach()), rel=0.01, abs=1e-4)
        if all_real is not None:
            best = int(all_real.argmax())
            assert row.tiles[-1].words == (f"{float(all_real.max()):.3g}", f"real: {best}.png")
            assert row.tiles[0].words[1] == f"{float(value.detach()) / float(all_real.max()):.1f} × real"


def test_a_channel_that_is_silent_on_noise_is_woken() -> None:
    dark = images(6) // 8 + 200
    dark[3:] //= 8
    part = ActivationMaximization(steps=120, classes=0, channels=1, neurons=0, starts=1)

    (study,) = studied(part, plain(SilentAtFirst()), dark, ["relu"])

    assert float(sheet(study).rows[0].tiles[0].words[0]) > 0.05


def test_each_picture_is_the_same_in_whatever_batch_and_by_the_seed() -> None:
    model, pictures = loaded(seeded(PlainCnn)), images(6)
    both = ActivationMaximization(steps=3, classes=2, channels=0, starts=2)
    one = ActivationMaximization(steps=3, classes=1, channels=0, starts=1)

    first, again = (studied(both, model, pictures, ["features.6"], labels=LABELS)[0] for _ in range(2))
    (alone,) = studied(one, model, pictures, ["features.6"], labels=LABELS)
    (other,) = studied(one, model, pictures, ["features.6"], labels=LABELS, seed=1)

    tiles, same = sheet(first).rows[0].tiles, sheet(again).rows[0].tiles
    assert all(np.array_equal(a.picture, b.picture) for a, b in zip(tiles, same, strict=True))
    apart = np.abs(tiles[0].picture.astype(int) - sheet(alone).rows[0].tiles[0].picture.astype(int))
    assert apart.max() <= 1
    assert not np.array_equal(tiles[0].picture, tiles[1].picture)
    assert not np.array_equal(sheet(alone).rows[0].tiles[0].picture, sheet(other).rows[0].tiles[0].picture)


@pytest.mark.parametrize("method", ["fourier", "maco"])
def test_grey_pictures_and_transformers_are_served(method: Any) -> None:
    class Grey(PlainCnn):
        def __init__(self) -> None:
            super().__init__()
            self.features[0] = nn.Conv2d(1, 6, 3, padding=1)

    part = ActivationMaximization(method=method, steps=2, classes=1, channels=1, neurons=0, starts=1)
    for model, pictures, layer in (
        (plain(seeded(Grey), channels=1), images(6)[:, :1], "features.6"),
        (loaded(seeded(ClassTokenViT)), images(6), "encoder.layers.1"),
    ):
        (study,) = studied(part, model, pictures, [layer], labels=LABELS)

        assert [len(row.tiles) for row in sheet(study).rows] == [3, 3] if method == "maco" else [2, 2]
        assert all(tile.picture.shape == (16, 12, 3) for row in sheet(study).rows for tile in row.tiles)


def test_an_own_transforms_floats_stay_within_the_range_of_the_sample() -> None:
    values = Preprocessing(16, 12, "squash", 1.0, (0.0,) * 3, (1.0,) * 3, transform="own.py:f")
    model = replace(loaded(seeded(PlainCnn)), preprocessing=values)
    pictures = images(6).float() / 50 - 1.5

    (study,) = studied(ActivationMaximization(steps=2, channels=1), model, pictures, ["features.6"], labels=LABELS)

    assert sheet(study).rows


def test_without_classes_labels_or_layers_it_says_so() -> None:
    with pytest.raises(NotApplicableError, match="no target layer"):
        studied(ActivationMaximization(steps=1), loaded(seeded(PlainCnn)), images(6), [])
    part = ActivationMaximization(steps=1, classes=1, channels=0)
    encoder = replace(loaded(seeded(PlainCnn)), output="embedding")
    with pytest.raises(NotApplicableError, match="was asked for"):
        studied(part, encoder, images(6), ["features.6"])


def test_a_real_picture_that_reaches_more_is_told() -> None:
    (study,) = studied(
        ActivationMaximization(steps=1, classes=CLASSES, channels=4, neurons=0, starts=1),
        loaded(seeded(PlainCnn)), images(6), ["features.6"], labels=LABELS,
    )  # fmt: skip

    assert any("times the largest value on real pictures" in remark for remark in study.remarks)
    assert any("stayed below what a real picture reaches" in remark for remark in study.remarks)
