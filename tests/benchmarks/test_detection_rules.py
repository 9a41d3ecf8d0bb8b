"""Permutations against slow twins and closed forms; ablation rules and the null run on hand-made evidence."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditor.evidence import CheckEvidence, PairedEffects
from auditor.records import Box
from benchmarks.detection import ablations, attention
from benchmarks.detection.case_folders import Case
from benchmarks.detection.null_run import ISSUED, UNSELECTED, null_p, null_run
from benchmarks.detection.permuting import sign_flip
from benchmarks.detection.places import Place
from benchmarks.detection.run_folders import Audited, Claim, Outcomes, read_evidence
from benchmarks.detection.scoring import Result
from tests.benchmarks.detection_records import BOTTOM_RIGHT, check, cue, paired, write_audit, write_case

CORNER = (0, 0, 8, 8)
ALWAYS, NEVER = [1.0] * 12, [0.0] * 12
SOMETIMES = [0.6, 0.4] * 6


def evidence(
    kind: str,
    screen: tuple[PairedEffects, ...] = (),
    confirm: tuple[PairedEffects, ...] = (),
    box: tuple[int, int, int, int] | None = CORNER,
    **more: Any,
) -> CheckEvidence:
    region = None if box is None else Box(name="here", box=box)
    return CheckEvidence(kind=kind, region=region, screen=screen, confirm=confirm, **more)


def read_back(tmp_path: Path, *items: CheckEvidence) -> list[Outcomes]:
    """Through a run folder, as the benchmark reads it."""
    return read_evidence(write_audit(tmp_path / "run", evidence=items))


def kinds(claims: list[Claim] | None) -> list[str] | None:
    return None if claims is None else sorted(claim.kind for claim in claims)


# permutations


def test_p_of_equal_positive_differences_is_one_pattern_in_all() -> None:
    raw, adjusted = sign_flip([np.full(8, 0.3)], [np.arange(8)])

    assert raw[0] == pytest.approx(1 / 2**8)
    assert adjusted[0] == pytest.approx(1 / 2**8)


def test_recipients_of_one_cluster_flip_together() -> None:
    raw, _ = sign_flip([np.full(12, 0.3)], [np.repeat(np.arange(6), 2)])

    assert raw[0] == pytest.approx(1 / 2**6)


def test_p_and_adjusted_p_equal_those_of_all_patterns_written_out() -> None:
    rng = np.random.default_rng(3)
    values = np.round(rng.normal(0.2, 0.5, (3, 8)), 2)
    raw, adjusted = sign_flip(list(values), [np.arange(8)] * 3)

    scaled = [[v / sum(w * w for w in row) ** 0.5 for v in row] for row in values]
    observed = [sum(row) for row in scaled]
    patterns = list(itertools.product((1, -1), repeat=8))
    drawn = [[sum(s * v for s, v in zip(p, row, strict=True)) for row in scaled] for p in patterns]
    own = [np.mean([draw[i] >= observed[i] - 1e-9 for draw in drawn]) for i in range(3)]
    largest = [np.mean([max(draw) >= observed[i] - 1e-9 for draw in drawn]) for i in range(3)]
    assert raw == pytest.approx(own)
    assert adjusted == pytest.approx(np.maximum(largest, own))


def test_rows_share_their_random_signs() -> None:
    values = np.random.default_rng(1).normal(0.1, 0.5, 40)  # more patterns than draws

    raw, adjusted = sign_flip([values, values], [np.arange(40)] * 2)

    assert 0.001 < raw[0] < 0.5
    assert adjusted == pytest.approx(raw)


def test_nothing_that_differs_has_p_of_one() -> None:
    raw, adjusted = sign_flip([np.zeros(12), np.full(12, 0.5)], [np.arange(12)] * 2)

    assert raw[0] == adjusted[0] == 1
    assert raw[1] < 0.01
    assert sign_flip([], [])[0].shape == (0,)


# reading evidence


def test_checks_that_prove_nothing_are_left_out(tmp_path: Path) -> None:
    found = read_back(
        tmp_path,
        evidence("corner", (paired(ALWAYS, NEVER, half="A"),)),
        evidence("region", judged=False),
        evidence("background", box=None, not_tested="no boxes"),
        evidence("corruption", box=None, described="Noise costs accuracy."),
        evidence("overlay", box=None, absent="none was found"),
    )

    assert sorted(item.kind for item in found) == ["corner", "overlay"]
    assert next(item for item in found if item.kind == "corner").screen[0].differences.tolist() == ALWAYS


# rules


def test_a_raw_effect_that_its_control_shares_is_claimed_only_without_control(tmp_path: Path) -> None:
    shared = paired(SOMETIMES, SOMETIMES, half="A"), paired(SOMETIMES, SOMETIMES)
    found = read_back(tmp_path, evidence("corner", shared[:1], shared[1:]))

    assert kinds(ablations.no_control(found)) == ["corner"]
    assert kinds(ablations.no_control_no_split(found)) == ["corner"]
    assert kinds(ablations.screen_corrected(found)) == []
    assert kinds(ablations.screen_decides(found)) == []


def test_the_screen_decides_by_what_stood_out_and_does_not_ask_the_other_half(tmp_path: Path) -> None:
    lucky = paired([1.0, 1.0, 1.0, *NEVER[3:]], NEVER, half="A")
    found = read_back(tmp_path, evidence("corner", (lucky,), (paired(NEVER, NEVER),), stood_out=True))

    assert kinds(ablations.screen_decides(found)) == ["corner"]
    assert kinds(ablations.screen_corrected(found)) == []


def test_removal_is_the_mean_of_its_fills(tmp_path: Path) -> None:
    def fill(name: str, effect: list[float]) -> PairedEffects:
        return paired(effect, NEVER, name=f"removal_{name}")

    agreeing = (paired(NEVER, NEVER), fill("blur", ALWAYS), fill("inpaint", ALWAYS), fill("donor", SOMETIMES))
    one_fill = (paired(ALWAYS, NEVER), fill("blur", ALWAYS))
    found = read_back(tmp_path, evidence("corner", (), agreeing), evidence("border", (), one_fill))

    claims = ablations.removal_only(found)

    assert kinds(claims) == ["corner"]
    assert claims is not None
    assert claims[0].effect == pytest.approx((1 + 1 + 0.5) / 3)


def test_insertion_judges_spurious_scores_only_and_is_unknown_without_them(tmp_path: Path) -> None:
    inserted = paired(ALWAYS, NEVER, name="spurious_score")
    found = read_back(tmp_path, evidence("overlay", (), (inserted,)), evidence("corner", (), (paired(ALWAYS, NEVER),)))

    assert kinds(ablations.insertion_only(found)) == ["overlay"]
    assert ablations.insertion_only([item for item in found if item.kind == "corner"]) is None


def test_an_effect_below_the_smallest_step_is_not_claimed(tmp_path: Path) -> None:
    small = paired([0.14] * 12, NEVER, name="spurious_score")
    found = read_back(tmp_path, evidence("overlay", (), (small,)))

    assert kinds(ablations.insertion_only(found)) == []


def test_many_kinds_without_effect_raise_the_bar_for_the_one_that_has_it(tmp_path: Path) -> None:
    weak = paired([1.0] * 5 + [0.0] * 7, NEVER, half="A")
    others = [evidence(f"kind-{number}", (paired(NEVER, NEVER, half="A"),)) for number in range(8)]

    assert kinds(ablations.screen_corrected(read_back(tmp_path / "one", evidence("corner", (weak,))))) == ["corner"]
    assert kinds(ablations.screen_corrected(read_back(tmp_path / "many", evidence("corner", (weak,)), *others))) == []


# attention


def maps_with(corner: float, count: int = 10) -> np.ndarray:
    """Maps, (count, 16, 12): one everywhere, `corner` where a quarter of each side meets."""
    maps = np.ones((count, 16, 12))
    maps[:, :4, :3] = corner
    return maps


def result(
    tmp_path: Path, name: str, role: str, corner: float, confirm: tuple[PairedEffects, ...] = (), **more: Any
) -> Result:
    cues = [cue()] if role == "strong" else []
    case = Case.read(write_case(tmp_path, name, role, cues, **more))
    items = [evidence("corner", (), confirm), evidence("corner", (), box=BOTTOM_RIGHT)]
    checks = [check("corner", box=CORNER)] if role == "strong" else []
    folder = write_audit(tmp_path / "audits" / name, checks, items, maps={"saliency": maps_with(corner)})
    return Result(case, Audited.read(folder))


def test_enrichment_is_mass_over_area_and_blank_maps_do_not_count(tmp_path: Path) -> None:
    maps = maps_with(5.0)
    maps[3:] = 0
    folder = write_audit(tmp_path / "run", evidence=[evidence("corner", ())], maps={"saliency": maps})

    found = attention.attentions(Audited.read(folder), side=32)["saliency"]

    assert found.mass.shape == (3, 1)
    assert found.enrichment[0] == pytest.approx((60 / (60 + 180)) / (12 / 192))


def test_mass_above_area_is_claimed_by_the_area_null_and_evenness_is_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noisy = maps_with(3.0) * rng.uniform(0.9, 1.1, (10, 16, 12))
    both = [evidence("corner", ()), evidence("corner", (), box=BOTTOM_RIGHT)]
    folder = write_audit(tmp_path / "run", evidence=both, maps={"saliency": noisy})

    claims = attention.attentions(Audited.read(folder), side=32)["saliency"].above_area()

    assert [claim.place for claim in claims] == [Place(CORNER)]


def test_the_threshold_is_the_one_with_the_highest_f1(tmp_path: Path) -> None:
    positives = [result(tmp_path, f"p{n}", "strong", corner) for n, corner in enumerate((9.0, 7.0, 1.0))]
    negatives = [result(tmp_path, f"n{n}", "negative", corner) for n, corner in enumerate((5.0, 5.0, 5.0))]
    maps = {r.case.id: attention.attentions(r.audited, 32) for r in (*positives, *negatives) if r.audited}

    choice = attention.choose(maps, positives, negatives)

    assert choice is not None
    assert choice.method == "saliency"
    # two of three found, nobody accused: 2·2 / (2·2 + 1 + 0); the third would accuse all three negatives
    assert choice.f1 == pytest.approx(4 / 5)
    assert choice.threshold == pytest.approx(maps["p1"]["saliency"].enrichment[0])


def test_ablations_stand_beside_the_full_method(tmp_path: Path) -> None:
    follow, shared = paired(ALWAYS, NEVER), paired(SOMETIMES, SOMETIMES)
    results = [
        result(tmp_path, "tag", "strong", 9.0, (follow,)),
        result(tmp_path, "clean", "negative", 2.0, (shared,)),
        result(tmp_path, "declared", "negative", 9.0, (follow,), expects="declared"),
        result(tmp_path, "untrained", "untrained", 9.0, (follow,)),
    ]

    table = {item.rule: item for item in ablations.ablations(results, results)}

    full, raw, inserted = table["full method"], table["no control"], table["insertion only"]
    assert (full.recall.value, full.false_alarms.value, full.precision.value) == (1.0, 0.0, 1.0)
    assert (raw.recall.value, raw.false_alarms.value, raw.precision.value) == (1.0, 1.0, 0.5)
    assert (inserted.recall.value, inserted.models, inserted.of) == (None, 0, 2)
    assert "shortlisted" in raw.note
    assert table["attention only"].recall.value == 1.0
    assert table["attention only"].false_alarms.value == 0.0


# null run


def null_result(tmp_path: Path, name: str, family: str, screen: PairedEffects, p: float | None) -> Result:
    case = Case.read(write_case(tmp_path, name, "negative", family=family))
    items = [evidence("corner", (screen,)), evidence("overlay", box=None, absent="none was found")]
    checks = [check("corner", "no_evidence", CORNER, p=p)]
    return Result(case, Audited.read(write_audit(tmp_path / "audits" / name, checks, items)))


def test_a_kind_that_never_reached_the_other_half_has_p_of_one(tmp_path: Path) -> None:
    found = null_result(tmp_path, "a", "clean", paired(ALWAYS, NEVER, half="A"), None)
    assert found.audited is not None

    p = null_p(found.audited)

    assert p.issued == {"corner": 1.0, "overlay": 1.0}
    assert list(p.unselected) == ["corner"]
    assert p.unselected["corner"] <= 0.002


def test_a_check_folded_into_a_finding_counts_with_the_findings_p(tmp_path: Path) -> None:
    finding = check("overlay", box=CORNER, p=0.003, also=("corner.here",))
    items = [evidence("corner", (paired(ALWAYS, NEVER, half="A"),)), evidence("overlay", ())]

    p = null_p(Audited.read(write_audit(tmp_path / "run", [finding], items)))

    assert p.issued == {"corner": 0.003, "overlay": 0.003}


def test_the_null_run_counts_models_whose_cue_means_nothing(tmp_path: Path) -> None:
    even = paired([1.0, 0.0] * 6, [0.0, 1.0] * 6, half="A")
    rows = null_run([
        null_result(tmp_path, "a", "clean", even, 0.03),
        null_result(tmp_path, "b", "independent", even, None),
        null_result(tmp_path, "c", "weak", paired(ALWAYS, NEVER, half="A"), 0.001),
    ])  # fmt: skip
    found = {(item.which, item.kind, item.level): item.row for item in rows}

    assert found[ISSUED, "corner", 0.05].value == 0.5
    assert found[ISSUED, "corner", 0.01].value == 0.0
    assert found[ISSUED, "all kinds, pooled", 0.05].count == 4
    assert found[ISSUED, "smallest of a model × its kinds", 0.05].value == 0.0
    assert found[UNSELECTED, "corner", 0.10].value == 0.0
    assert found[ISSUED, "corner", 0.05].met is True
