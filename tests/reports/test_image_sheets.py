"""Rows of maps with their words beside them, and long tables as paper holds them."""

from __future__ import annotations

import shutil

import pytest

from auditor.records import Audit, Check, Verdict
from auditor.reports import RenderOptions
from auditor.reports._annex import image_groups
from auditor.reports._brief import brief_check_table, brief_class_table
from auditor.reports._pages import page
from auditor.reports._pictures import Pictures
from auditor.reports._sheets import WIDEST, breakable, folder_of
from auditor.reports._view import view_of
from tests.reports.conftest import Run

SHEET = "figures/rows.jpg"
COLUMNS = "Columns: picture, Grad-CAM at features.3, Saliency."


@pytest.fixture
def rows(believable: Run) -> Audit:
    """Three of four images on one sheet of rows; the second is answered wrongly."""
    audit = believable.audit
    names = [f"/data/scans/site_a/{number}.png" for number in range(len(audit.images))]
    first = next(picture for path, picture in audit.figures.items() if path.endswith(".jpg"))
    images = tuple(
        image.model_copy(
            update={
                "image": name, "label": "cat", "predicted": "dog" if number == 1 else "cat", "score": 0.91,
                "half": "A", "figures": (SHEET,) if number < 3 else (),
            }
        )
        for number, (image, name) in enumerate(zip(audit.images, names, strict=True))
    )  # fmt: skip
    said = "; ".join(f"{number}. {name}: cat, predicted cat (0.91)" for number, name in enumerate(names[:3], start=1))
    sheet = first.model_copy(update={"path": first.path, "caption": f"{COLUMNS} Rows: {said}.", "width": 300,
                                     "height": 365})  # fmt: skip
    return audit.model_copy(update={"images": images, "figures": {**audit.figures, SHEET: sheet}})


@pytest.fixture
def pictures(rows: Audit, damaged: Run) -> Pictures:
    source = next(path for path in damaged.audit.figures if path.endswith(".jpg"))
    shutil.copy2(damaged.folder / source, damaged.folder / SHEET)
    return Pictures(rows, damaged.folder, lambda name, data, kind: f"report:{name}", images=True)


def test_each_row_says_beside_it_what_it_shows(rows: Audit, pictures: Pictures) -> None:
    (group,) = image_groups(rows, pictures, None)
    (sheet,) = group.sheets

    assert sheet.figure.caption == COLUMNS
    assert group.folder == "/data/scans/site_a/"
    assert ["".join(row.name_parts) for row in sheet.rows] == ["0.png", "1.png", "2.png"]
    assert [(row.number, row.wrong, row.score, row.half) for row in sheet.rows] == [
        (1, False, "0.91", "A"), (2, True, "0.91", "A"), (3, False, "0.91", "A"),
    ]  # fmt: skip


def test_a_caption_that_shortens_names_is_cut_before_its_rows_too(
    rows: Audit, pictures: Pictures, damaged: Run
) -> None:
    """Captions name a file with the folder that it lies in, audit.json with all of them."""
    sheet = rows.figures[SHEET]
    shortened = sheet.caption.replace("/data/scans/", "")
    audit = rows.model_copy(
        update={"figures": {**rows.figures, SHEET: sheet.model_copy(update={"caption": shortened})}}
    )

    (group,) = image_groups(audit, Pictures(audit, damaged.folder, lambda *_: "report:x", images=True), None)

    assert group.sheets[0].figure.caption == COLUMNS


def test_rows_of_several_sheets_go_on_under_one_head_on_paper(rows: Audit, damaged: Run) -> None:
    """The fourth image stands on a sheet of its own, with the same columns: its row goes on in the table before."""
    second = "figures/rows-2.jpg"
    last = rows.images[3].model_copy(update={"figures": (second,)})
    sheet = rows.figures[SHEET]
    caption = f"{COLUMNS} Rows: 1. {last.image}: cat, predicted cat (0.91)."
    figures = {**rows.figures, second: sheet.model_copy(update={"caption": caption, "height": 145})}
    audit = rows.model_copy(update={"images": (*rows.images[:3], last), "figures": figures})
    source = next(path for path in damaged.audit.figures if path.endswith(".jpg"))
    for path in (SHEET, second):
        shutil.copy2(damaged.folder / source, damaged.folder / path)

    view = view_of(audit, damaged.folder, lambda *_: "report:x", images=True)
    words = page(view, RenderOptions(), lambda *_: "report:x", media="print")

    (run,) = view.annex.groups[0].runs
    assert [len(sheet.rows) for sheet in run.sheets] == [3, 1]
    assert [row.place for sheet in run.sheets for row in sheet.rows] == [1, 2, 3, 4]
    assert words.count('class="image-rows"') == 1
    rows_printed = words.partition('class="image-rows"')[2].partition("</table>")[0]
    assert rows_printed.count('<div class="strip"') == 1 + 4, "the head, and a strip for each image"


