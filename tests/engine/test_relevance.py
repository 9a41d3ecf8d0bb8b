from __future__ import annotations

import copy
import warnings
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F

from auditor.engine.capture import capture
from auditor.engine.fast_form import fast_form
from auditor.engine.integrity import digest
from auditor.engine.relevance import passes, relevance
from auditor.errors import ModelError
from auditor.visualizers import Need, RelevanceRule
from tests.engine.networks import Checkpointed, ClassTokenViT, PlainCnn, inputs, seeded

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from captum.attr import LRP
    from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule, GammaRule

TARGETS = torch.tensor([0, 3, 1, 2])
EPSILON = RelevanceRule("epsilon")
EVERY = [EPSILON, RelevanceRule("gamma"), RelevanceRule("zplus")]


class WithoutBias(nn.Module):
    """Convolutions, ReLUs, pooling of both kinds, a residual sum, a concatenation, an in-place sum; no bias at all."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, padding=1, bias=False)
        self.second = nn.Conv2d(6, 6, 3, padding=1, bias=False)
        self.third = nn.Conv2d(12, 8, 3, padding=1, bias=False)
        self.head = nn.Linear(8, 5, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.first(x)), 2)
        y = self.second(x)
        y += x
        y.relu_()
        z = F.avg_pool2d(torch.cat((x, y), dim=1), 2)
        return self.head(self.third(z).relu().mean((2, 3)))


class PlainStack(nn.Sequential):
    """Without biases, of modules only, as captum wants it."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 8, 3, padding=1, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 48, 5, bias=False),
        )  # fmt: skip


