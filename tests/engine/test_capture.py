"""The shared pass, on every kind of model that breaks others. The oracle is plain autograd without hooks."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from auditor.engine.capture import Pass, capture
from auditor.engine.integrity import digest
from auditor.errors import ModelError
from auditor.visualizers import Need
from tests.engine.networks import (
    CLASSES,
    ChannelsLast,
    Checkpointed,
    ClassTokenViT,
    OnlyInference,
    PlainCnn,
    RepeatedLayer,
    WithoutGraph,
    Wrapped,
    WritesAfterTheLayer,
    WritesToACopy,
    inputs,
    seeded,
)

ALL = frozenset(Need)
OF_LAYERS = frozenset({Need.ACTIVATIONS, Need.LAYER_GRADIENTS})


def gradients_of_plain_cnn(model: PlainCnn, x: Tensor, cut: int) -> tuple[Tensor, Tensor, Tensor]:
    """Activations after `features[:cut]`, d max logit / d activations, and d max logit / d input, by plain autograd."""
    x = x.clone().requires_grad_()
    middle = model.features[:cut](x)
    logits = model.head(model.features[cut:](middle.clone()).mean((2, 3)))
    of_middle, of_input = torch.autograd.grad(logits.amax(1).sum(), [middle, x])
    return middle.detach(), of_middle, of_input


@pytest.mark.parametrize("cut", [1, 3, 4, 7])
@pytest.mark.parametrize("needs", [OF_LAYERS, ALL])
def test_activations_and_gradients_are_those_of_plain_autograd(cut: int, needs: frozenset[Need]) -> None:
    model, x = seeded(PlainCnn), inputs()
    activations, gradients, of_input = gradients_of_plain_cnn(model, x, cut)

    found = capture(model, x, layers=[f"features.{cut - 1}"], needs=needs)[f"features.{cut - 1}"]

    torch.testing.assert_close(found.activations, activations)
    torch.testing.assert_close(found.gradients, gradients)
    torch.testing.assert_close(found.logits, model(x).detach())
    assert torch.equal(found.targets.classes, model(x).argmax(1))
    if Need.INPUT_GRADIENTS in needs:
        torch.testing.assert_close(found.input_gradients, of_input)


def test_one_forward_and_one_backward_serve_all_layers() -> None:
    model, x = seeded(PlainCnn), inputs()
    runs = {"forward": 0, "backward": 0}
    model.head.register_forward_hook(lambda *_: runs.update(forward=runs["forward"] + 1))
    model.head.register_full_backward_hook(lambda *_: runs.update(backward=runs["backward"] + 1))
    names = [f"features.{index}" for index in range(7)]

    found = capture(model, x, layers=names, needs=ALL - {Need.TAIL})

    assert runs == {"forward": 1, "backward": 1}
    for cut, name in enumerate(names, start=1):
        torch.testing.assert_close(found[name].gradients, gradients_of_plain_cnn(model, x, cut)[1])


def test_code_that_writes_in_place_after_a_layer_alters_nothing_that_was_captured() -> None:
    model, oracle, x = seeded(WritesAfterTheLayer), seeded(WritesToACopy), inputs()
    expected = capture(oracle, x, layers=["conv", "second"], needs=ALL)

    found = capture(model, x, layers=["conv", "second"], needs=ALL)

    for name in ("conv", "second"):
        torch.testing.assert_close(found[name].activations, expected[name].activations)
        torch.testing.assert_close(found[name].gradients, expected[name].gradients)
    torch.testing.assert_close(found[None].input_gradients, expected[None].input_gradients)
    assert torch.equal(x, inputs())
    assert torch.equal(found[None].inputs, x)


def test_in_place_relu_and_plain_relu_give_the_same() -> None:
    x = inputs()
    names = ["features.1", "features.5"]

    plain = capture(seeded(PlainCnn), x, layers=names, needs=ALL)
    inplace = capture(seeded(PlainCnn, inplace=True), x, layers=names, needs=ALL)

    for name in names:
        assert bool((inplace[name].activations < 0).any())
        assert torch.equal(plain[name].activations, inplace[name].activations)
        assert torch.equal(plain[name].gradients, inplace[name].gradients)


def test_nothing_before_the_first_target_layer_is_recorded_without_input_gradients() -> None:
    model, seen = seeded(PlainCnn), []
    model.features[3].register_forward_hook(lambda part, args, output: seen.append(output.requires_grad))
    model.features[5].register_forward_hook(lambda part, args, output: seen.append(output.requires_grad))

    capture(model, inputs(), layers=["features.4"], needs=OF_LAYERS)

    assert seen == [False, True]


@pytest.mark.parametrize("kind", ["tuple", "dict", "dataclass"])
def test_models_and_layers_that_wrap_their_output_work(kind: str) -> None:
    model, x = seeded(Wrapped, kind), inputs()
    activations, gradients, _ = gradients_of_plain_cnn(model.inner, x, 7)

    found = capture(model, x, layers=["body"], needs=OF_LAYERS)["body"]

    torch.testing.assert_close(found.activations, activations)
    torch.testing.assert_close(found.gradients, gradients)


def test_a_layer_called_three_times_is_summed_over_its_calls_and_said_so() -> None:
    model, x = seeded(RepeatedLayer), inputs()
    calls, value = [], model.first(x).relu()
    for _ in range(3):
        calls.append(model.shared(value))
        value = calls[-1].tanh()
    gradients = torch.autograd.grad(model.head(value.mean((2, 3))).amax(1).sum(), calls)

    found = capture(model, x, layers=["shared"], needs=OF_LAYERS)

    torch.testing.assert_close(found["shared"].activations, sum(calls).detach())
    torch.testing.assert_close(found["shared"].gradients, sum(gradients))
    assert found.notes == ("shared is called 3 times in one forward: its maps sum over the calls",)


class CalledAtTwoScales(RepeatedLayer):
    """Calls one convolution on maps of two sizes."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.shared(self.first(x).relu()).relu()
        return self.head(self.shared(x[:, :, ::2, ::2]).mean((2, 3)))


