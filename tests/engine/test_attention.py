"""Attention weights and their gradients, from every style of block. The oracles change nothing to see them."""

from __future__ import annotations

import math
import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from auditor.attention import Attention
from auditor.engine.attention import Recorder
from auditor.engine.capture import capture
from auditor.engine.integrity import digest
from auditor.errors import ModelError
from auditor.visualizers import Need
from tests.engine.attention_networks import (
    CASES,
    Encoder,
    FoldedHeads,
    FusedOrNot,
    SelectiveKernelCnn,
    SpatialReduction,
    vit,
)
from tests.engine.networks import ClassTokenViT, OnlyInference, PlainCnn, WithoutGraph, inputs, seeded

BOTH = frozenset({Need.ATTENTION, Need.ATTENTION_GRADIENTS})


def attention(module: nn.Module, x: Tensor, needs: frozenset[Need] = BOTH) -> Attention:
    found = capture(module, x, layers=[], needs=needs)[None].attention
    assert found is not None
    return found


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Any:
    case = CASES[request.param]
    return case, seeded(case.build), inputs(3, height=case.size[0], width=case.size[1])


def test_every_style_of_attention_is_found_where_it_is_with_its_shape_grid_and_prefix(case: Any) -> None:
    wanted, module, x = case

    found = attention(module, x)

    assert found.refusal == ""
    assert tuple(layer.name for layer in found.layers) == wanted.places
    for layer in found.layers:
        assert layer.weights.shape == (3, *wanted.shape)
        assert (layer.grid, layer.prefix) == (wanted.grid, wanted.prefix)
        torch.testing.assert_close(layer.weights.sum(-1), torch.ones(layer.weights.shape[:-1]))
        assert layer.gradients is not None
        assert layer.gradients.shape == layer.weights.shape
        assert bool(layer.gradients.any())


def test_recording_changes_neither_the_scores_nor_the_model(case: Any) -> None:
    _, module, x = case
    expected, before = module.double()(x.double()).detach().float(), digest(module)

    found = capture(module, x, layers=[], needs=frozenset(Need))[None]

    torch.testing.assert_close(found.logits, expected, rtol=1e-6, atol=1e-6)
    assert digest(module) == before


def test_the_gradient_is_that_of_a_tiny_change_of_the_weights(case: Any) -> None:
    """Central differences in float64: one weight of the last attention is moved where the recorder hands it on."""
    _, module, x = case
    layer = attention(module, x[:1]).layers[-1]
    assert layer.gradients is not None
    place = int(layer.gradients[0].abs().argmax())
    doubled = module.double()

    def score(step: float) -> float:
        with Moving(step, place, len(attention_calls(module, x[:1])) - 1), torch.no_grad():
            return float(doubled(x[:1].double()).amax())

    slope = (score(1e-5) - score(-1e-5)) / 2e-5

    assert float(layer.gradients[0].flatten()[place]) == pytest.approx(slope, rel=1e-3)


class Moving(Recorder):
    """Adds a step to one weight of one call, in the order of the recorder's own layout."""

    def __init__(self, step: float, place: int, call: int) -> None:
        super().__init__(gradients=False)
        self.step, self.place, self.left = step, place, call

    def _softmax(self, output: Tensor, dim: int, scores: Tensor, *, sure: bool = False) -> Tensor:
        handed = super()._softmax(output, dim, scores, sure=sure).contiguous()
        if self.left == 0:
            handed.view(-1)[self.place] += self.step
            self._pending = {}
        self.left -= 1
        return handed


def attention_calls(module: nn.Module, x: Tensor) -> list[str]:
    recorder = Recorder(gradients=False)
    with recorder.watching(module), torch.no_grad():
        module.double()(x.double())
    recorder.close()
    return [call.name for call in recorder.calls]


