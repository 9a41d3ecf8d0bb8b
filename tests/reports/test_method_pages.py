"""How methods stand in sections 7, 10 and 11: in the words of their medium, and with all that they drew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from auditor.media import Medium
from auditor.records import Audit, Picture, VisualizationRecord
from auditor.reports import RenderOptions
from auditor.reports._inside import inside_view
from auditor.reports._methods import maps_reading, method_table, method_views
from auditor.reports._pictures import Pictures
from auditor.reports._robustness import robustness_view
from auditor.reports._sheets import WIDEST, _share
from auditor.reports.html import Html
from tests.reports.conftest import Run
from tests.reports.page_reading import read_page

PARTS = 5


@pytest.fixture
def drawn(damaged: Run) -> Run:
    """A study whose rows go on over five charts, of which the last has the caption; adversarial examples in one."""
    charts: dict[str, Picture] = {}
    source = next(path for path in damaged.audit.figures if path.endswith(".svg"))
    for number in range(PARTS):
        path = f"figures/rows-{number}.svg"
        (damaged.folder / path).write_bytes((damaged.folder / source).read_bytes())
        caption = "All of the rows." if number == PARTS - 1 else ""
        charts[path] = Picture(path=path, caption=caption, alt=f"Part {number + 1}", width=657, height=200)
    study = VisualizationRecord(
        name="top_activating_images", layer="layer4", status="ok", figures=tuple(charts), images=9
    )
    attack = VisualizationRecord(name="adversarial_examples", status="ok", figures=("figures/rows-0.svg",), images=9)
    metrics = tuple(item for item in damaged.audit.metrics if not item.name.startswith("robust"))
    update: dict[str, Any] = {
        "visualizations": (study, attack), "figures": {**damaged.audit.figures, **charts}, "metrics": metrics,
    }  # fmt: skip
    return Run(damaged.folder, damaged.audit.model_copy(update=update))


def of(audit: Audit, medium: Medium) -> Audit:
    return audit.model_copy(update={"sample": audit.sample.model_copy(update={"medium": medium.value})})


def pictures(run: Run) -> Pictures:
    return Pictures(run.audit, run.folder, lambda name, data, kind: f"report:{name}", images=True)


def test_no_part_of_a_view_of_the_network_is_left_to_the_annex(drawn: Run) -> None:
    shown = pictures(drawn)

    (view,) = inside_view(drawn.audit, shown).methods

    assert len(view.figures) == PARTS
    assert not [figure for figure in shown.rest() if "rows-" in figure.path]


def test_parts_stand_under_one_another_and_the_last_has_the_caption(drawn: Run) -> None:
    (file,) = Html().write(drawn.audit, drawn.folder, RenderOptions())
    source = file.read_text(encoding="utf-8")

    assert source.count("All of the rows.") == 1
    parts = [piece.partition("</figure>")[0] for piece in source.split("<figure")[1:] if 'alt="Part ' in piece]
    open_ended = [part for part in parts if "<figcaption>" not in part]
    # the attack in section 10 shows the first part once more
    assert len(parts) == PARTS + 1
    assert len(open_ended) == PARTS
    assert all("continued" in part.partition(">")[0] for part in open_ended)


def test_examples_are_not_denied_above_where_they_stand(drawn: Run) -> None:
    view = robustness_view(drawn.audit, pictures(drawn))

    (row,) = [row for row in view.tried.rows if row[0].text == "Adversarial examples"]
    assert row[1].text == "yes"
    assert row[2].text.startswith("Some are shown below; robust accuracy was not measured: not asked for in the spec")
    assert view.attacks.empty.endswith("The examples below show single cases.")
    assert len(view.examples) == 1


def test_without_examples_nothing_is_said_to_be_below(drawn: Run) -> None:
    audit = drawn.audit.model_copy(update={"visualizations": ()})

    view = robustness_view(audit, pictures(drawn))

    (row,) = [row for row in view.tried.rows if row[0].text == "Adversarial examples"]
    assert row[1].text == "no"
    assert "below" not in view.attacks.empty


@pytest.mark.parametrize(
    ("medium", "title", "amount", "head"),
    [
        (Medium.PICTURE, "Top activating images, layer4", "9 pictures", "Images"),
        (Medium.CLIP, "Top activating clips, layer4", "9 clips", "Clips"),
        (Medium.VOLUME, "Top activating volumes, layer4", "9 volumes", "Volumes"),
    ],
)
def test_what_the_sample_consists_of_is_called_what_it_is(
    drawn: Run, medium: Medium, title: str, amount: str, head: str
) -> None:
    audit = of(drawn.audit, medium)
    whole = VisualizationRecord(name="embedding_map", status="ok", images=9)
    audit = audit.model_copy(update={"visualizations": (*audit.visualizations, whole)})

    view = inside_view(audit, pictures(drawn))

    assert [method.title for method in view.methods] == [title]
    assert {row[2].text for row in view.made.rows} >= {"layer4", amount}
    assert [column.title for column in method_table(audit).columns][2] == head
    assert medium.several in maps_reading(audit).lower()


def test_what_all_maps_share_is_said_once_before_them(believable: Run, tmp_path: Path) -> None:
    (file,) = Html().write(believable.audit, believable.folder, RenderOptions())
    words = read_page(file.read_text(encoding="utf-8")).text

    assert method_views(believable.audit, pictures(believable))
    assert words.count("each map goes from 0 to what its brightest") == 1


def test_sheets_take_the_room_beside_their_words_and_no_more_than_a_page() -> None:
    wide = 1000

    assert _share(wide, 900) == pytest.approx(WIDEST), "rows go on over pages: no sheet has to fit one twice"
    assert _share(wide, 3000) == pytest.approx(100 * 1.15 / 3)
