"""Accuracy under corruptions is what it is: measured with intervals, never confirmed, and limited by the policy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.evidence import ProbeEvidence
from auditor.experiments.experiment import Experiment
from auditor.findings.judging import Circumstances, judge
from auditor.findings.limits import apply_limits
from auditor.probes.corruption import ALL_FAMILIES, Corruption
from auditor.records import Check, Measurement, Verdict
from auditor.spec.audit_spec import LimitSpec
from auditor.statistics.intervals import wilson
from tests.models import ReadsTheCentre, experiment_on, pictures, sample_of

FAIR = Circumstances(True, "", 0)


class ReadsTheGrain(nn.Module):
    """Says 1 where neighbouring pixels differ much: blur takes its cue away, noise brings it everywhere."""

    def forward(self, x: Tensor) -> Tensor:
        grain = (x[..., 1:] - x[..., :-1]).abs().mean((1, 2, 3)) - 0.1
        return torch.stack([-grain, grain], dim=1) * 100


def grainy(count: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Coarse or smooth pictures; which of both is the label."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 2
    noise = rng.normal(0, 1, (count, 3, 24, 32)) * np.where(labels, 45, 2)[:, None, None, None]
    return (127 + noise).clip(0, 255).round().astype(np.uint8), labels


def run(
    module: nn.Module, images: np.ndarray, labels: np.ndarray, **options: object
) -> tuple[Experiment, ProbeEvidence]:
    experiment = experiment_on(module, sample_of(images, labels))
    return experiment, Corruption(**options).run(experiment)  # type: ignore[arg-type]


def only_check(evidence: ProbeEvidence) -> Check:
    checks = judge(evidence.checks, FAIR)
    assert len(checks) == 1
    return checks[0]


def named(check: Check, name: str) -> Measurement:
    found = check.measurement(name)
    assert found is not None
    return found


def test_a_model_that_reads_grain_loses_it_under_blur_and_not_under_brightness() -> None:
    _, evidence = run(ReadsTheGrain(), *grainy(), families=("defocus_blur", "brightness"), severities=(5,))

    check = only_check(evidence)

    blurred, bright = named(check, "accuracy_defocus_blur"), named(check, "accuracy_brightness")
    assert blurred.value == pytest.approx(0.5)
    assert bright.value == 1.0
    assert (blurred.low, blurred.high) == pytest.approx(wilson(32, 64))
    assert named(check, "mean_corruption_accuracy").value == pytest.approx(0.75)
    assert named(check, "retained_share").value == pytest.approx(0.75)


def test_it_describes_and_never_confirms() -> None:
    _, evidence = run(ReadsTheGrain(), *grainy(), families=("defocus_blur", "brightness"), severities=(3, 5))

    check = only_check(evidence)

    assert check.verdict is Verdict.NO_EVIDENCE
    assert check.id == "corruption"
    assert check.sentence.startswith("Under 2 common corruptions at severities 3 and 5 of 5, ")
    assert "100 % without them" in check.sentence
    assert check.sentence.endswith("under defocus blur.")


def test_a_limit_of_the_policy_is_held_against_it() -> None:
    _, evidence = run(ReadsTheGrain(), *grainy(), families=("defocus_blur", "brightness"), severities=(5,))
    limits = {
        name: LimitSpec(min=0.8, severity="high")
        for name in ("corruption.accuracy_defocus_blur", "corruption.accuracy_brightness")
    }

    results, _ = apply_limits(limits, judge(evidence.checks, FAIR), [], {})

    assert [result.breached for result in results] == [True, False]


def test_the_dose_response_starts_at_the_untouched_pictures() -> None:
    _, evidence = run(ReadsTheGrain(), *grainy(), families=("defocus_blur",), severities=(5, 1, 3))

    dose = evidence.checks[0].doses[0]

    assert dose.what == "defocus blur"
    assert dose.strengths == (0, 1, 3, 5)
    assert dose.rates[0] == 1.0
    assert dose.rates[3] == 0.5
    assert all(low <= rate <= high for low, rate, high in zip(dose.lows, dose.rates, dose.highs, strict=True))
    assert dose.count == 64


def test_without_labels_agreement_with_the_untouched_pictures_is_measured() -> None:
    images, labels = grainy()

    _, evidence = run(ReadsTheGrain(), images, np.full_like(labels, -1), families=("defocus_blur",), severities=(5,))

    check = only_check(evidence)
    assert named(check, "agreement_defocus_blur").value == pytest.approx(0.5)
    assert check.measurement("accuracy_defocus_blur") is None
    assert "stay as they were" in check.sentence


def test_pictures_without_a_label_are_left_out_and_counted() -> None:
    images, labels = grainy()
    labels[:10] = -1

    _, evidence = run(ReadsTheGrain(), images, labels, families=("jpeg",))

    assert named(only_check(evidence), "accuracy_jpeg").count == 54
    assert evidence.notes == ("10 pictures without a label were left out",)


def test_pictures_that_belong_together_count_as_one() -> None:
    experiment = experiment_on(ReadsTheGrain(), sample_of(*grainy()))
    experiment.clusters = np.arange(64) // 4

    evidence = Corruption(families=("defocus_blur",), severities=(4,)).run(experiment)

    assert named(only_check(evidence), "accuracy_defocus_blur").count == 16


@pytest.mark.parametrize("budget", Corruption.budgets)
def test_no_more_forwards_are_spent_than_planned(budget: str) -> None:
    probe = Corruption(**Corruption.budgets[budget])
    experiment = experiment_on(ReadsTheCentre(), sample_of(*pictures(16)))

    evidence = probe.run(experiment)

    assert evidence.forwards == experiment.predictor.forwards - 16 == probe.forwards() * 16
    assert probe.forwards() <= {"quick": 4, "standard": 12, "full": 48}[budget]


def test_what_the_budget_does_not_hold_is_said() -> None:
    experiment = experiment_on(ReadsTheCentre(), sample_of(*pictures(16)), budget=2.5)

    evidence = Corruption(families=("jpeg", "fog", "contrast")).run(experiment)

    assert evidence.notes == ("no budget was left for low contrast",)
    assert only_check(evidence).measurement("accuracy_contrast") is None


def test_no_budget_at_all_is_not_tested() -> None:
    experiment = experiment_on(ReadsTheCentre(), sample_of(*pictures(16)), budget=0)

    check = only_check(Corruption().run(experiment))

    assert check.verdict is Verdict.NOT_TESTED


def test_the_same_seed_gives_the_same_numbers() -> None:
    runs = [run(ReadsTheGrain(), *grainy(), severities=(2,))[1] for _ in range(2)]

    assert runs[0] == runs[1]
    assert len(runs[0].checks[0].doses) == len(ALL_FAMILIES)


def test_examples_show_the_picture_that_the_model_saw() -> None:
    kept: dict[str, np.ndarray] = {}
    experiment = experiment_on(ReadsTheGrain(), sample_of(*grainy()))

    def keep(name: str, picture: np.ndarray) -> str:
        kept[name] = picture
        return name

    experiment.keep_picture = keep

    evidence = Corruption(families=("defocus_blur", "brightness"), severities=(5,)).run(experiment)

    (example,) = evidence.checks[0].examples
    scores = experiment.predictor.scores(torch.from_numpy(kept[example.picture][None]))
    assert experiment.classes[int(scores[0].argmax())] == example.after != example.before
    assert example.change == "defocus blur of severity 5 is applied"


def test_crops_and_letterboxes_stand_beside_the_mean() -> None:
    families = ("defocus_blur", "crop", "letterbox")

    alone = only_check(Corruption(families=("defocus_blur",)).run(experiment_on(ReadsTheGrain(), sample_of(*grainy()))))
    check = only_check(Corruption(families=families).run(experiment_on(ReadsTheGrain(), sample_of(*grainy()))))

    assert check.measurement("mean_corruption_accuracy") == alone.measurement("mean_corruption_accuracy")
    assert check.measurement("accuracy_crop") is not None
    assert check.measurement("accuracy_letterbox") is not None
    assert check.sentence == alone.sentence


def test_the_full_preset_crops_and_adds_letterboxes() -> None:
    assert {"crop", "letterbox"} <= set(Corruption.budgets["full"]["families"])
    assert not {"crop", "letterbox"} & set(ALL_FAMILIES)
