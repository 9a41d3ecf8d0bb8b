from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

from auditor.engine.blocks import Block, half_way
from auditor.engine.integrity import digest
from auditor.engine.layers import available_layers, target_layers
from auditor.errors import ModelError
from tests.engine.networks import (
    ChannelsLast,
    ClassTokenViT,
    OnlyInference,
    PlainCnn,
    RepeatedLayer,
    Wrapped,
    inputs,
    seeded,
)


def test_layers_are_listed_in_the_order_in_which_they_finish_with_shape_and_calls() -> None:
    model = seeded(RepeatedLayer)

    found = available_layers(model, inputs())

    assert [(layer.name, layer.kind, layer.output_shape, layer.is_grid, layer.calls) for layer in found] == [
        ("first", "Conv2d", (4, 6, 16, 12), True, 1),
        ("shared", "Conv2d", (4, 6, 16, 12), True, 3),
        ("head", "Linear", (4, 5), False, 1),
    ]


def test_listing_leaves_the_model_as_it_was() -> None:
    model = seeded(PlainCnn).train()
    before = digest(model)

    available_layers(nn.DataParallel(model), inputs())

    assert digest(model) == before


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (seeded(PlainCnn), ("features.2", "features.6")),
        (seeded(ClassTokenViT), ("encoder.layers.0", "encoder.layers.2")),
        (seeded(ClassTokenViT, batch_first=False), ("encoder.layers.0", "encoder.layers.2")),
        (seeded(ChannelsLast), ("norm", "mix")),
        (seeded(RepeatedLayer), ("first", "shared")),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_auto_takes_the_last_block_with_a_gradient_and_one_half_way(model: nn.Module, names: tuple[str, ...]) -> None:
    assert target_layers(model, "auto", inputs()).names == names


@pytest.mark.parametrize(
    ("build", "names"),
    [
        ("resnet18", ("layer2", "layer4")),
        ("mobilenet_v2", ("features.9", "features.18")),
        ("squeezenet1_1", ("features.7", "features.12")),  # its classifier is a map of class scores, no features
        ("swin_t", ("features.5.1", "norm")),
    ],
)
def test_auto_on_networks_of_torchvision(build: str, names: tuple[str, ...]) -> None:
    model = getattr(torchvision.models, build)(weights=None).eval()

    assert target_layers(model, "auto", inputs(2, height=64, width=64)).names == names


def test_auto_never_takes_the_last_block_of_a_class_token_transformer_and_says_why() -> None:
    model = torchvision.models.VisionTransformer(32, 8, 3, 2, 16, 32, num_classes=5).eval()
    nn.init.normal_(model.heads.head.weight)

    choice = target_layers(model, "auto", inputs(2, height=32, width=32))

    assert choice.names == ("encoder.layers.encoder_layer_0", "encoder.layers.encoder_layer_1")
    assert choice.notes == (
        "encoder.layers.encoder_layer_2, encoder.ln: no gradient arrives at the patches there; took "
        "encoder.layers.encoder_layer_1",
    )


def test_a_named_layer_without_gradient_is_kept_but_the_note_says_which_to_take() -> None:
    choice = target_layers(seeded(ClassTokenViT), ["encoder.layers.3"], inputs())

    assert choice.names == ("encoder.layers.3",)
    assert choice.notes == (
        "encoder.layers.3: no gradient arrives at its patches, so its gradient maps are blank; take encoder.layers.2 "
        "instead",
    )


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("features.*", tuple(f"features.{index}" for index in range(7))),
        ("features.4", ("features.4",)),
        ("module.features.4", ("features.4",)),
        ("feat*", ("features",)),  # one star stays within one part of the name
    ],
)
def test_names_and_patterns_are_resolved_in_running_order(pattern: str, names: tuple[str, ...]) -> None:
    assert target_layers(seeded(PlainCnn), [pattern], inputs()).names == names


def test_two_stars_cross_the_dots_and_what_is_no_grid_is_left_out_in_words() -> None:
    choice = target_layers(seeded(Wrapped, "tuple"), ["**"], inputs())

    assert "inner.features.6" in choice.names
    assert "inner.head" not in choice.names
    assert any("are no grids and were left out" in note for note in choice.notes)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("feature.4", "no layer is named 'feature.4'; did you mean 'features.4'?"),
        ("nothing_like_it", "`auditor layers SPEC` lists them"),
        ("head", "no grid over the image"),
        ("unused", "never runs"),
    ],
)
def test_names_that_cannot_serve_are_refused_in_words(pattern: str, words: str) -> None:
    model = seeded(PlainCnn)
    model.unused = nn.Conv2d(3, 3, 1)

    with pytest.raises(ModelError, match=words.replace("?", r"\?")):
        target_layers(model, ["features.3", pattern], inputs())


def test_a_model_whose_gradients_cannot_be_tried_still_gets_layers_with_a_note() -> None:
    choice = target_layers(seeded(OnlyInference), "auto", inputs())

    assert choice.names == ("inner.features.2", "inner.features.6")
    assert "gradients could not be tried" in choice.notes[0]


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning", "ignore:`torch.jit:DeprecationWarning")
def test_torchscript_has_no_layers_to_offer() -> None:
    scripted = torch.jit.trace(seeded(PlainCnn), inputs())

    assert target_layers(scripted, "auto", inputs()).names == ()
    with pytest.raises(ModelError, match="TorchScript"):
        target_layers(scripted, ["features"], inputs())


def test_half_way_is_the_block_nearest_to_half_the_depth_and_none_before_the_first() -> None:
    blocks = [Block("a", 1), Block("b", 4), Block("c", 6), Block("d", 10)]

    assert half_way(blocks, blocks[3]) == Block("c", 6)
    assert half_way(blocks, blocks[0]) is None