def test_the_weights_are_those_that_multihead_attention_returns_itself() -> None:
    module, x = seeded(vit), inputs(3, height=32, width=32)
    returned: list[Tensor] = []
    hooks = []
    for part in list(module.modules()):
        if isinstance(part, nn.MultiheadAttention):

            def note(part: Any, given: Any, _: Any) -> None:
                returned.append(part.forward(*given, need_weights=True, average_attn_weights=False)[1].detach())

            hooks.append(part.register_forward_hook(note))
    module(x)
    for hook in hooks:
        hook.remove()

    found = attention(module, x)

    for layer, weights in zip(found.layers, returned, strict=True):
        torch.testing.assert_close(layer.weights, weights, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("needs_weights", [True, False])
def test_multihead_attention_gives_one_matrix_a_head_in_every_order_of_axes(
    batch_first: bool, needs_weights: bool
) -> None:
    class Asking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Conv2d(3, 16, 4, 4)
            self.attend = nn.MultiheadAttention(16, 4, batch_first=batch_first)
            self.head = nn.Linear(16, 5)

        def forward(self, x: Tensor) -> Tensor:
            tokens = self.embed(x).flatten(2).permute(*((0, 2, 1) if batch_first else (2, 0, 1)))
            return self.head(self.attend(tokens, tokens, tokens, need_weights=needs_weights)[0].sum(int(batch_first)))

    module, x = seeded(Asking), inputs(3)
    tokens = module.embed(x).flatten(2).transpose(1, 2).detach()
    q, k, _ = (tokens @ module.attend.in_proj_weight.T + module.attend.in_proj_bias).chunk(3, dim=2)
    expected = torch.stack(
        [(q[..., h : h + 4] @ k[..., h : h + 4].transpose(1, 2) / 2).softmax(-1) for h in range(0, 16, 4)], dim=1
    )

    found = attention(module, x).layers

    assert [layer.name for layer in found] == ["attend"]
    torch.testing.assert_close(found[0].weights, expected)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"scale": 0.3},
        {"is_causal": True},
        {"attn_mask": torch.arange(35).view(5, 7) % 3 != 0},
        {"attn_mask": torch.arange(35.0).view(5, 7) / 9},
        {"attn_mask": (torch.arange(5) > 1)[:, None].expand(5, 7)},
        {"enable_gqa": True},
    ],
    ids=str,
)  # fmt: skip
def test_fused_attention_is_computed_as_torch_computes_it(options: dict[str, Any]) -> None:
    generator = torch.Generator().manual_seed(1)
    heads = 2 if options.get("enable_gqa") else 4
    q = torch.randn(2, 4, 5, 3, generator=generator, dtype=torch.float64)
    k, v = torch.randn(2, 2, heads, 7, 3, generator=generator, dtype=torch.float64)
    expected = F.scaled_dot_product_attention(q, k, v, **options)

    recorder = Recorder(gradients=False)
    with recorder:
        found = F.scaled_dot_product_attention(q, k, v, **options)

    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    assert math.isfinite(float(recorder.calls[0].weights.sum()))


def test_one_pass_serves_layers_and_attention() -> None:
    module, x = seeded(ClassTokenViT), inputs()
    alone = capture(module, x, layers=["encoder.layers.1"], needs=frozenset(Need) - BOTH)["encoder.layers.1"]
    weights = attention(module, x).layers

    found = capture(module, x, layers=["encoder.layers.1"], needs=frozenset(Need))["encoder.layers.1"]

    assert alone.gradients is not None
    assert found.gradients is not None
    torch.testing.assert_close(found.gradients, alone.gradients)
    torch.testing.assert_close(found.input_gradients, alone.input_gradients)
    assert found.attention is not None
    for one, other in zip(found.attention.layers, weights, strict=True):
        torch.testing.assert_close(one.weights, other.weights)
        torch.testing.assert_close(one.gradients, other.gradients)


def test_who_reads_in_the_end_is_told_by_the_gradient() -> None:
    x = inputs()
    first = attention(seeded(Encoder, lambda: FusedOrNot(fused=True), prefix=5), x).reading()
    mean = attention(seeded(Encoder, lambda: FusedOrNot(fused=True), prefix=1, average=True), x).reading()

    assert first.tolist() == [1] + [0] * 16
    torch.testing.assert_close(mean, torch.tensor([0.0] + [1 / 12] * 12))


