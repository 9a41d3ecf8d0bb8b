from __future__ import annotations

from pathlib import Path

import pytest

from auditor.records import Audit, Measurement, NullMap, TrustCheck, VisualizationRecord
from auditor.reports import RenderOptions
from auditor.reports._methods import method_views
from auditor.reports._pictures import Pictures
from auditor.reports._tables import Table
from auditor.reports._trust import MATRIX, trust_view
from auditor.reports.html import Html
from auditor.sample.run_folder import share
from tests.reports.sample_audit import build


def checks(**verdicts: str | None) -> tuple[TrustCheck, ...]:
    heads = {"road": ("road",), "stability": ("stability_of_shape",), "relevance_mass": ("mass_accuracy", "absent")}
    return tuple(
        TrustCheck(metric=metric, verdict=verdict, headlines=heads.get(metric, (metric,)))
        for metric, verdict in verdicts.items()
    )


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> tuple[Audit, Path]:
    folder = tmp_path_factory.mktemp("trust")
    sample = build(folder, images=8)
    numbers = (
        share("road", 0.31, 0.1, 0.5, 8),
        share("stability_of_shape", -0.02, -0.3, 0.2, 6),
        share("mass_accuracy", 0.48, 0.4, 0.6, 40),
    )
    made = (
        VisualizationRecord(
            name="grad_cam", layer="layer4.1", status="ok", images=8, trust="failed", measurements=numbers,
            trust_checks=checks(stability="failed", relevance_mass=None, road="passed"),
        ),
        VisualizationRecord(
            name="saliency", status="ok", images=8, trust="not enough data", measurements=numbers[2:],
            trust_checks=checks(road="not enough data", own_metric="passed"),
        ),
        VisualizationRecord(name="kernels", layer="conv1", status="ok"),
    )  # fmt: skip
    null = NullMap(
        name="centre", measurements=(share("road", 0.36, 0.2, 0.5, 8), share("mass_accuracy", 0.47, 0.4, 0.5, 40))
    )
    noise = NullMap(name="random map", measurements=(Measurement(name="road", value=0, low=0, high=0, count=8),))
    agreement = {"names": ["grad_cam@layer4.1", "saliency"], "images": 8, "rank": [[1, 0.42], [0.42, 1]],
                 "top": [[1, 0.31], [0.31, None]]}  # fmt: skip
    rules = {"whole": "Whole.", "road": "Has to clear the bar.", "own_metric": "Its own.", "bar": "The bar is high."}
    return sample.model_copy(
        update={"visualizations": made, "null_maps": (null, noise), "trust_rules": rules, "agreement": agreement}
    ), folder


def texts(table: Table) -> list[list[str]]:
    return [[f"{cell.mark}{cell.text}|{cell.note}" for cell in row] for row in table.rows]


def test_every_check_of_every_method_has_its_verdict_and_its_number(audit: tuple[Audit, Path]) -> None:
    table = trust_view(audit[0]).checks

    assert [column.title for column in table.columns] == [
        "Method", "ROAD", "Weak noise", "Own metric", "On the whole",
    ]  # fmt: skip
    assert texts(table)[:2] == [
        [
            "Grad-CAM|layer4.1",
            "○passed|0.31 (0.10 to 0.50, n = 8)",
            "▲failed|−0.02 (−0.30 to 0.20, n = 6)",
            "–|",
            "▲failed|",
        ],
        ["Saliency|", "□not enough data|", "–|", "○passed|", "□not enough data|"],
    ]


def test_maps_that_know_nothing_stand_below_with_their_numbers_and_no_verdict(audit: tuple[Audit, Path]) -> None:
    rows = texts(trust_view(audit[0]).checks)[2:]

    assert rows == [
        ["Centre|knows nothing", "0.36 (0.20 to 0.50, n = 8)|", "–|", "–|", "–|"],
        ["Random map|knows nothing", "0.00|", "–|", "–|", "–|"],
    ]


def test_rules_are_printed_in_the_order_of_the_columns_and_what_they_share_last(audit: tuple[Audit, Path]) -> None:
    assert [(fact.label, fact.value) for fact in trust_view(audit[0]).rules] == [
        ("ROAD", "Has to clear the bar."),
        ("Own metric", "Its own."),
        ("The bar", "The bar is high."),
        ("On the whole", "Whole."),
    ]