def test_a_layer_whose_calls_differ_in_shape_is_refused_in_words() -> None:
    with pytest.raises(ModelError, match="called 2 times with outputs of different shapes"):
        capture(seeded(CalledAtTwoScales), inputs(), layers=["shared"], needs=OF_LAYERS)


@pytest.mark.parametrize("reentrant", [True, False])
@pytest.mark.parametrize("layer", ["inner.features.1", "inner.features.4", "inner.features.6"])
@pytest.mark.parametrize("needs", [OF_LAYERS, ALL])
def test_gradient_checkpointing_changes_nothing(reentrant: bool, layer: str, needs: frozenset[Need]) -> None:
    model, x = seeded(Checkpointed, reentrant=reentrant), inputs()
    activations, gradients, of_input = gradients_of_plain_cnn(model.inner, x, int(layer[-1]) + 1)

    found = capture(model, x, layers=[layer], needs=needs)[layer]

    torch.testing.assert_close(found.activations, activations)
    torch.testing.assert_close(found.gradients, gradients)
    if Need.INPUT_GRADIENTS in needs:
        torch.testing.assert_close(found.input_gradients, of_input)
    with warnings.catch_warnings():
        # without a pass around it, re-entrant checkpointing is torch's own again, and warns of inputs without gradient
        warnings.simplefilter("ignore")
        assert model(x).shape == (4, CLASSES)


def test_a_forward_under_no_grad_is_recorded_all_the_same() -> None:
    model, x = seeded(WithoutGraph), inputs()
    _, gradients, of_input = gradients_of_plain_cnn(model.inner, x, 4)

    found = capture(model, x, layers=["inner.features.3"], needs=ALL)["inner.features.3"]

    torch.testing.assert_close(found.gradients, gradients)
    torch.testing.assert_close(found.input_gradients, of_input)
    assert not model(x).requires_grad


