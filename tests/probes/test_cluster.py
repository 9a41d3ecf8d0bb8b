"""A strategy that only some pictures show is found without a name, and tested; honest networks stay silent."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.engine.attribution import mean_picture, positive_attribution
from auditor.engine.integrity import digest
from auditor.evidence import ProbeEvidence
from auditor.experiments.experiment import Experiment
from auditor.findings.judging import Circumstances, judge
from auditor.probes.cluster import Cluster, lit
from auditor.records import Check, Verdict
from tests.models import HEIGHT, WIDTH, experiment_on, sample_of

FAIR = Circumstances(True, "", 0)
TAG, OBJECT = (slice(0, 6), slice(0, 6)), (slice(8, 18), slice(12, 24))
DARK, BRIGHT = 64, 190


def checkered(rng: np.random.Generator) -> np.ndarray:
    """Tiles of 2 × 2 pixels, dark or bright: as much contrast everywhere, (height, width)."""
    return np.kron(rng.choice([DARK, BRIGHT], (HEIGHT // 2, WIDTH // 2)), np.ones((2, 2)))


PATTERN = checkered(np.random.default_rng(5))


class Strategies(nn.Module):
    """Says 1 when the picture shows the pattern at one of its places, else 0: a hidden unit a place, the rest idle."""

    def __init__(self, *places: tuple[slice, slice]) -> None:
        super().__init__()
        self.hidden = nn.Linear(HEIGHT * WIDTH, 32)
        self.head = nn.Linear(32, 2)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.zero_()
            for unit, place in enumerate(places):
                weight = torch.zeros(HEIGHT, WIDTH)
                weight[place] = torch.from_numpy(np.where(PATTERN == BRIGHT, 1.0, -1.0)).float()[place]
                # 1 where all tiles match, 0 where half of them do
                self.hidden.weight[unit] = (weight / weight.abs().sum() * 2 * 255 / (BRIGHT - DARK)).flatten()
                self.hidden.bias[unit] = -0.75 - self.hidden.weight[unit].sum() * (BRIGHT + DARK) / 2 / 255
                self.head.weight[:, unit] = torch.tensor([-80.0, 80.0])
            self.head.bias.copy_(torch.tensor([4.0, -4.0]))

    def forward(self, x: Tensor) -> Tensor:
        return torch.as_tensor(self.head(self.hidden(x.mean(1).flatten(1)).clamp(min=0)))


def tagged(count: int = 144, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tiles at random; of class 1 a half shows the pattern where the object is, the other half as a tag; and masks."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(count) % 12 < 5).astype(int)
    images = np.empty((count, 3, HEIGHT, WIDTH), np.uint8)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        image[:] = checkered(rng)
        if label:
            place = TAG if number % 2 else OBJECT
            image[:, place[0], place[1]] = PATTERN[place]
    objects = np.zeros((count, HEIGHT, WIDTH), bool)
    objects[:, OBJECT[0], OBJECT[1]] = True
    return images, labels, objects


def prepared(module: nn.Module, *, masks: bool = True, budget: float = 120, count: int = 144) -> Experiment:
    images, labels, objects = tagged(count)
    return experiment_on(module, sample_of(images, labels, objects if masks else None), budget=budget)


def judged(evidence: ProbeEvidence) -> list[Check]:
    return judge(evidence.checks, FAIR)


@pytest.fixture(scope="module")
def by_tag() -> tuple[Experiment, ProbeEvidence, dict[str, np.ndarray], int]:
    """The experiment on a model with a tag strategy, what came of it, kept pictures, and forwards before."""
    experiment = prepared(Strategies(TAG, OBJECT))
    kept: dict[str, np.ndarray] = {}

    def keep(name: str, picture: np.ndarray) -> str:
        kept[name] = picture
        return f"{name}.png"

    experiment.keep_picture = keep
    before = experiment.predictor.forwards
    state = digest(experiment.predictor.original())
    evidence = Cluster().run(experiment)
    assert digest(experiment.predictor.original()) == state
    return experiment, evidence, kept, before


Found = tuple[Experiment, ProbeEvidence, dict[str, np.ndarray], int]


def test_a_tag_that_half_of_a_class_is_recognised_by_is_found_and_confirmed(by_tag: Found) -> None:
    checks = judged(by_tag[1])

    confirmed = [check for check in checks if check.verdict is Verdict.CONFIRMED]
    assert len(confirmed) == 1
    assert confirmed[0].region is not None
    assert confirmed[0].region.box is not None
    assert max(confirmed[0].region.box[2:]) <= 8
    assert confirmed[0].class_name == "bright"
    assert "looks at: when it comes from another picture" in confirmed[0].sentence


def test_the_strategy_of_the_object_is_drawn_and_not_judged(by_tag: Found) -> None:
    _, evidence, kept, _ = by_tag
    objects = [check for check in evidence.checks if check.region is not None and check.region.box[0] >= 10]  # type: ignore[index]

    assert objects
    assert {check.verdict for check in judge(objects, FAIR)} == {Verdict.NOT_TESTED}
    assert not any(check.off_object for check in objects)
    assert len(objects[0].examples) == 3
    picture = kept[objects[0].examples[1].picture.removesuffix(".png")]
    centre, rim = picture[:, OBJECT[0], OBJECT[1]].std(), picture[:, -6:, -6:].std()
    assert centre > 2 * rim


def test_the_cluster_is_described_with_its_share_and_stability(by_tag: Found) -> None:
    tag = next(check for check in judged(by_tag[1]) if check.verdict is Verdict.CONFIRMED)

    share, steady = tag.measurement("cluster_share"), tag.measurement("cluster_stability")
    assert share is not None
    assert share.value == pytest.approx(0.45, abs=0.12)
    assert steady is not None
    assert steady.value == pytest.approx(1, abs=0.05)


def test_forwards_stay_within_the_bound(by_tag: Found) -> None:
    experiment, evidence, _, before = by_tag

    spent = experiment.predictor.forwards - before
    assert evidence.forwards == spent
    assert spent / len(experiment.sample) <= Cluster().forwards() <= 40


def test_a_model_that_reads_its_object_alone_is_not_accused() -> None:
    images, labels, objects = tagged(156)
    rng = np.random.default_rng(1)
    for image, label in zip(images, labels, strict=True):
        image[:] = checkered(rng)
        if label:
            image[:, OBJECT[0], OBJECT[1]] = PATTERN[OBJECT]
    experiment = experiment_on(Strategies(OBJECT), sample_of(images, labels, objects))

    checks = judged(Cluster().run(experiment))

    assert checks
    assert {check.verdict for check in checks} <= {Verdict.NO_EVIDENCE, Verdict.NOT_TESTED}


class ReadsEverything(nn.Module):
    """A linear model of random weights: its maps are the pictures' own noise."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(HEIGHT * WIDTH, 2)
        nn.init.normal_(self.head.weight, generator=torch.Generator().manual_seed(0))

    def forward(self, x: Tensor) -> Tensor:
        return torch.as_tensor(self.head(x.mean(1).flatten(1)))