def test_what_decides_nothing_is_compared_apart(audit: tuple[Audit, Path]) -> None:
    table = trust_view(audit[0]).comparison

    assert [column.title for column in table.columns] == ["Method", "Mass on object"]
    assert texts(table) == [
        ["Grad-CAM|layer4.1", "48 %|40 to 60 %, n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}40"],
        ["Saliency|", "48 %|40 to 60 %, n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}40"],
        ["Centre|knows nothing", "47 %|40 to 50 %, n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}40"],
    ]


def test_where_no_picture_has_an_object_the_reason_stands_in_the_tables_place(audit: tuple[Audit, Path]) -> None:
    reason = "no picture has a mask or box"
    nothing = Measurement(name="mass_accuracy", value=None, count=0, reason=reason)
    made = [item.model_copy(update={"measurements": (nothing,)}) for item in audit[0].visualizations]

    table = trust_view(audit[0].model_copy(update={"visualizations": made, "null_maps": ()})).comparison

    assert table.rows == ()
    assert table.empty == f"Not compared: {reason}."


def test_every_two_maps_are_compared_as_far_as_they_fit_across_a_page(audit: tuple[Audit, Path]) -> None:
    small = trust_view(audit[0]).agreement
    names = [f"map {number}" for number in range(MATRIX + 1)]
    square = [[0.5] * len(names)] * len(names)
    large = {"names": names, "images": 8, "rank": square, "top": square}

    assert texts(small) == [
        ["1  Grad-CAM, layer4.1|", "–|", "0.42|0.31"],
        ["2  Saliency|", "0.42|0.31", "–|"],
    ]
    assert trust_view(audit[0].model_copy(update={"agreement": large})).agreement.empty.startswith(f"{MATRIX + 1} maps")


def test_the_page_shows_checks_rules_and_agreement(audit: tuple[Audit, Path]) -> None:
    changed, folder = audit

    (path,) = Html().write(changed, folder, RenderOptions())

    page = path.read_text()
    for words in ("Trust checks, one by one", "Has to clear the bar.", "knows nothing", "Where the maps lie"):
        assert words in page


def test_an_audit_without_trust_checks_shows_no_empty_tables(tmp_path: Path) -> None:
    plain = build(tmp_path, images=8)

    (path,) = Html().write(plain, tmp_path, RenderOptions())

    assert trust_view(plain).checks.rows == ()
    assert "Trust checks, one by one" not in path.read_text()


def test_a_methods_heading_names_its_verdicts_as_the_table_does_and_leaves_the_numbers_to_it(
    audit: tuple[Audit, Path],
) -> None:
    found, folder = audit
    pictures = Pictures(found, folder, lambda path, data, kind: path, images=True)
    figure = next(iter(found.figures))
    shown = [item.model_copy(update={"figures": (figure,)}) for item in found.visualizations]

    views = {
        view.title: view for view in method_views(found.model_copy(update={"visualizations": tuple(shown)}), pictures)
    }

    heads = [column.title.lower() for column in trust_view(found).checks.columns]
    grad_cam = views["Grad-CAM, layer4.1"]
    assert grad_cam.checks == "ROAD: passed; Weak noise: failed"
    assert all(any(name in head for head in heads) for name in ("road", "weak noise"))
    assert not grad_cam.measured.rows


def test_what_a_study_measured_stands_in_a_table_of_its_own(audit: tuple[Audit, Path]) -> None:
    found, folder = audit
    pictures = Pictures(found, folder, lambda path, data, kind: path, images=True)
    missing = Measurement(name="map_overlap:noise", value=None, count=0, reason="no usable map")
    numbers = (share("class_lost:noise", 0.0, 0.0, 0.2, 16), missing, share("class_lost:pgd", 0.5, 0.3, 0.7, 16))
    study = VisualizationRecord(
        name="adversarial_examples", status="ok", measurements=numbers, figures=(next(iter(found.figures)),),
        remarks=("No gradient", "Told."),
    )  # fmt: skip

    (view,) = method_views(found.model_copy(update={"visualizations": (study,)}), pictures, ("adversarial_examples",))

    assert [column.title for column in view.measured.columns] == ["Measured", "Noise of the same size", "PGD"]
    assert texts(view.measured) == [
        ["Class lost|", "0 %|0 to 20 %, n = 16", "50 %|30 to 70 %, n = 16"],
        ["Map, overlap of the hottest fifth with before|", "–|no usable map", "–|"],
    ]
    assert view.checks == ""
    assert view.remarks == ("No gradient.", "Told.")