def test_a_forward_under_inference_mode_is_refused_in_words_but_gives_activations() -> None:
    model = seeded(OnlyInference)

    found = capture(model, inputs(), layers=["inner.features.3"], needs=frozenset({Need.ACTIVATIONS}))
    assert found["inner.features.3"].activations.shape == (4, 6, 8, 6)
    with pytest.raises(ModelError, match="cannot carry a gradient"):
        capture(model, inputs(), layers=["inner.features.3"], needs=OF_LAYERS)
    with pytest.raises(ModelError, match="no gradient reaches the scores"):
        capture(model, inputs(), layers=[], needs=frozenset({Need.INPUT_GRADIENTS}))


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_callers_own_mode_makes_no_difference(mode: Any) -> None:
    model = seeded(PlainCnn)
    expected = capture(model, inputs(), layers=["features.3"], needs=ALL)["features.3"]

    with mode():
        found = capture(model, inputs().clone(), layers=["features.3"], needs=ALL)["features.3"]

    assert torch.equal(found.gradients, expected.gradients)
    assert torch.equal(found.input_gradients, expected.input_gradients)


def test_weights_made_under_inference_mode_are_refused_in_words() -> None:
    with torch.inference_mode():
        model = seeded(PlainCnn)

    with pytest.raises(ModelError, match=r"made under torch\.inference_mode"):
        capture(model, inputs(), layers=["features.3"], needs=ALL)


def test_a_model_in_train_mode_is_explained_in_eval_mode_and_left_as_it_was() -> None:
    model = seeded(PlainCnn)
    expected = capture(model, inputs(), layers=["features.3"], needs=ALL)["features.3"]
    model.train()
    model.features[1].eval()
    before = digest(model)

    found = capture(model, inputs(), layers=["features.3"], needs=ALL)["features.3"]

    assert torch.equal(found.gradients, expected.gradients)
    assert digest(model) == before


def test_frozen_parameters_give_the_same_gradients_and_stay_frozen() -> None:
    model = seeded(PlainCnn)
    expected = capture(model, inputs(), layers=["features.3"], needs=ALL)["features.3"]
    for parameter in model.features.parameters():
        parameter.requires_grad_(False)

    found = capture(model, inputs(), layers=["features.3"], needs=ALL)["features.3"]

    assert torch.equal(found.gradients, expected.gradients)
    assert {name for name, parameter in model.named_parameters() if parameter.requires_grad} == {
        "head.weight",
        "head.bias",
    }


def test_wrappers_are_looked_through() -> None:
    model = seeded(PlainCnn)
    expected = capture(model, inputs(), layers=["features.3"], needs=OF_LAYERS)["features.3"]

    for wrapped, name in ((nn.DataParallel(model), "module.features.3"), (nn.DataParallel(model), "features.3")):
        found = capture(wrapped, inputs(), layers=[name], needs=OF_LAYERS)[name]
        assert torch.equal(found.gradients, expected.gradients)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_weights_give_float32_maps_close_to_full_precision(dtype: torch.dtype) -> None:
    targets = torch.tensor([0, 1, 2, 3])
    options: dict[str, Any] = {"layers": ["features.3"], "needs": ALL, "targets": targets}
    expected = capture(seeded(PlainCnn), inputs(), **options)["features.3"]

    found = capture(seeded(PlainCnn).to(dtype), inputs(), **options)["features.3"]

    assert found.gradients.dtype == found.activations.dtype == found.input_gradients.dtype == torch.float32
    torch.testing.assert_close(found.activations, expected.activations, atol=0.05, rtol=0.05)
    # rounding moves some units across the ReLU's edge, so gradients agree as a whole, not one by one
    pair = torch.stack((found.gradients.flatten(), expected.gradients.flatten()))
    assert float(torch.corrcoef(pair)[0, 1]) > 0.97


@pytest.mark.parametrize("where", ["around", "inside"])
def test_compiled_models_are_explained_as_they_were_before_compiling(where: str) -> None:
    model = seeded(PlainCnn)
    expected = capture(model, inputs(), layers=["features.3"], needs=ALL)["features.3"]
    if where == "inside":
        model.features = torch.compile(model.features, backend="eager")
    compiled = torch.compile(model, backend="eager") if where == "around" else model
    compiled(inputs())  # compiled before any hook is there

    name = "features.3" if where == "around" else "features._orig_mod.3"
    found = capture(compiled, inputs(), layers=[name], needs=ALL)[name]

    assert torch.equal(found.gradients, expected.gradients)
    assert torch.equal(found.input_gradients, expected.input_gradients)


