"""What pictures and clips share: the same formulas with one more axis, against closed forms and slow twins."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from auditor import synthesis
from auditor.cam_formulas import grad_cam
from auditor.engine.predictor import Predictor
from auditor.engine.studying import lend
from auditor.media import Medium
from auditor.studies import PictureSheet, PointChart
from auditor.superpixels import superpixels
from auditor.targets import as_targets
from auditor.visualizers import Captured
from auditor.visualizers.activation_maximization import ActivationMaximization
from auditor.visualizers.embedding_map import EmbeddingMap
from auditor.visualizers.feature_maps import FeatureMaps
from auditor.visualizers.kernel_shap import KernelShap
from auditor.visualizers.lime import Lime
from auditor.visualizers.multi_scale_cam import MultiScaleCam
from auditor.visualizers.random_map import RandomMap
from auditor.visualizers.rise import Rise
from auditor.visualizers.top_activating_images import TopActivatingImages
from tests.visualizers.test_adversarial_in_depth import loaded, stacks

EXTENT = (4, 8, 6)
FILL = torch.tensor([0.3, -0.2]).view(2, 1, 1, 1)


def inputs(count: int = 2) -> Tensor:
    return torch.randn((count, 2, *EXTENT), generator=torch.Generator().manual_seed(3))


def adding(weights: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """A model that adds voxels up: score = Σ w · x."""
    return lambda batch, targets: (batch * weights).flatten(1).sum(1)


def captured_on(x: Tensor, weights: Tensor) -> Captured:
    targets = as_targets(torch.zeros(len(x)).long())
    return Captured(x, torch.zeros(len(x), 2), targets, target_scores=adding(weights), fill=FILL)


@pytest.mark.parametrize("method", [Lime(samples=400, patches=8, ridge=1e-9), KernelShap(samples=400, patches=8)])
def test_of_an_adding_model_each_patch_of_a_volume_has_its_own_sum(method: Lime | KernelShap) -> None:
    x, weights = inputs(), torch.randn((2, *EXTENT), generator=torch.Generator().manual_seed(1)) / 100

    maps = method.maps(captured_on(x, weights))

    for image, found in zip(x, maps, strict=True):
        labels = torch.from_numpy(superpixels(image.numpy(), 8))
        gains = (weights * (image - FILL)).sum(0)
        sums = torch.zeros(int(labels.max()) + 1).index_add_(0, labels.flatten(), gains.flatten())
        torch.testing.assert_close(found, sums[labels].clamp(min=0), atol=1e-5, rtol=1e-3)


def test_rise_lights_up_the_only_place_and_time_that_count() -> None:
    weights = torch.zeros(2, *EXTENT)
    weights[:, :2, :4, :3] = 0.02

    maps = Rise(masks=1500, cells=2).maps(captured_on(torch.ones(1, 2, *EXTENT), weights))[0]

    assert maps.shape == EXTENT
    assert float(maps[:2, :4, :3].mean()) > 4 * float(maps[3:, 6:, 4:].mean())


def test_patches_of_a_plain_volume_are_the_cells_of_a_grid_and_one_slice_is_a_picture() -> None:
    picture = np.random.default_rng(0).normal(size=(3, 16, 12))

    labels = superpixels(np.zeros((1, 4, 8, 12)), 48)
    one_slice = superpixels(picture[:, None], 12)

    d, h, w = np.indices((4, 8, 12))
    np.testing.assert_array_equal(labels, (d // 2 * 4 + h // 2) * 6 + w // 2)
    np.testing.assert_array_equal(one_slice[0], superpixels(picture, 12))


def test_a_random_map_has_a_depth_and_depends_on_the_clip_alone() -> None:
    x = inputs()
    both = RandomMap(cells=3).maps(captured_on(x, torch.zeros(1)))
    alone = RandomMap(cells=3).maps(captured_on(x[1:], torch.zeros(1)))

    assert both.shape == (2, 3, 3, 3)
    assert torch.equal(both[1], alone[0])
    assert not torch.equal(both[0], both[1])


def test_units_are_ranked_by_their_mean_over_time_and_place() -> None:
    activations = torch.zeros(1, 3, 2, 4, 3)
    activations[0, 2], activations[0, 0, 1, 0, 0] = 1.0, 5.0

    maps, units = FeatureMaps(shown=2).channels(
        Captured(inputs(1), torch.zeros(1, 2), as_targets(torch.zeros(1).long()), "layer", activations)
    )

    assert units.tolist() == [[2, 0]]
    assert torch.equal(maps[0, 1], activations[0, 0])


def test_multi_scale_cam_makes_frames_smaller_and_keeps_their_number() -> None:
    draw = torch.Generator().manual_seed(2)
    seen: list[Tensor] = []

    def again(x: Tensor) -> Captured:
        seen.append(x)
        grid = (x.shape[2] // 2, x.shape[3] // 2, x.shape[4] // 2)
        activations, gradients = (torch.randn((len(x), 3, *grid), generator=draw) for _ in range(2))
        return Captured(x, torch.zeros(len(x), 2), as_targets(torch.zeros(len(x)).long()), "l", activations, gradients)

    own = again(inputs())
    drawn = draw.get_state()
    own = Captured(own.inputs, own.logits, own.targets, "l", own.activations, own.gradients, again=again)
    assert own.activations is not None
    assert own.gradients is not None

    found = MultiScaleCam().maps(own)

    draw.set_state(drawn)
    expected = 0.6 * grad_cam(own.activations, own.gradients)
    for size, weight in (((6, 4), 0.3), ((4, 3), 0.1)):
        frames = [F.interpolate(inputs()[:, :, k], size=size, mode="bilinear", antialias=True) for k in range(4)]
        torch.testing.assert_close(seen[1 if weight == 0.3 else 2], torch.stack(frames, 2))
        there = again(torch.stack(frames, 2))
        assert there.activations is not None
        assert there.gradients is not None
        small = grad_cam(there.activations, there.gradients)
        large = F.interpolate(small[:, None], size=(2, 4, 3), mode="trilinear")[:, 0]
        expected += weight * small[0].numel() / 24 * large
    torch.testing.assert_close(found, expected)


class ReadsFrames(nn.Module):
    """One unit: how bright the first channel is, frame by frame; class 1 where any frame is brighter than grey."""

    def __init__(self) -> None:
        super().__init__()
        self.unit = nn.Conv3d(2, 2, 1)
        self.head = nn.Linear(2, 2)
        with torch.no_grad():
            self.unit.weight.copy_(torch.eye(2)[:, :, None, None, None])
            self.unit.bias.zero_()  # type: ignore[union-attr]

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.unit(x).mean((2, 3, 4)))
        return scores


def test_of_a_clip_that_excites_a_channel_the_frame_is_shown_in_which_it_does() -> None:
    given = stacks(Medium.CLIP, 2)
    for index in range(len(given)):
        given.images[index, 0, index % 8, 3, 4] = 200 + index
    module = ReadsFrames()
    predictor = Predictor(loaded(module, 2), torch.device("cpu"), chunk=8)
    audited = lend(predictor, given, ["unit"], predicted=predictor.scores(given.images).argmax(axis=1))
    x = predictor.model.preprocessing.to_input(given.images)
    at = Captured(x, module(x), as_targets(torch.zeros(len(x)).long()), "unit", module.unit(x).detach())
    part = TopActivatingImages(pictures=3, units=(0,))

    (study,) = part.study(audited, [part.observe(Captured(x, at.logits, at.targets, layers={"unit": at}))])

    (sheet,) = study.exhibits
    assert isinstance(sheet, PictureSheet)
    for tile, index in zip(sheet.rows[0].tiles, (7, 6, 5), strict=True):
        np.testing.assert_array_equal(tile.picture, given.slices(given.images[index].numpy())[index])
        assert tile.words[1:] == [f"{index}.png", f"frame {10 + index}"]
    assert "the clips that excite 1 channels most" in sheet.caption
    assert "the whole frame is shown in which it lies" in sheet.caption


def test_clips_have_a_plane_and_neighbours_by_what_the_classifying_layer_reads() -> None:
    given = stacks(Medium.CLIP, 2)
    module = ReadsFrames()
    predictor = Predictor(loaded(module, 2), torch.device("cpu"), chunk=8)
    x = predictor.model.preprocessing.to_input(given.images)

    audited = lend(predictor, given, ["unit"], predicted=predictor.scores(given.images).argmax(axis=1))
    (study,) = EmbeddingMap(neighbours=2).study(audited, ())

    np.testing.assert_allclose(audited.features(), x.mean((2, 3, 4)).numpy(), rtol=1e-5)
    chart, *_ = (one for one in study.exhibits if isinstance(one, PointChart))
    assert chart.caption.startswith("8 clips in the space of 2 features")
    assert any(remark.startswith("t-SNE was left out: with 8 clips") for remark in study.remarks)


def test_a_free_spectrum_of_a_clip_is_scaled_by_its_frequency_in_time_and_place() -> None:
    colours = synthesis.Colours(torch.tensor([0.5]), torch.tensor([[1.0]]))
    spectra = torch.randn((1, 1, 4, 8, 4, 2), generator=torch.Generator().manual_seed(0))

    found = synthesis.of_spectra(spectra, EXTENT, colours)

    axes = np.meshgrid(np.fft.fftfreq(4), np.fft.fftfreq(8), np.fft.rfftfreq(6), indexing="ij")
    frequency = np.maximum(np.sqrt(sum(axis**2 for axis in axes)), 1 / 8)
    whole = (spectra[0, 0, ..., 0].numpy() + 1j * spectra[0, 0, ..., 1].numpy()) / frequency
    signal = synthesis.SPREAD * np.fft.irfftn(whole, s=EXTENT, norm="ortho", axes=(0, 1, 2))
    np.testing.assert_allclose(found[0, 0], 1 / (1 + np.exp(-signal)), rtol=1e-4)


def test_all_frames_of_a_clip_move_together() -> None:
    clips = torch.rand((2, 3, *EXTENT), generator=torch.Generator().manual_seed(0))
    moves = synthesis.drawn_moves(torch.rand((2, 1, 4), generator=torch.Generator().manual_seed(1)))

    found = synthesis.moved(clips, moves, 0)

    for frame in range(EXTENT[0]):
        torch.testing.assert_close(found[:, :, frame], synthesis.moved(clips[:, :, frame], moves, 0))


def test_a_clip_is_made_that_excites_a_channel_more_than_any_real_one() -> None:
    given = stacks(Medium.CLIP, 2)
    for index in range(len(given)):
        given.images[index, 0, 2, 3, 4] = 150 + index
    module = ReadsFrames()
    with torch.no_grad():
        module.head.weight.copy_(torch.eye(2))
    predictor = Predictor(loaded(module, 2), torch.device("cpu"), chunk=8)
    audited = lend(predictor, given, ["unit"], classes=("a", "b"),
                   predicted=predictor.scores(given.images).argmax(axis=1))  # fmt: skip
    x = predictor.model.preprocessing.to_input(given.images)
    at = Captured(x, module(x).detach(), as_targets(torch.zeros(len(x)).long()), "unit", module.unit(x).detach())
    part = ActivationMaximization(steps=40, starts=1, classes=1, channels=1)

    (study,) = part.study(audited, [part.observe(Captured(x, at.logits, at.targets, layers={"unit": at}))])

    (sheet,) = study.exhibits
    assert isinstance(sheet, PictureSheet)
    assert [len(row.tiles) for row in sheet.rows] == [6] * 3, "three frames of a made clip, and of a real one"
    for row in sheet.rows:
        assert float(row.tiles[0].words[0]) > float(row.tiles[3].words[0])
    assert sheet.caption.startswith("Clips made in 40 steps for 3 objectives, 1 starts each")
    assert "the last clip of each row is the real one that reaches it. Of each, three frames." in sheet.caption
    assert study.remarks[0].startswith("The made clips reach ")
