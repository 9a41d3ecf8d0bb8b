"""Reports fit a ticket: quality goes first, then size, then what there is most of; or an error says what would do."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pikepdf
import pytest

from auditor.cli import invoke
from auditor.errors import RenderError
from auditor.reports import RenderOptions
from auditor.reports._annex import thinned
from auditor.reports._fitting import GENTLE, LADDER, WHOLE, Limit, Reduction, fitted, limit_of
from auditor.reports.html import Html
from auditor.reports.pdf import Pdf
from tests.reports.conftest import Run
from tests.reports.page_reading import read_page


@dataclass
class Paper:
    """Pictures that weigh what they are told, and words that weigh 100."""

    pictures: int
    laid_out: list[int]

    @property
    def weight(self) -> int:
        return self.pictures

    def finish(self) -> bytes:
        self.laid_out.append(self.pictures)
        return bytes(self.pictures + 100)


def paper(laid_out: list[int]) -> Callable[[Reduction], Paper]:
    return lambda step: Paper(1000 - 50 * LADDER.index(step), laid_out)


def test_quality_goes_before_size_and_size_before_maps() -> None:
    steps = [(step.quality is not None, step.scale < 1, step.cells < 32, step.every != 1) for step in LADDER]

    assert steps == sorted(steps)
    assert len(set(LADDER)) == len(LADDER)
    assert all(step.cells == 32 and step.every == 1 for step in LADDER[:GENTLE])


def test_what_fits_is_laid_out_once_and_whole() -> None:
    laid_out: list[int] = []

    assert len(fitted("x", paper(laid_out), Limit(1100, asked=True))) == 1100
    assert laid_out == [1000]


def test_the_first_step_that_fits_is_taken_and_two_layouts_do() -> None:
    laid_out: list[int] = []

    data = fitted("x", paper(laid_out), Limit(799, asked=True))

    assert len(data) == 750
    assert laid_out == [750, 650]


def test_a_limit_that_nothing_fits_says_the_smallest_and_what_else_to_do() -> None:
    with pytest.raises(RenderError, match=r"^x was not written: .* at the least, .*--no-images.*--template summary"):
        fitted("x", paper([]), Limit(200, asked=True))


def test_unasked_a_report_only_shows_less_sharply() -> None:
    assert len(fitted("x", paper([]), Limit(1, asked=False))) == 1100 - 50 * (GENTLE - 1)


def test_a_larger_sample_may_weigh_more() -> None:
    assert limit_of(None, 8_000_000, 128) == limit_of(None, 8_000_000, 1) == Limit(8_000_000, asked=False)
    assert limit_of(None, 8_000_000, 228) == Limit(15_000_000, asked=False)
    assert limit_of(5, 8_000_000, 228) == Limit(5, asked=True)


def test_of_the_annex_one_sheet_in_so_many_stays(believable: Run) -> None:
    sheets = [f"figures/{number}.jpg" for number in range(4)]
    images = tuple(
        image.model_copy(update={"figures": (sheet,)})
        for image, sheet in zip(believable.audit.images, sheets, strict=True)
    )
    audit = believable.audit.model_copy(update={"images": images})

    assert thinned(audit, 1) == frozenset()
    assert thinned(audit, 2) == {sheets[1], sheets[3]}
    assert thinned(audit, 0) == set(sheets)


def test_a_page_fits_and_says_what_was_reduced(damaged: Run) -> None:
    whole = Html().write(damaged.audit, damaged.folder, RenderOptions())[0].stat().st_size
    limit = whole * 3 // 4

    (file,) = Html().write(damaged.audit, damaged.folder, RenderOptions(max_size=limit))
    page = file.read_bytes()

    assert len(page) <= limit
    said = r"Pictures are (shown at \d+ % of their size|stored at JPEG quality \d+)"
    assert re.search(said, read_page(page.decode()).text)
    assert Html().write(damaged.audit, damaged.folder, RenderOptions(max_size=limit))[0].read_bytes() == page


def test_a_pdf_fits_with_what_it_embeds(damaged: Run) -> None:
    whole = Pdf().write(damaged.audit, damaged.folder, RenderOptions("summary"))[0].read_bytes()
    limit = len(whole) * 19 // 20

    (file,) = Pdf().write(damaged.audit, damaged.folder, RenderOptions("summary", max_size=limit))

    assert file.stat().st_size <= limit
    with pikepdf.open(file) as pdf:
        assert len(pdf.attachments) == 3


@pytest.mark.parametrize("name", ["html", "pdf"])
def test_a_limit_that_is_too_small_leaves_what_was_there(
    damaged: Run, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    file = damaged.folder / f"report.{name}"
    file.write_bytes(b"as it was")
    from auditor.runs import RunFolder, read_manifest

    RunFolder(damaged.folder).finish()
    before = read_manifest(damaged.folder)

    code = invoke(["render", str(damaged.folder), "-f", name, "--template", "summary", "--max-size", "40kB"])
    err = " ".join(capsys.readouterr().err.split())

    assert code == 2
    assert f"report.{name} was not written" in err
    assert "0.04 MB were asked for" in err
    assert "--no-images" in err
    assert read_manifest(damaged.folder) == before
    assert not list(damaged.folder.glob(".writing-*"))


@pytest.mark.parametrize("size", ["0", "-1MB", "ten", "10 parsecs"])
def test_a_size_that_is_none_is_a_usage_error(damaged: Run, size: str) -> None:
    assert invoke(["render", str(damaged.folder), f"--max-size={size}"]) == 2


def test_words_say_every_reduction() -> None:
    assert WHOLE.words() == ""
    assert "Pictures are stored at JPEG quality 70" in Reduction(70).words()
    assert "Pictures are shown at 60 % of their size" in Reduction(55, 0.6).words()
    thin = Reduction(50, 0.3, 8, 4).words()
    assert "8 cells" in thin
    assert "1 sheet in 4" in thin
    assert "left out of the annex" in Reduction(45, 0.2, 8, 0).words()
