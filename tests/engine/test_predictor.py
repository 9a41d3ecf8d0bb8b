from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn

from auditor.engine.integrity import digest
from auditor.engine.predictor import Predictor
from auditor.errors import ModelError
from auditor.subjects import Preprocessing
from tests.engine.networks import (
    ClassTokenViT,
    PlainCnn,
    RunsOutOfMemory,
    Wrapped,
    images,
    loaded,
    seeded,
)

CPU = torch.device("cpu")


def by_hand(module: nn.Module, pictures: Tensor) -> Tensor:
    """Raw scores of pictures normalised as `loaded` says."""
    mean, std = torch.tensor((0.4, 0.5, 0.6)).view(3, 1, 1), torch.tensor((0.2, 0.25, 0.3)).view(3, 1, 1)
    with torch.no_grad():
        return module((pictures / 255 - mean) / std)


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("build", [PlainCnn, ClassTokenViT])
def test_scores_are_the_softmax_of_the_normalised_images(build: type[nn.Module], fast: bool) -> None:
    model, pictures = seeded(build), images(11)

    predictor = Predictor(loaded(model), CPU, chunk=4, fast=fast)
    scores = predictor.scores(pictures)

    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, by_hand(model, pictures).softmax(1), atol=1e-6)
    np.testing.assert_allclose(predictor.scores(pictures.float()), scores, atol=1e-7)
    assert predictor.forwards == 22
    assert predictor.chunk == 4
    assert predictor.notes == ()


def test_sigmoid_scores_each_label_and_a_single_logit_gives_both_classes() -> None:
    pictures = images(3)
    model, single = seeded(PlainCnn), seeded(PlainCnn, classes=1)

    labels = Predictor(loaded(model, "sigmoid"), CPU).scores(pictures)
    both = Predictor(loaded(single, "logit"), CPU).scores(pictures)

    np.testing.assert_allclose(labels, by_hand(model, pictures).sigmoid(), atol=1e-6)
    positive = by_hand(single, pictures).sigmoid()
    np.testing.assert_allclose(both, torch.cat((1 - positive, positive), 1), atol=1e-6)


def test_an_embedding_has_no_scores_and_is_refused_in_words() -> None:
    with pytest.raises(ModelError, match="an embedding has no class probabilities"):
        Predictor(loaded(seeded(PlainCnn), "embedding"), CPU).scores(images(2))


@pytest.mark.parametrize(("last", "output"), [(nn.Softmax(1), "softmax"), (nn.Sigmoid(), "sigmoid")])
def test_an_output_that_is_probabilities_already_is_taken_as_it_is_and_noted(last: nn.Module, output: str) -> None:
    model, pictures = nn.Sequential(seeded(PlainCnn), last).eval(), images(5)

    predictor = Predictor(loaded(model, output), CPU)  # type: ignore[arg-type]

    np.testing.assert_allclose(predictor.scores(pictures), by_hand(model, pictures), atol=1e-6)
    assert predictor.notes == ("the model's output holds probabilities already; none were computed from it",)


def test_images_are_composed_chunk_by_chunk_and_never_all_at_once() -> None:
    model, asked, steps = seeded(PlainCnn), [], []

    def make(start: int, stop: int) -> Tensor:
        asked.append((start, stop))
        return images(40)[start:stop]

    scores = Predictor(loaded(model), CPU, chunk=8).scores_of(40, make, lambda done, total: steps.append(done))

    np.testing.assert_allclose(scores, by_hand(model, images(40)).softmax(1), atol=1e-6)
    assert asked[1:] == [(0, 8), (8, 16), (16, 24), (24, 32), (32, 40)]
    assert all(stop - start <= 8 for start, stop in asked)
    assert steps == [8, 16, 24, 32, 40]


def test_no_images_give_no_scores() -> None:
    predictor = Predictor(loaded(seeded(PlainCnn)), CPU)

    assert len(predictor.scores(images(0))) == 0
    assert len(predictor.features(images(0))) == 0
    assert len(predictor.input_scores(images(0).float(), torch.zeros(0, dtype=torch.long))) == 0


@pytest.mark.parametrize("fast", [True, False])
def test_features_are_what_the_last_linear_layer_reads(fast: bool) -> None:
    model, pictures = seeded(PlainCnn), images(7)

    features = Predictor(loaded(model), CPU, chunk=3, fast=fast).features(pictures)

    logits = features @ model.head.weight.detach().numpy().T + model.head.bias.detach().numpy()
    np.testing.assert_allclose(logits, by_hand(model, pictures), atol=1e-5)
    assert features.shape == (7, 8)
    assert not model.head._forward_hooks