class Gate(nn.Module):
    """Squeeze and excitation, hard-swish, group norm and a quotient."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.norm = nn.GroupNorm(2, 8)
        self.gate = nn.Conv2d(8, 8, 1)
        self.head = nn.Linear(8, 5, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = F.hardswish(self.norm(self.first(x)))
        x = x * self.gate(x.mean((2, 3), keepdim=True)).sigmoid()
        x = x.mean((2, 3))
        return self.head(x / x.norm(dim=1, keepdim=True))


class Attends(nn.Module):
    """One head of attention over pixels' features, by its formula or by torch's fused call."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.form = form
        self.embed = nn.Linear(3, 6, bias=False)
        self.norm = nn.LayerNorm(6)
        self.mix = nn.MultiheadAttention(6, 2, bias=False, batch_first=True)
        self.head = nn.Linear(6, 5, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.norm(self.embed(F.avg_pool2d(x, 4).flatten(2).transpose(1, 2)))
        if self.form == "module":
            mixed, _ = self.mix(tokens, tokens, tokens, need_weights=False)
        else:
            query, key, value = (
                F.linear(tokens, self.mix.in_proj_weight).unflatten(-1, (3, 2, 3)).permute(2, 0, 3, 1, 4)
            )
            if self.form == "fused":
                mixed = F.scaled_dot_product_attention(query, key, value)
            else:
                mixed = (query @ key.transpose(-2, -1) / 3**0.5).softmax(-1) @ value
            mixed = self.mix.out_proj(mixed.transpose(1, 2).flatten(2))
        return self.head(F.gelu(tokens + mixed).mean(1))


def logits_of(module: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        scores: Tensor = module(x.clone()).gather(1, TARGETS[:, None])[:, 0]
        return scores


@pytest.mark.parametrize("rule", EVERY, ids=str)
@pytest.mark.parametrize("build", [WithoutBias, PlainStack])
def test_without_biases_relevance_sums_to_the_logit(build: Any, rule: RelevanceRule) -> None:
    module, x = seeded(build).double(), inputs().double()

    found = relevance(module, x, TARGETS, RelevanceRule(rule.convolutions, rule.gamma, 1e-12))

    torch.testing.assert_close(found.flatten(1).sum(1), logits_of(module, x), rtol=1e-6, atol=1e-9)


def test_epsilon_without_bias_in_a_relu_network_is_input_times_gradient() -> None:
    module, x = seeded(WithoutBias), inputs()
    captured = capture(module, x, layers=[], needs=frozenset({Need.INPUT_GRADIENTS}), targets=TARGETS)[None]
    assert captured.input_gradients is not None

    found = relevance(module, x, TARGETS, EPSILON)

    torch.testing.assert_close(found, x * captured.input_gradients, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize(
    ("rule", "captums"),
    [
        (RelevanceRule("epsilon", epsilon=0.05), lambda: EpsilonRule(0.05)),
        (RelevanceRule("gamma", gamma=0.5, epsilon=1e-9), lambda: GammaRule(0.5)),
        (RelevanceRule("zplus", epsilon=1e-9), Alpha1_Beta0_Rule),
    ],
    ids=["epsilon", "gamma", "zplus"],
)
def test_rules_are_captums_where_values_are_not_negative(rule: RelevanceRule, captums: Any) -> None:
    module, x = seeded(PlainStack), inputs().abs()
    theirs = copy.deepcopy(module)
    for part in theirs:
        if isinstance(part, nn.Conv2d):
            part.rule = captums()
        elif not isinstance(part, nn.ReLU):
            part.rule = EpsilonRule(rule.epsilon if isinstance(part, nn.Linear) else 1e-12)
    expected = LRP(theirs).attribute(x.clone().requires_grad_(), target=TARGETS).detach()

    found = relevance(module, x, TARGETS, rule)

    torch.testing.assert_close(found, expected, atol=1e-5 * float(expected.abs().max()), rtol=1e-3)


def shared_out(a: Tensor, w: Tensor, b: Tensor, incoming: Tensor, rule: RelevanceRule) -> Tensor:
    """One linear layer's relevance, unit by unit, from the formulas of the papers."""
    found = torch.zeros_like(a)
    for k in range(len(w)):
        z = a * w[k]
        total = float(z.sum() + b[k])
        sign = 1 if total > 0 else -1
        if rule.convolutions == "epsilon":
            share, whole = z, total + rule.epsilon * sign
        elif rule.convolutions == "zplus":
            share = z.clamp(min=0)
            whole = float(share.sum())
        else:
            same = (z * sign).clamp(min=0) * sign
            share = z + rule.gamma * same
            whole = float(share.sum() + b[k] + rule.gamma * max(sign * float(b[k]), 0) * sign)
        found += share / whole * incoming[k]
    return found


@pytest.mark.parametrize("rule", EVERY, ids=str)
def test_a_convolution_of_values_of_both_signs_shares_as_the_formula_says(rule: RelevanceRule) -> None:
    generator = torch.Generator().manual_seed(0)
    conv = nn.Conv2d(12, 5, 1).double()
    x = torch.randn(4, 12, 1, 1, generator=generator, dtype=torch.float64)
    module = nn.Sequential(conv, nn.Flatten()).eval()
    weight, bias = conv.weight.detach().flatten(1), conv.bias
    assert bias is not None

    found = relevance(module, x, TARGETS, rule)

    for image, target, values in zip(x.flatten(1), TARGETS, found.flatten(1), strict=True):
        incoming = torch.zeros(5, dtype=torch.float64)
        incoming[target] = module(image.view(1, 12, 1, 1))[0, target].detach()
        expected = shared_out(image, weight, bias.detach(), incoming, rule)
        torch.testing.assert_close(values, expected, rtol=1e-4, atol=1e-8)


def test_folded_batch_norm_is_the_same_function_and_the_epsilon_rule_does_not_see_it() -> None:
    module, x = seeded(PlainCnn), inputs()
    folded = fast_form(module)
    assert folded.folded == 2

    found = relevance(folded.module, x, TARGETS, EPSILON)

    torch.testing.assert_close(found, relevance(module, x, TARGETS, EPSILON), atol=1e-4, rtol=1e-2)


def test_what_biases_keep_is_all_that_is_missing() -> None:
    module, x = seeded(PlainCnn).double(), inputs().double()
    free = copy.deepcopy(module)
    for part in free.modules():
        if isinstance(part, nn.Conv2d | nn.Linear) and part.bias is not None:
            part.bias = None
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.zero_()  # type: ignore[union-attr]
            part.bias = None  # type: ignore[assignment]

    found = relevance(free, x, TARGETS, RelevanceRule("epsilon", epsilon=1e-12))

    torch.testing.assert_close(found.flatten(1).sum(1), logits_of(free, x), rtol=1e-6, atol=1e-9)


def test_gates_and_norms_are_held_so_that_nothing_is_lost_without_biases() -> None:
    module, x = seeded(Gate).double(), inputs().double()
    nn.init.zeros_(module.norm.bias)

    found = relevance(module, x, TARGETS, RelevanceRule("epsilon", epsilon=1e-12))

    torch.testing.assert_close(found.flatten(1).sum(1), logits_of(module, x), rtol=1e-6, atol=1e-9)


def attention_by_hand(module: Attends, x: Tensor) -> Tensor:
    """AttnLRP by detaching: halves are (a·b + a·b.detach…)/2 written as sums, ratios and spreads are constants."""

    def half(tensor: Tensor) -> Tensor:
        return tensor / 2 + (tensor / 2).detach()

    x = x.clone().requires_grad_()
    tokens = module.embed(F.avg_pool2d(x, 4).flatten(2).transpose(1, 2))
    centred = tokens - tokens.mean(-1, keepdim=True)
    spread = (tokens.var(-1, keepdim=True, correction=0) + module.norm.eps).sqrt().detach()
    tokens = centred / spread * module.norm.weight + module.norm.bias
    query, key, value = (tokens @ module.mix.in_proj_weight.T).chunk(3, dim=-1)
    heads = []
    for columns in (slice(0, 3), slice(3, 6)):
        q, k, v = query[..., columns], key[..., columns], value[..., columns]
        weights = (half(q) @ half(k).transpose(1, 2) / 3**0.5).softmax(-1)
        heads.append(half(weights) @ half(v))
    total = tokens + torch.cat(heads, dim=-1) @ module.mix.out_proj.weight.T
    total = total * (F.gelu(total) / total).detach()
    score = module.head(total.mean(1)).gather(1, TARGETS[:, None]).sum()
    return (x * torch.autograd.grad(score, x)[0]).detach()


@pytest.mark.parametrize("form", ["module", "fused", "formula"])
def test_attention_follows_attnlrp_in_whatever_form_it_is_written(form: str) -> None:
    module, x = seeded(Attends, form).double(), inputs().double()

    found = relevance(module, x, TARGETS, RelevanceRule("gamma", epsilon=1e-12))

    torch.testing.assert_close(found, attention_by_hand(module, x), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("rule", EVERY, ids=str)
@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "densenet121", "efficientnet_b0", "vit_b_32"])
def test_real_architectures_have_a_rule_for_every_operation(name: str, rule: RelevanceRule) -> None:
    size = 224 if name == "vit_b_32" else 64
    module = seeded(getattr(torchvision.models, name), weights=None)
    if name == "vit_b_32":
        nn.init.normal_(module.heads.head.weight)  # torchvision starts it at 0
    x, targets = inputs(1, height=size, width=size), torch.tensor([7])

    found = relevance(module, x, targets, rule)

    assert found.shape == x.shape
    assert bool(found.isfinite().all())
    assert bool(found.any())


def test_the_model_keeps_its_value_and_state_also_with_checkpoints_and_in_place_code() -> None:
    for module in (seeded(PlainCnn, inplace=True).train(), seeded(Checkpointed, reentrant=True), seeded(ClassTokenViT)):
        before = digest(module)

        relevance(module, inputs(), TARGETS, RelevanceRule())

        assert digest(module) == before


class Cumulates(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x.mean((2, 3)).cumprod(1))


class MakesItsWeights(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x[:1], x.mean((0, 2, 3)).view(1, 3, 1, 1).expand(5, 3, 1, 1)).mean((2, 3)).expand(len(x), 5)


def test_an_operation_without_a_rule_is_refused_by_its_name() -> None:
    with pytest.raises(ModelError, match="no rule for 'cumprod'"):
        relevance(Cumulates().eval(), inputs(), TARGETS, EPSILON)
    with pytest.raises(ModelError, match="weights depend on the input"):
        relevance(MakesItsWeights().eval(), inputs(), TARGETS, EPSILON)
    with pytest.raises(ModelError, match="float32"):
        relevance(seeded(PlainCnn).half(), inputs(), TARGETS, EPSILON)


def test_costs_of_the_rules_are_ordered() -> None:
    assert passes(EPSILON) < passes(RelevanceRule("zplus")) < passes(RelevanceRule("gamma"))