def test_autocast_around_the_caller_makes_no_difference() -> None:
    model = seeded(PlainCnn)
    expected = capture(model, inputs(), layers=["features.3"], needs=ALL)["features.3"]

    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = capture(model, inputs(), layers=["features.3"], needs=ALL)["features.3"]

    assert torch.equal(found.gradients, expected.gradients)


def test_channels_last_inputs_make_no_difference() -> None:
    model = seeded(PlainCnn)
    expected = capture(model, inputs(), layers=["features.3"], needs=ALL)["features.3"]

    x = inputs().contiguous(memory_format=torch.channels_last)
    found = capture(model, x, layers=["features.3"], needs=ALL)["features.3"]

    torch.testing.assert_close(found.gradients, expected.gradients)


@pytest.mark.parametrize("batch_first", [True, False])
def test_tokens_are_laid_out_as_their_patches_without_class_and_register_tokens(batch_first: bool) -> None:
    model, x = seeded(ClassTokenViT, batch_first=batch_first), inputs(15)
    tokens = model.embed(x).flatten(2).transpose(1, 2)
    tokens = torch.cat((model.prefix.expand(15, -1, -1), tokens), 1) + model.places
    first = tokens if batch_first else tokens.transpose(0, 1)
    middle = model.encoder.layers[0](first)
    value = middle
    for layer in model.encoder.layers[1:]:
        value = layer(value)
    logits = model.head(value[:, 0] if batch_first else value[0])
    gradient = torch.autograd.grad(logits.amax(1).sum(), middle)[0]
    gradient, middle = (value if batch_first else value.transpose(0, 1) for value in (gradient, middle))

    found = capture(model, x, layers=["encoder.layers.0"], needs=OF_LAYERS)["encoder.layers.0"]

    assert found.activations.shape == (15, 16, 4, 3)
    for row in range(4):
        for column in range(3):
            token = 3 + row * 3 + column
            torch.testing.assert_close(found.activations[:, :, row, column], middle[:, token].detach())
            torch.testing.assert_close(found.gradients[:, :, row, column], gradient[:, token])


def test_the_fused_path_of_transformers_does_not_hide_what_is_inside_a_layer() -> None:
    model = seeded(ClassTokenViT)
    switch = torch.backends.mha.get_fastpath_enabled()

    found = capture(model, inputs(), layers=["encoder.layers.1.linear1", "encoder.layers.1.norm1"], needs=OF_LAYERS)

    assert found["encoder.layers.1.linear1"].activations.shape == (4, 32, 4, 3)
    assert torch.backends.mha.get_fastpath_enabled() == switch


def test_a_layer_at_whose_patches_no_gradient_arrives_is_named() -> None:
    found = capture(seeded(ClassTokenViT), inputs(), layers=["encoder.layers.3", "encoder.layers.2"], needs=OF_LAYERS)

    assert found.blank == ("encoder.layers.3",)