def test_without_gradients_the_first_token_before_the_patches_is_the_class_token() -> None:
    found = attention(seeded(Encoder, lambda: FusedOrNot(fused=True)), inputs(), frozenset({Need.ATTENTION}))

    assert all(layer.gradients is None for layer in found.layers)
    assert found.reading().tolist() == [1] + [0] * 12


def test_heads_that_come_before_images_are_noticed_and_refused() -> None:
    found = attention(seeded(Encoder, lambda: FoldedHeads(heads_first=True)), inputs(3))

    assert found.layers == ()
    assert "cannot be told apart" in found.refusal


@pytest.mark.parametrize("build", [PlainCnn, SelectiveKernelCnn])
@pytest.mark.parametrize(
    "needs", [BOTH, frozenset(Need), BOTH | {Need.ACTIVATIONS}], ids=["both", "all", "no backward"]
)
def test_a_model_without_attention_says_so(build: Any, needs: frozenset[Need]) -> None:
    module = seeded(build)
    layer = next(name for name, part in module.named_modules() if isinstance(part, nn.Conv2d))

    found = capture(module, inputs(), layers=[layer], needs=needs)[layer].attention

    assert found is not None
    assert found.layers == ()
    with pytest.raises(ModelError, match="no attention that can be seen"):
        found.under(None)


def test_a_script_says_so_too() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own: scripts are going away, but people still have them
        script = torch.jit.trace(seeded(ClassTokenViT), inputs(), check_trace=False)

    assert "TorchScript" in attention(script, inputs(), frozenset({Need.ATTENTION})).refusal


def test_a_layer_without_attention_names_those_that_have_it() -> None:
    found = attention(seeded(Encoder, lambda: FusedOrNot(fused=True)), inputs())

    assert found.under("blocks.1").name == "blocks.1.attn"
    with pytest.raises(ModelError, match=r"layer 'embed' holds no attention; .* blocks\.0\.attn"):
        found.under("embed")


def test_windows_and_merged_tokens_have_no_chain() -> None:
    windows = attention(seeded(CASES["swin"].build), inputs(2, height=32, width=32))
    merged = attention(seeded(SpatialReduction), inputs())

    with pytest.raises(ModelError, match="reads windows, each by itself"):
        windows.chain()
    with pytest.raises(ModelError, match="number of tokens changes"):
        merged.chain()


def test_windows_are_kept_image_by_image() -> None:
    module, x = seeded(CASES["swin"].build), inputs(3, height=32, width=32)
    single = attention(module, x[1:2]).layers

    found = attention(module, x).layers

    for one, other in zip(found, single, strict=True):
        torch.testing.assert_close(one.weights[1:2], other.weights, rtol=1e-4, atol=1e-6)


def test_half_precision_keeps_the_gradient() -> None:
    module, x = seeded(Encoder, lambda: FusedOrNot(fused=True)), inputs()
    exact = attention(module, x).layers

    found = attention(module.bfloat16(), x).layers

    for one, other in zip(found, exact, strict=True):
        assert one.weights.dtype == torch.float32
        assert one.gradients is not None
        assert other.gradients is not None
        same = F.cosine_similarity(one.gradients.flatten(), other.gradients.flatten(), dim=0)
        assert float(same) > 0.98


def test_a_forward_that_switches_the_graph_off_gives_the_same() -> None:
    module, x = WithoutGraph(), inputs()
    module.inner = seeded(ClassTokenViT)

    for one, other in zip(attention(module, x).layers, attention(module.inner, x).layers, strict=True):
        assert one.name == f"inner.{other.name}"
        torch.testing.assert_close(one.gradients, other.gradients)


def test_a_forward_that_allows_no_gradients_still_shows_its_weights() -> None:
    module = OnlyInference()
    module.inner = seeded(ClassTokenViT)

    assert len(attention(module, inputs(), frozenset({Need.ATTENTION})).layers) == 4
    with pytest.raises(ModelError, match="inference_mode"):
        attention(module, inputs())