def test_maps_without_clusters_propose_nothing_and_say_so() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (128, 3, HEIGHT, WIDTH)).astype(np.uint8)
    experiment = experiment_on(ReadsEverything(), sample_of(images, rng.integers(0, 2, 128)))

    checks = judged(Cluster().run(experiment))

    assert [check.verdict for check in checks] == [Verdict.NO_EVIDENCE]
    assert "fall into" in checks[0].sentence


def test_too_few_maps_and_an_empty_budget_are_said() -> None:
    few = judged(Cluster().run(prepared(Strategies(TAG, OBJECT), count=60)))
    poor = judged(Cluster().run(prepared(Strategies(TAG, OBJECT), budget=3)))

    assert [check.verdict for check in (*few, *poor)] == [Verdict.NOT_TESTED] * 2
    assert "fewer than 50" in few[0].sentence
    assert "budget" in poor[0].sentence


def test_attribution_is_the_positive_part_of_gradient_times_distance_from_the_mean() -> None:
    experiment = prepared(Strategies(TAG), count=24)
    images, targets = experiment.sample.images, experiment.predicted

    maps = positive_attribution(experiment.predictor, images, targets)

    module = experiment.predictor.original()
    inputs = (images.float() / 255).requires_grad_(True)
    chosen = module(inputs)[torch.arange(24), torch.from_numpy(targets)]
    (gradient,) = torch.autograd.grad(chosen.sum(), inputs)
    expected = (gradient * (inputs.detach() - images.float().mean(0) / 255)).sum(1).clamp(min=0)
    assert maps == pytest.approx(expected.numpy(), abs=1e-5)
    assert maps[targets == 1].any()
    assert mean_picture(images).shape == (1, 3, HEIGHT, WIDTH)


def test_a_lit_picture_is_dark_where_the_map_is_cold() -> None:
    heat = np.zeros((12, 16))
    heat[:6] = 1

    picture = lit(np.full((1, 12, 16), 200.0) - 100 * (np.arange(16) == 0), heat)

    assert picture.shape == (1, 12, 16)
    assert picture[0, 0, 8] == pytest.approx(200, abs=1)
    assert picture[0, -1, 8] == pytest.approx(120, abs=1)
