"""report.html in a real browser: whole without the world, usable by keyboard, readable without script."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from auditor.reports import RenderOptions
from auditor.reports.html import Html
from tests.reports.browsing import CHROMIUM, PHONE, RULES, WIDE, visited
from tests.reports.conftest import Run

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; on Debian: apt-get install chromium")


@pytest.fixture(scope="module")
def report(believable: Run) -> Path:
    return Html().write(believable.audit, believable.folder, RenderOptions())[0]


@pytest.fixture(scope="module")
def attacked(hostile: Run) -> Path:
    return Html().write(hostile.audit, hostile.folder, RenderOptions())[0]


def pixels(page: Page, selector: str) -> np.ndarray:
    picture = page.locator(selector).first.screenshot()
    return np.asarray(cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR), np.int16)


def to_gallery(page: Page) -> None:
    page.locator("#gallery").scroll_into_view_if_needed()
    page.locator("#gallery .card").first.scroll_into_view_if_needed()  # below all switches on a narrow page
    expect(page.locator(".card canvas[width]").first).to_be_visible()  # it has a width once it is drawn


def shown(page: Page, selector: str) -> list[str]:
    """The text of what is visible, on the screen or beyond it."""
    return [" ".join(text.split()) for text in page.locator(selector).filter(visible=True).all_text_contents()]


def test_it_loads_in_silence_and_asks_for_nothing(browser: Browser, report: Path) -> None:
    with visited(browser, report) as visit:
        to_gallery(visit.page)
        visit.page.locator(".card button").first.click()
        expect(visit.page.locator("#viewer")).to_be_visible()

        assert visit.said == []
        assert visit.asked == []


def test_hostile_names_run_nothing_and_stay_words(browser: Browser, attacked: Path) -> None:
    with visited(browser, attacked) as visit:
        dialogs: list[str] = []
        visit.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        to_gallery(visit.page)
        visit.page.locator(".card button").first.click()
        visit.page.keyboard.press("ArrowRight")
        visit.page.keyboard.press("Escape")
        options = visit.page.locator('[data-filter="gallery-cards"] [data-key="class"] option').all_text_contents()

        assert "<script>alert(1)</script>" in options
        assert dialogs == []
        assert visit.said == []
        assert visit.asked == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing_to_complain_of(browser: Browser, report: Path, size: tuple[int, int], scheme: str) -> None:
    with visited(browser, report, size=size, scheme=scheme) as visit:
        to_gallery(visit.page)
        page_found = Axe().run(visit.page, options=RULES)
        visit.page.locator(".card button").first.click()
        viewer_found = Axe().run(visit.page, context="#viewer", options=RULES)

        assert page_found.violations_count == 0, page_found.generate_report()
        assert viewer_found.violations_count == 0, viewer_found.generate_report()


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_nothing_sticks_out_of_the_window(browser: Browser, report: Path, size: tuple[int, int]) -> None:
    with visited(browser, report, size=size) as visit:
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_a_filter_keeps_what_has_its_word_and_says_how_much(browser: Browser, report: Path) -> None:
    with visited(browser, report) as visit:
        page = visit.page
        assert len(shown(page, "article.finding")) == 3

        page.locator('[data-filter="findings"] [data-key="severity"]').select_option("medium")

        assert [title[:2] for title in shown(page, "article.finding h3")] == ["F2"]
        assert len(shown(page, "#findings tr[data-severity]")) == 1
        expect(page.locator('[data-filter="findings"] output')).to_have_text("1 of 7 shown")

        page.locator('[data-filter="findings"] button').click()

        assert len(shown(page, "article.finding")) == 3


def test_filters_add_up(browser: Browser, report: Path) -> None:
    with visited(browser, report) as visit:
        bar = visit.page.locator('[data-filter="findings"]')
        bar.locator('[data-key="kind"]').select_option("Corner")
        bar.locator('[data-key="class"]').select_option("pneumonia")
        bar.locator('[data-key="verdict"]').select_option("confirmed")

        assert [title[:2] for title in shown(visit.page, "article.finding h3")] == ["F1"]

        bar.locator('[data-key="severity"]').select_option("low")

        assert shown(visit.page, "article.finding") == []


def test_a_column_is_sorted_by_keyboard_and_says_so(browser: Browser, report: Path) -> None:
    with visited(browser, report) as visit:
        table = visit.page.locator("#findings table").first
        heading = table.locator("th", has_text="Effect")

        heading.locator("button").press("Enter")

        assert heading.get_attribute("aria-sort") == "ascending"
        assert shown(visit.page, "#findings table:first-of-type >> tbody td:first-child")[:3] == ["F3", "F2", "F1"]

        heading.locator("button").press("Enter")

        assert heading.get_attribute("aria-sort") == "descending"
        assert table.locator("th[aria-sort]").count() == 1
        assert shown(visit.page, "#findings table:first-of-type >> tbody td:first-child")[:3] == ["F1", "F2", "F3"]


def test_severities_are_sorted_by_weight_and_missing_numbers_come_last(browser: Browser, report: Path) -> None:
    with visited(browser, report) as visit:
        page = visit.page
        page.locator("#findings table").first.locator("th", has_text="Severity").locator("button").click()
        severities = shown(page, "#findings table:first-of-type >> tbody td:nth-child(2)")[:3]
        effects = page.locator("#every-check th", has_text="Effect")

        assert [words.split(",")[0].split()[-1] for words in severities] == ["critical", "medium", "low"]
        for _ in range(2):  # upwards, then downwards
            effects.locator("button").click()
            column = page.locator("#every-check tbody td:nth-child(2)").all_text_contents()
            numbers = [text.strip() == "–" for text in column]
            assert numbers == sorted(numbers)
            assert any(numbers)


def test_the_slider_blends_photo_and_map(browser: Browser, report: Path) -> None:
    with visited(browser, report) as visit:
        to_gallery(visit.page)
        slider = visit.page.locator(".controls.maps input[type=range]")
        seen = {}
        for share in ("0", "50", "100"):
            slider.fill(share)
            visit.page.locator(".card .photo").first.scroll_into_view_if_needed()
            seen[share] = pixels(visit.page, ".card .photo")

        grey = np.ptp(seen["0"], axis=2).mean()
        between = (seen["0"] + seen["100"]) / 2
        assert grey < 2  # the photo alone, without colour
        assert np.ptp(seen["100"], axis=2).mean() > 20
        assert np.abs(seen["50"] - between).mean() < 3


def test_a_map_has_the_colours_of_the_scale_and_states_its_largest_value(browser: Browser, believable: Run) -> None:
    file = Html().write(believable.audit, believable.folder, RenderOptions())[0]
    kept = np.load(believable.folder / "evidence/maps/0.npz")
    tops = (kept["maps"].astype(np.float32).max(axis=(1, 2)) * kept["peaks"]).tolist()
    with visited(browser, file) as visit:
        to_gallery(visit.page)
        words = visit.page.locator(".card .top").first.text_content()
        brightest, darkest = visit.page.evaluate(
            """() => {
              const canvas = document.querySelector(".card canvas");
              const bytes = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
              const colours = new Map();
              for (let at = 0; at < bytes.length; at += 4) {
                const colour = [...bytes.slice(at, at + 3)];
                colours.set(colour[1], colour);
              }
              const greens = [...colours.keys()].sort((a, b) => a - b);
              return [colours.get(greens.at(-1)), colours.get(greens[0])];
            }"""
        )

    assert words is not None
    assert words.startswith("largest ")
    assert float(words.removeprefix("largest ")) == pytest.approx(tops[0], rel=6e-3)  # three digits of it
    assert np.abs(np.array(brightest) - (253, 231, 37)).max() < 12  # the two ends of viridis
    assert np.abs(np.array(darkest) - (68, 1, 84)).max() < 12


def test_method_and_layer_switch_all_maps_and_failed_methods_are_marked(browser: Browser, report: Path) -> None:
    with visited(browser, report) as visit:
        page = visit.page
        to_gallery(page)
        before = pixels(page, ".card .photo")
        warning = page.locator("#gallery > .warning")
        expect(warning).to_be_hidden()

        page.locator("select.method").select_option("Integrated gradients")
        page.wait_for_timeout(300)

        expect(warning).to_contain_text("do not read anything from it")
        after = pixels(page, ".card .photo")
        both = tuple(slice(min(sides)) for sides in zip(before.shape, after.shape, strict=True))
        assert np.abs(after[both] - before[both]).mean() > 0.5
        expect(page.locator(".card .top").nth(0)).to_contain_text("largest")


def test_one_picture_is_opened_stepped_and_closed_by_keyboard(browser: Browser, report: Path) -> None:
    with visited(browser, report) as visit:
        page = visit.page
        to_gallery(page)
        page.locator(".card button").first.press("Enter")
        expect(page.locator("#viewer-title")).to_have_text("1. normal/IMG_0000.png")

        page.keyboard.press("ArrowRight")

        expect(page.locator("#viewer-title")).to_have_text("2. pneumonia/IMG_0001.png")
        assert page.locator("#viewer .tiles button").count() == 6

        page.keyboard.press("Escape")

        expect(page.locator("#viewer")).to_be_hidden()
        assert page.evaluate("document.activeElement.closest('.card').id") == "picture-2"


def test_a_deep_link_opens_its_finding_even_where_a_filter_hides_it(browser: Browser, report: Path) -> None:
    anchor = "#finding-border.ring-8"
    with visited(browser, report, anchor=anchor) as visit:
        page = visit.page
        expect(page.locator(".finding.linked h3")).to_contain_text("F2")
        expect(page.locator(".finding.linked h3")).to_be_in_viewport()

        page.locator('[data-filter="findings"] [data-key="severity"]').select_option("low")
        page.evaluate("location.hash = ''")
        page.evaluate(f"location.hash = '{anchor}'")

        expect(page.locator(".finding.linked")).to_be_visible()
        expect(page.locator(".finding.linked h3")).to_be_in_viewport()


def test_a_link_to_a_finding_is_copied(browser: Browser, report: Path) -> None:
    with visited(browser, report) as visit:
        visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        button = visit.page.locator("button.copy").nth(1)

        button.click()

        expect(button).to_have_text("Link copied")
        assert visit.page.evaluate("navigator.clipboard.readText()") == f"{report.as_uri()}#finding-border.ring-8"


def test_the_switch_turns_dark_and_light_whatever_the_system_wants(browser: Browser, report: Path) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    with visited(browser, report, scheme="dark") as visit:
        button = visit.page.locator("button.theme")
        dark = visit.page.evaluate(paper)
        assert button.get_attribute("aria-pressed") == "true"

        button.press("Enter")

        assert visit.page.evaluate(paper) == "rgb(255, 255, 255)" != dark
        assert button.get_attribute("aria-pressed") == "false"

        button.press("Enter")

        assert visit.page.evaluate(paper) == dark


def test_without_script_all_content_is_there_and_no_control(browser: Browser, report: Path) -> None:
    with visited(browser, report, script=False) as visit:
        page = visit.page

        assert shown(page, "select, input, .copy, .theme, th button") == []
        assert len(shown(page, "article.finding")) == 3
        expect(page.locator(".card img").first).to_be_visible()
        page.locator("details.grey summary").click()
        expect(page.locator("details.grey img").first).to_be_visible()
        assert visit.asked == []


def test_on_paper_there_are_no_controls_and_colours_are_dark_on_white(browser: Browser, report: Path) -> None:
    with visited(browser, report, scheme="dark") as visit:
        visit.page.emulate_media(media="print")

        assert shown(visit.page, ".bar, .controls, .copy, .contents") == []
        assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert visit.page.evaluate("getComputedStyle(document.body).color") == "rgb(22, 24, 29)"
        assert shown(visit.page, ".on-paper") == ["Maps: Occlusion"]


def test_heads_of_tables_hold_no_buttons_while_they_are_printed_and_sort_again_afterwards(
    browser: Browser, report: Path
) -> None:
    """Chromium repeats a head on every sheet only where it holds none."""
    with visited(browser, report) as visit:
        buttons = visit.page.locator("th button")
        before = buttons.all_text_contents()

        visit.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert buttons.count() == 0
        assert before[0] in visit.page.locator(".sortable th").all_text_contents()
        visit.page.evaluate("dispatchEvent(new Event('afterprint'))")

        assert buttons.all_text_contents() == before
        buttons.first.click()
        expect(visit.page.locator(".sortable th").first).to_have_attribute("aria-sort", "ascending")