def test_words_stand_where_the_rows_do(rows: Audit, pictures: Pictures) -> None:
    """41 pixels of names, then rows of 104 pixels with 6 between them: 41 + 3 * 110 - 6 = 365."""
    (group,) = image_groups(rows, pictures, None)

    places = [(round(row.top * 3.65), round(row.height * 3.65)) for row in group.sheets[0].rows]
    assert places == [(41, 104), (151, 104), (261, 104)]
    assert group.sheets[0].share == WIDEST


def test_a_sheet_that_says_where_its_rows_are_is_believed(rows: Audit, damaged: Run) -> None:
    places = ((20.0, 25.0), (47.0, 25.0), (74.0, 26.0))
    sheet = rows.figures[SHEET].model_copy(update={"rows": places})
    audit = rows.model_copy(update={"figures": {**rows.figures, SHEET: sheet}})
    source = next(path for path in damaged.audit.figures if path.endswith(".jpg"))
    shutil.copy2(damaged.folder / source, damaged.folder / SHEET)

    (group,) = image_groups(audit, Pictures(audit, damaged.folder, lambda *_: "report:x", images=True), None)

    assert tuple((row.top, row.height) for row in group.sheets[0].rows) == places


def test_images_on_no_sheet_stay_in_a_table(rows: Audit, pictures: Pictures) -> None:
    (group,) = image_groups(rows, pictures, None)

    assert len(group.images.rows) == len(rows.images)
    assert [row[0].text for row in group.others.rows] == [image.image for image in rows.images[3:]]


def test_further_groups_go_on_without_the_sheet_that_was_shown(rows: Audit, pictures: Pictures) -> None:
    first, second = image_groups(rows, pictures, 2)

    assert [len(group.sheets) for group in (first, second)] == [1, 0]
    assert len(second.others.rows) == len(rows.images) - 3


@pytest.mark.parametrize(
    ("names", "folder"),
    [
        (["a/b/1.png", "a/b/2.png", "a/bc/3.png"], "a/"),
        (["/a/1.png", "/a/c/2.png"], "/a/"),
        (["cat/1.png", "dog/1.png"], ""),
        (["1.png", "2.png"], ""),
        (["a/1.png"], ""),
    ],
)
def test_the_folder_of_all_files(rows: Audit, names: list[str], folder: str) -> None:
    assert folder_of([rows.images[0].model_copy(update={"image": name}) for name in names]) == folder


def test_a_name_is_cut_where_a_line_may_break_and_nothing_is_lost() -> None:
    assert breakable("a/b_c-d.png") == ("a/", "b_", "c-", "d.png")
    assert "".join(breakable("__a//b--")) == "__a//b--"


def quiet(audit: Audit, verdict: Verdict, classes: list[str | None], effects: list[float]) -> list[Check]:
    check = next(check for check in audit.checks if check.kind == "border" and check.measurements)
    main = check.measurements[0]
    return [
        check.model_copy(
            update={
                "id": f"border.{verdict}.{name}", "verdict": verdict, "class_name": name, "grade": None,
                "measurements": (main.model_copy(update={"value": effect, "low": effect - 0.1, "high": effect + 0.1,
                                                         "count": 10 + number}),),
                "minimum_detectable_effect": 0.5, "q": None,
            }
        )
        for number, (name, effect) in enumerate(zip(classes, effects, strict=True))
    ]  # fmt: skip


def test_classes_in_which_nothing_was_found_share_a_row(believable: Run) -> None:
    found = quiet(believable.audit, Verdict.INSUFFICIENT, [None, "cat", "dog", "owl"], [0.0, -0.1, 0.3, 0.2])
    audit = believable.audit.model_copy(update={"checks": tuple(found)})

    whole, classes = brief_check_table(audit).rows

    assert (whole[1].text, whole[4].text) == ("0 %", "10")
    assert classes[0].note == "3 classes: cat, dog, owl"
    assert [cell.text for cell in classes[1:6]] == ["−10 to 30 %", "−20 to 40 %", "–", "11 to 13", "50 %"]


def test_findings_and_single_classes_keep_their_rows(believable: Run) -> None:
    confirmed = quiet(believable.audit, Verdict.CONFIRMED, ["cat", "dog"], [0.3, 0.4])
    alone = quiet(believable.audit, Verdict.NO_EVIDENCE, ["cat"], [0.0])
    audit = believable.audit.model_copy(update={"checks": (*confirmed, *alone)})

    assert [row[0].note for row in brief_check_table(audit).rows] == ["class cat", "class dog", "class cat"]


def test_classes_of_which_the_same_was_measured_share_a_row(believable: Run) -> None:
    row = {"low": 0.2, "high": 1.0, "n": 3}
    measured = (
        {"class": "a", "value": 1.0, **row},
        {"class": "b", "value": 0.5, **row},
        {"class": "c", "value": 1.0, **row},
    )
    audit = believable.audit.model_copy(update={"per_class": measured})

    assert [[cell.text for cell in row[:2]] for row in brief_class_table(audit).rows] == [
        ["b", "50 %"],
        ["2 classes: a, c", "100 %"],
    ]
