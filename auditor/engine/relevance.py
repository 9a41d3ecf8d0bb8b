"""Layer-wise relevance propagation as input × a modified gradient, without a hook on, or an edit of, the model.

Each operation keeps its value but gets a backward of its own, so that unit × gradient is the unit's relevance at every
place of the network. Operations are met as they run, so modules, functions, methods and operators are all covered;
one that has no rule is refused.

Sources: Montavon et al., "Layer-Wise Relevance Propagation: An Overview", 2019, section 10.2; Achtibat et al.,
"AttnLRP", ICML 2024, section 3 (attention, normalisation, activations).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from auditor.engine import relevance_rules as rules
from auditor.engine import scoring
from auditor.engine.capture import recording
from auditor.errors import ModelError, NotApplicableError
from auditor.targets import Targets, as_targets
from auditor.visualizers import RelevanceRule

__all__ = ["passes", "relevance"]

PASSES = {"epsilon": 3, "gamma": 9, "zplus": 7}
"""Forwards that one propagation counts as, where all layers are convolutions of values of both signs."""


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


SHARED = _names(
    """
    add __add__ __radd__ __iadd__ add_ sub __sub__ __rsub__ __isub__ sub_ neg __neg__ cat concat stack
    view reshape flatten unflatten permute transpose swapaxes movedim t contiguous clone expand expand_as repeat
    squeeze unsqueeze split chunk unbind __getitem__ select narrow roll unfold pad interpolate pixel_shuffle
    mean sum avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d
    max_pool1d max_pool2d max_pool3d adaptive_max_pool1d adaptive_max_pool2d amax max masked_fill where
    dropout dropout2d dropout3d alpha_dropout feature_dropout batch_norm softmax log_softmax
    float double to type_as requires_grad_ __get__ norm vector_norm
    """
)
"""Sums, shapes, selections and affine maps: their plain gradient shares relevance in proportion. A maximum goes to its
winner. Softmax: AttnLRP, proposition 3.1. A norm ends as a divisor, which is held."""
ACTIVATIONS = _names(
    """
    relu relu_ relu6 gelu silu silu_ hardswish hardswish_ hardtanh hardtanh_ leaky_relu leaky_relu_ elu elu_ selu
    selu_ celu mish softplus sigmoid sigmoid_ tanh tanh_ hardsigmoid clamp clamp_ clamp_min clamp_min_ clip
    """
)
"""One value in, one out: relevance goes on as it is (AttnLRP, section 3.2.1)."""
CONVOLUTIONS = _names("conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d")
PRODUCTS = _names("mul __mul__ __rmul__ __imul__ mul_ multiply")
MATRIX_PRODUCTS = _names("matmul __matmul__ bmm mm")
QUOTIENTS = _names("div __truediv__ __itruediv__ div_")


def passes(rule: RelevanceRule) -> int:
    """Upper bound of forwards that one propagation counts as."""
    return PASSES[rule.convolutions]


def relevance(module: nn.Module, inputs: Tensor, targets: Tensor | Targets, rule: RelevanceRule) -> Tensor:
    """Relevance of each input value for its image's target logit.

    Without biases they sum to the logit; biases keep their share.

    Args:
        module: Batch norms should be folded: one that stands alone counts as an affine layer with a bias.
        inputs: Normalised, float32, on the module's device.
        targets: Of each image, or class indices, int64 (batch,).
        rule: How units share.

    Returns:
        float32, shape of the inputs, signed.

    Raises:
        ModelError: An operation has no rule, no gradient reaches the input, or operations are hidden.
    """
    if isinstance(module, torch.jit.ScriptModule):
        raise NotApplicableError("a TorchScript model hides its operations, and relevance cannot go through it")
    if scoring.weights_dtype(module) not in (torch.float32, torch.float64):
        raise NotApplicableError("relevance propagation divides by small sums and needs weights of float32")
    with recording(module, inputs.device):
        seen = inputs.detach().clone().requires_grad_()
        with _Rules(rule):
            output = scoring.output_of(module, seen.clone())
        # what a score of one's own makes of the output is no part of the network: its plain gradient counts
        logits = scoring.scores_of(output, len(inputs), as_targets(targets).own)
        score = scoring.target_logits(logits, targets).sum()
        if not score.requires_grad:
            raise ModelError("no gradient reaches the scores, so relevance cannot be propagated")
        (gradient,) = torch.autograd.grad(score, seen, allow_unused=True)
    if gradient is None:
        raise ModelError("no gradient reaches the input, so relevance cannot be propagated")
    return (inputs * gradient).detach()


class _Rules(TorchFunctionMode):
    """Inside, every operation on what depends on the input gets the backward of its rule."""

    def __init__(self, rule: RelevanceRule) -> None:
        super().__init__()
        self.rule = rule

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        carried = [value for value in _tensors((args, kwargs)) if value.requires_grad]
        if not carried or name in SHARED:
            return func(*args, **kwargs)
        if name in ACTIVATIONS:
            return rules.activation(func, name, *args, **kwargs)
        if name in CONVOLUTIONS or name == "linear":
            rule = self.rule if name != "linear" else rules.of_linear(self.rule)
            return rules.weighted(func, rule, *args, **kwargs)
        if name in PRODUCTS:
            return rules.product(func, *args, **kwargs)
        if name in MATRIX_PRODUCTS:
            return func(*rules.halved(*args))
        if name in QUOTIENTS and not kwargs:
            return func(args[0], args[1].detach() if isinstance(args[1], Tensor) else args[1])
        if name in OWN:
            return OWN[name](self.rule, *args, **kwargs)
        result = func(*args, **kwargs)
        if any(value.requires_grad for value in _tensors(result)):
            raise NotApplicableError(
                f"relevance propagation has no rule for '{name}', which the model uses; take another method"
            )
        return result


OWN: Mapping[str, Callable[..., Any]] = {
    "layer_norm": rules.layer_norm,
    "group_norm": rules.group_norm,
    "normalize": rules.normalize,
    "scaled_dot_product_attention": rules.attention,
    "multi_head_attention_forward": rules.multi_head_attention,
}


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _tensors(item)
