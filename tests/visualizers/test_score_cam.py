from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from auditor.engine.capture import capture
from auditor.engine.predictor import Predictor
from auditor.visualizers import Captured, Need
from auditor.visualizers.score_cam import ScoreCam
from tests.engine.networks import PlainCnn, inputs, loaded, seeded

FILL = torch.tensor([0.3, -0.2, 0.1]).view(3, 1, 1)
TARGETS = torch.tensor([0, 3, 1])


def captured_on(module: nn.Module, layer: str) -> tuple[Captured, Predictor]:
    predictor = Predictor(loaded(module), torch.device("cpu"), chunk=8)
    needs = frozenset({Need.ACTIVATIONS, Need.SCORES})
    found = capture(
        module, inputs(3), layers=[layer], needs=needs, targets=TARGETS, target_scores=predictor.input_scores, fill=FILL
    )
    return found[layer], predictor


def slow_twin(module: nn.Module, units: Tensor, picture: Tensor, target: int) -> Tensor:
    """Unit by unit, as the source writes it, over the fill."""

    def probability(x: Tensor) -> Tensor:
        with torch.no_grad():
            return module(x[None]).softmax(1)[0, target]

    total = torch.zeros(units.shape[1:])
    for unit in units:
        scaled = (unit - unit.min()) / (unit.max() - unit.min()) if unit.max() > unit.min() else unit * 0
        mask = F.interpolate(scaled[None, None], size=picture.shape[1:], mode="bilinear", align_corners=False)[0]
        gain = probability(picture * mask + FILL * (1 - mask)) - probability(FILL.expand_as(picture))
        total += gain * unit
    return total.clamp(min=0)


def test_with_all_units_it_is_the_sources_formula() -> None:
    module = seeded(PlainCnn)
    for layer in ("features.3", "features.6"):
        captured, _ = captured_on(module, layer)
        assert captured.activations is not None
        rows = zip(captured.activations, captured.inputs, TARGETS.tolist(), strict=True)
        expected = torch.stack([slow_twin(module, *row) for row in rows])

        maps = ScoreCam(units=100).maps(captured)

        torch.testing.assert_close(maps, expected, rtol=1e-3, atol=1e-5)


def test_the_units_that_vary_most_are_tried_and_no_others() -> None:
    module = seeded(PlainCnn)
    captured, predictor = captured_on(module, "features.6")
    assert captured.activations is not None
    expected = []
    for units, picture, target in zip(captured.activations, captured.inputs, TARGETS.tolist(), strict=True):
        chosen = units.flatten(1).std(dim=1).topk(3).indices
        expected.append(slow_twin(module, units[chosen], picture, target))
    before = predictor.forwards

    maps = ScoreCam(units=3).maps(captured)

    torch.testing.assert_close(maps, torch.stack(expected), rtol=1e-3, atol=1e-5)
    assert predictor.forwards - before == 3 * ScoreCam(units=3).forwards(16, 12) == 3 * 4