def test_maps_that_are_channels_last_come_out_channels_first() -> None:
    model, x = seeded(ChannelsLast), inputs()

    found = capture(model, x, layers=["embed", "mix"], needs=OF_LAYERS)

    expected = model.mix(model.norm(model.embed(x).permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
    torch.testing.assert_close(found["mix"].activations, expected.detach())
    assert found["embed"].activations.shape == found["embed"].gradients.shape == (4, 10, 8, 6)


def test_given_targets_are_explained_and_wrong_ones_refused() -> None:
    model, x, targets = seeded(PlainCnn), inputs(), torch.tensor([0, 4, 2, 2])
    of_input = x.clone().requires_grad_()
    expected = torch.autograd.grad(model(of_input)[torch.arange(4), targets].sum(), of_input)[0]

    found = capture(model, x, layers=[], needs=ALL, targets=targets)[None]

    torch.testing.assert_close(found.input_gradients, expected)
    with pytest.raises(ModelError, match="4 class indices from 0 to 4"):
        capture(model, x, layers=[], needs=ALL, targets=torch.tensor([0, 1, 2, 5]))


def test_a_single_logit_speaks_for_class_1_and_against_class_0() -> None:
    model, x = seeded(PlainCnn, classes=1), inputs()

    ones, zeros = (
        capture(model, x, layers=["features.3"], needs=ALL, targets=torch.full((4,), target))["features.3"]
        for target in (1, 0)
    )
    predicted = capture(model, x, layers=[], needs=ALL)[None].targets.classes

    assert torch.equal(ones.gradients, -zeros.gradients)
    assert torch.equal(predicted, (model(x)[:, 0] > 0).long())


def test_a_layer_that_does_not_exist_never_runs_or_is_no_grid_is_refused_in_words() -> None:
    model = seeded(PlainCnn)
    model.unused = nn.Conv2d(3, 3, 1)

    for name, words in (("features.9", "has no layer"), ("unused", "never runs"), ("head", "no grid over the image")):
        with pytest.raises(ModelError, match=words):
            capture(model, inputs(), layers=[name], needs=OF_LAYERS)


class ScoresEveryPixel(nn.Conv2d):
    """A segmentation network: it has no class scores."""


def test_outputs_that_are_no_class_scores_are_refused_in_words() -> None:
    with pytest.raises(ModelError, match="only classification models can be audited"):
        capture(ScoresEveryPixel(3, 5, 1), inputs(), layers=[], needs=ALL)


def test_inputs_that_the_model_cannot_take_are_refused_with_its_own_words() -> None:
    with pytest.raises(ModelError, match=r"fails on inputs of shape \(4, 1, 16, 12\): RuntimeError: "):
        capture(seeded(PlainCnn), inputs()[:, :1], layers=[], needs=ALL)


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning", "ignore:`torch.jit:DeprecationWarning")
def test_torchscript_gives_input_gradients_and_refuses_layers_in_words() -> None:
    model, x = seeded(PlainCnn), inputs()
    scripted = torch.jit.trace(model, x)
    _, _, of_input = gradients_of_plain_cnn(model, x, 1)

    found = capture(scripted, x, layers=[], needs=frozenset({Need.INPUT_GRADIENTS}))[None]

    torch.testing.assert_close(found.input_gradients, of_input, atol=1e-5, rtol=1e-4)
    with pytest.raises(ModelError, match="TorchScript model hides its layers"):
        capture(scripted, x, layers=["features.3"], needs=OF_LAYERS)


class Breaks(PlainCnn):
    """Fails half-way."""

    def forward(self, x: Tensor) -> Tensor:
        self.features(x)
        raise ValueError("half-way")


def test_an_exception_in_the_model_leaves_it_as_it_was() -> None:
    model = seeded(Breaks).train()
    before = digest(model)
    switch = torch.backends.mha.get_fastpath_enabled()

    with pytest.raises(ModelError, match="half-way"):
        capture(model, inputs(), layers=["features.3"], needs=ALL)

    assert digest(model) == before
    assert torch.is_grad_enabled()
    assert torch.backends.mha.get_fastpath_enabled() == switch


def test_passes_in_threads_over_one_model_do_not_mix() -> None:
    model = seeded(PlainCnn)
    batches = [inputs(4) * scale for scale in (0.5, 1.0, 1.5, 2.0)]
    expected = [capture(model, batch, layers=["features.3"], needs=ALL) for batch in batches]
    before, found = digest(model), dict[int, Pass]()

    def run(index: int) -> None:
        for _ in range(5):
            found[index] = capture(model, batches[index], layers=["features.3"], needs=ALL)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for index in range(4):
        assert torch.equal(found[index]["features.3"].activations, expected[index]["features.3"].activations)
        torch.testing.assert_close(found[index]["features.3"].gradients, expected[index]["features.3"].gradients)
    assert digest(model) == before
