"""Maps over clips and volumes against closed forms, slow twins and captum."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.engine import grids
from auditor.engine.capture import capture
from auditor.engine.integrity import digest
from auditor.engine.predictor import Predictor
from auditor.engine.volumes import cams, frame_weights, grad_cam, layer_cam, occlusion, spread
from auditor.errors import ModelError
from auditor.visualizers import Need
from tests.engine.networks import CLASSES, loaded, seeded

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from captum.attr import LayerGradCam
    from captum.attr import Occlusion as CaptumOcclusion

DEPTH, HEIGHT, WIDTH = 8, 16, 12


class PlainCnn3d(nn.Module):
    """Two 3-D convolutions with batch norm, pooling and one linear layer; a grid of 4×8×6."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv3d(2, 6, 3, padding=1, bias=False), nn.BatchNorm3d(6), nn.ReLU(), nn.MaxPool3d(2),
            nn.Conv3d(6, 7, 3, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(7, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).mean((2, 3, 4)))


class ReadsOneFrame(nn.Module):
    """Says 1 when the left half of frame 5 is bright, whatever else is in the clip."""

    def __init__(self) -> None:
        super().__init__()
        self.same = nn.Conv3d(2, 1, 1, bias=False)
        nn.init.ones_(self.same.weight)

    def forward(self, x: Tensor) -> Tensor:
        seen = self.same(x)[:, :, 5, :, : WIDTH // 2].relu().mean((2, 3))
        return torch.cat((-seen, seen), 1)


class TubeletViT(nn.Module):
    """ViViT: tubelets of 2×4×4 (a grid of 4×4×3) and a class token; the head averages all."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv3d(2, 16, (2, 4, 4), (2, 4, 4))
        self.token = nn.Parameter(torch.randn(1, 1, 16))
        layer = nn.TransformerEncoderLayer(16, 4, 32, 0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(x).flatten(2).transpose(1, 2)
        return self.head(self.encoder(torch.cat((self.token.expand(len(x), -1, -1), tokens), 1)).mean(1))


def volumes(count: int = 2) -> Tensor:
    return torch.randn((count, 2, DEPTH, HEIGHT, WIDTH), generator=torch.Generator().manual_seed(3))


def test_the_pass_captures_a_volume_as_plain_autograd_does() -> None:
    module, x = seeded(PlainCnn3d), volumes()
    middle = module.features[:4](x).detach().requires_grad_()
    module.head(module.features[4:](middle).mean((2, 3, 4))).amax(1).sum().backward()

    found = capture(module, x, layers=["features.3"], needs=frozenset(Need))["features.3"]

    torch.testing.assert_close(found.activations, middle.detach())
    torch.testing.assert_close(found.gradients, middle.grad)


def test_grad_cam_of_a_volume_is_captums() -> None:
    module, x, targets = seeded(PlainCnn3d), volumes(), torch.tensor([0, 3])
    expected = LayerGradCam(module, module.features[3]).attribute(x, targets, relu_attributions=True)[:, 0]

    found = cams(module, x, ["features.3"], targets=targets)[0]

    torch.testing.assert_close(found.maps, spread(expected.detach(), x.shape[2:]), rtol=1e-4, atol=1e-6)
    assert found.usable.tolist() == expected.flatten(1).amax(1).gt(0).tolist()


def test_cams_with_pooling_and_one_linear_layer_have_a_closed_form() -> None:
    module, x, targets = seeded(PlainCnn3d), volumes(), torch.tensor([1, 2])
    features, weights = module.features(x).detach(), module.head.weight.detach()[targets]
    found = capture(module, x, layers=["features.5"], needs=frozenset(Need), targets=targets)["features.5"]
    assert found.activations is not None
    assert found.gradients is not None

    plain = grad_cam(found.activations, found.gradients)
    positive = layer_cam(found.activations, found.gradients)

    cells = 4 * 8 * 6
    torch.testing.assert_close(plain, torch.einsum("bk,bkdij->bdij", weights, features).clamp(min=0) / cells)
    torch.testing.assert_close(positive, torch.einsum("bk,bkdij->bdij", weights.clamp(min=0), features) / cells)


def test_a_model_that_reads_one_frame_gives_that_frame_all_the_weight() -> None:
    x = volumes().abs()

    found = cams(ReadsOneFrame(), x, ["same"], method=layer_cam, targets=torch.tensor([1, 1]))[0]

    expected = torch.zeros(2, DEPTH)
    expected[:, 5] = 1
    torch.testing.assert_close(found.weights, expected)
    assert not found.maps[:, 5, :, WIDTH // 2 :].any()


def test_weights_of_frames_are_shares_and_a_blank_map_has_none() -> None:
    maps = torch.zeros(2, 3, 2, 2)
    maps[0, 0], maps[0, 2] = 1.0, 3.0

    assert frame_weights(maps).tolist() == [[0.25, 0.0, 0.75], [0.0, 0.0, 0.0]]


def test_occlusion_is_a_loop_over_blocks() -> None:
    module, x, targets = seeded(PlainCnn3d), volumes(), torch.tensor([0, 4])
    fill = x.mean((0, 2, 3, 4)).view(2, 1, 1, 1)

    def scores(given: Tensor, wanted: Tensor) -> Tensor:
        with torch.no_grad():
            return module(given).softmax(1).gather(1, wanted[:, None])[:, 0]

    whole = scores(x, targets)
    drops: dict[tuple[int, ...], list[Tensor]] = {}
    for d in (0, 3, 4):  # depth 8: blocks of 4 every 3, the last one moved back to the edge
        for top in (0, 8):
            for left in (0, 6):
                changed = x.clone()
                changed[:, :, d : d + 4, top : top + 8, left : left + 6] = fill
                drop = whole - scores(changed, targets)
                for voxel in np.ndindex(4, 8, 6):
                    place = tuple(int(a + b) for a, b in zip((d, top, left), voxel, strict=True))
                    drops.setdefault(place, []).append(drop)
    expected = torch.zeros(2, DEPTH, HEIGHT, WIDTH)
    for place, lost in drops.items():
        expected[:, place[0], place[1], place[2]] = torch.stack(lost).mean(0).clamp(min=0)

    found = occlusion(x, targets, scores, fill=fill, window=(0.5, 0.5, 0.5), stride=(0.375, 0.5, 0.5))

    torch.testing.assert_close(found, expected)


def test_occlusion_without_overlap_is_captums() -> None:
    module, x, targets = seeded(PlainCnn3d), volumes(1), torch.tensor([2])
    predictor = Predictor(loaded(module), torch.device("cpu"), chunk=4)
    wrapped = nn.Sequential(module, nn.Softmax(1))
    expected = CaptumOcclusion(wrapped).attribute(
        x, target=2, sliding_window_shapes=(2, 2, 4, 3), strides=(2, 2, 4, 3), baselines=0.0
    )

    found = occlusion(x, targets, predictor.input_scores, fill=torch.zeros(2, 1, 1, 1))

    torch.testing.assert_close(found, expected[:, 0].clamp(min=0).float(), rtol=1e-3, atol=1e-5)


def test_occlusion_finds_the_frame_that_a_model_reads() -> None:
    x = volumes().abs()
    predictor = Predictor(loaded(ReadsOneFrame()), torch.device("cpu"), chunk=4)

    found = occlusion(
        x, torch.tensor([1, 1]), predictor.input_scores, fill=torch.zeros(2, 1, 1, 1), window=(0.125, 1, 1),
        stride=(0.125, 1, 1),
    )  # fmt: skip

    assert frame_weights(found).argmax(1).tolist() == [5, 5]
    torch.testing.assert_close(frame_weights(found)[:, 5], torch.ones(2))


@pytest.mark.parametrize("window", [(0.0, 0.5, 0.5), (0.5, 0.5, 1.5)])
def test_a_window_that_is_no_share_is_refused(window: Any) -> None:
    x = volumes(1)

    with pytest.raises(ValueError, match="shares above 0"):
        occlusion(x, torch.tensor([0]), lambda a, b: torch.zeros(len(a)), fill=x[0, :, :1, :1, :1], window=window)


def test_tubelets_are_laid_out_in_time_without_the_class_token() -> None:
    module, x = seeded(TubeletViT), volumes()
    tokens = module.encoder.layers[0](torch.cat((module.token.expand(2, -1, -1),
        module.embed(x).flatten(2).transpose(1, 2)), 1)).detach()  # fmt: skip

    found = capture(module, x, layers=["encoder.layers.0"], needs=frozenset({Need.ACTIVATIONS}))["encoder.layers.0"]

    assert found.activations is not None
    assert found.activations.shape == (2, 16, 4, 4, 3)
    torch.testing.assert_close(found.activations[:, :, 1, 2, 0], tokens[:, 1 + 1 * 12 + 2 * 3], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "layer_norms", "grid"),
    [
        ((2, 64, 4, 8, 6), False, grids.Grid("channels_first", 8, 6, depth=4)),
        ((2, 4, 8, 6, 64), True, grids.Grid("channels_last", 8, 6, depth=4)),
        ((2, 64, 1, 8, 6), False, grids.Grid("channels_first", 8, 6, depth=1)),
        ((2, 50, 16), True, grids.Grid("tokens", 4, 3, prefix=2, depth=4)),
        ((2, 47, 16), True, None),
        ((2, 64, 1, 1, 1), False, None),
        ((2, 64), False, None),
    ],
    ids=str,
)
def test_grids_with_a_depth_are_told_from_their_shape(shape: Any, layer_norms: bool, grid: Any) -> None:
    around = grids.Surroundings(2, HEIGHT, WIDTH, (), layer_norms, DEPTH, ((4, 4, 3),))

    assert grids.grid_of(shape, around) == grid


def test_images_are_refused_in_words_and_models_stay_as_they_were() -> None:
    module = seeded(PlainCnn3d)
    before = digest(module)
    cams(module, volumes(), ["features.3"])

    assert digest(module) == before
    with pytest.raises(ModelError, match="got 4 axes"):
        cams(module, volumes()[:, :, 0], ["features.3"])