def test_features_of_a_classifier_that_is_a_convolution_are_averaged_over_the_grid() -> None:
    model = torchvision.models.squeezenet1_1(weights=None).eval()
    pictures = images(2, height=64, width=64)

    features = Predictor(loaded(model, size=64), CPU, chunk=2).features(pictures)

    with torch.no_grad():
        mean, std = torch.tensor((0.4, 0.5, 0.6)).view(3, 1, 1), torch.tensor((0.2, 0.25, 0.3)).view(3, 1, 1)
        expected = model.features((pictures / 255 - mean) / std).mean((2, 3))
    np.testing.assert_allclose(features, expected, atol=1e-5)


class NoClassifyingLayer(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


def test_features_are_refused_in_words_where_no_layer_makes_the_scores() -> None:
    predictor = Predictor(loaded(NoClassifyingLayer()), CPU)

    assert predictor.scores(images(2)).shape == (2, 3)
    with pytest.raises(ModelError, match="no linear layer or 1×1 convolution produces the class scores"):
        predictor.features(images(2))


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_input_scores_are_each_images_own_target_for_normalised_inputs(mode: type[torch.no_grad]) -> None:
    model, targets = seeded(PlainCnn), torch.tensor([0, 1, 2, 3, 4, 0])
    x = torch.randn(6, 3, 16, 12)

    with mode():
        scores = Predictor(loaded(model), CPU, chunk=4).input_scores(x, targets)

    torch.testing.assert_close(scores, model(x).softmax(1)[torch.arange(6), targets].detach())
    assert not scores.requires_grad


@pytest.mark.parametrize("chunk", [64, "auto"])
@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
def test_running_out_of_memory_halves_the_chunk_gives_the_same_scores_and_is_noted(
    chunk: int, error: Exception
) -> None:
    model = seeded(RunsOutOfMemory, 5, error)

    predictor = Predictor(loaded(model), CPU, chunk=chunk)
    scores = predictor.scores(images(30))

    np.testing.assert_allclose(scores, by_hand(model.inner, images(30)).softmax(1), atol=1e-6)
    assert predictor.chunk <= 5
    assert predictor.forwards == 30
    assert any("halved" in note for note in predictor.notes)


def test_a_model_that_cannot_hold_one_image_is_refused_in_words() -> None:
    with pytest.raises(ModelError, match="even with one image at a time"):
        Predictor(loaded(seeded(RunsOutOfMemory, 0, MemoryError())), CPU).scores(images(3))


def test_the_measured_chunk_is_fixed_after_the_first_call() -> None:
    predictor = Predictor(loaded(seeded(PlainCnn)), CPU)
    first = predictor.scores(images(20))
    chunk = predictor.chunk

    again = predictor.scores(images(20))

    assert chunk in (4, 8, 16, 32, 64, 128, 256)
    assert predictor.chunk == chunk
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("fast", [True, False])
def test_the_audited_model_is_left_as_it_was_even_in_train_mode(fast: bool) -> None:
    model = seeded(PlainCnn)
    expected = Predictor(loaded(model), CPU, fast=fast).scores(images(5))
    model.train()
    before = digest(model)

    predictor = Predictor(loaded(model), CPU, fast=fast)

    np.testing.assert_allclose(predictor.scores(images(5)), expected, atol=1e-6)
    predictor.features(images(5))
    assert digest(model) == before


def test_models_that_wrap_their_scores_are_read() -> None:
    model = seeded(Wrapped, "dict")

    scores = Predictor(loaded(nn.DataParallel(model)), CPU).scores(images(3))

    np.testing.assert_allclose(scores, torch.softmax(by_hand(model, images(3))["logits"], 1), atol=1e-6)


def test_images_of_an_own_transform_go_in_as_they_are() -> None:
    model = loaded(seeded(PlainCnn))
    own = Preprocessing(16, 12, "squash", 1.0, (0, 0, 0), (1, 1, 1), transform="file.py:f")
    x = torch.randn(3, 3, 16, 12)

    scores = Predictor(type(model)(model.module, "m", "python", (), "softmax", own), CPU).scores(x)

    np.testing.assert_allclose(scores, model.module(x).softmax(1).detach(), atol=1e-6)


@pytest.mark.parametrize(
    ("build", "file", "size"), [("mobilenet_v2", "mobilenet_v2_imagenet_fp16.pth", 224), ("squeezenet1_1", "", 64)]
)
def test_the_fast_form_of_real_weights_agrees_on_every_class(
    build: str, file: str, size: int, shared_data: Path
) -> None:
    model = getattr(torchvision.models, build)(weights=None).eval()
    state = torch.load(shared_data / "weights" / (file or f"{build}_imagenet_fp16.pth"), weights_only=True)
    model.load_state_dict(
        {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
    )
    pictures = torch.nn.functional.interpolate(images(4, height=8, width=8).float(), size=(size, size))

    fast = Predictor(loaded(model, size=size), CPU, chunk=4)
    plain = Predictor(loaded(model, size=size), CPU, chunk=4, fast=False)

    np.testing.assert_allclose(fast.scores(pictures), plain.scores(pictures), atol=1e-5)
    assert fast.notes == ()
    assert fast.channels_last
