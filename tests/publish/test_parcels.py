"""What is sent is what the manifest knows; without pictures, the reports are rendered again elsewhere."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import pikepdf
import pytest

from auditor.errors import RunFolderError
from auditor.publish._parcels import parcels_of
from auditor.records import Audit
from auditor.runs import RunFolder, load_audit
from tests.publish.conftest import again


def test_a_file_that_was_changed_by_hand_is_refused(run: Path) -> None:
    (run / "report.pdf").write_bytes(b"%PDF forged")

    with pytest.raises(RunFolderError, match=r"report\.pdf: is not the file"), parcels_of(run, images=True):
        pass


def test_without_pictures_the_page_holds_none_and_the_run_stays_as_it_was(run: Path) -> None:
    (run / "report.pdf").unlink()
    RunFolder(run).finish()
    before = {path.name: path.read_bytes() for path in run.rglob("*") if path.is_file()}

    with parcels_of(run, images=False) as parcels:
        page = parcels.text("report.html")
        pictures = [file.name for file in parcels.files if file.pictures]

    assert page is not None
    shown = [base64.b64encode(data).decode() for name, data in before.items() if name.endswith(".jpg")]
    assert len(shown) > 3
    assert not [data for data in shown if data in page]
    assert not [image.image for image in load_audit(run).images if image.image in page]
    assert load_audit(run).title.split()[0] in page
    assert pictures == []
    assert {path.name: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_pdf_that_carries_pictures_inside_is_left_out_in_words(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from auditor.reports.pdf import Pdf

    def write(self: Pdf, audit: Audit, folder: Path, options: object) -> list[Path]:
        document = pikepdf.new()
        document.add_blank_page()
        document.attachments["figures/photo.jpg"] = b"a picture of a patient"
        (folder / "report.pdf").unlink(missing_ok=True)
        document.save(folder / "report.pdf")
        return [folder / "report.pdf"]

    monkeypatch.setattr(Pdf, "write", write)

    with parcels_of(run, images=False) as parcels:
        assert parcels.file("report.pdf") is None
        assert "photo.jpg" in parcels.absent(("report.pdf",))[0]


def test_what_is_missing_is_said_with_the_command_that_makes_it(run: Path) -> None:
    with parcels_of(run, images=True) as parcels:
        lines = parcels.absent(("summary.md", "audit.sarif", "report.pdf", "secrets.txt"))

    assert [line.split()[0] for line in lines] == ["secrets.txt", "summary.md", "audit.sarif"]
    assert "auditor render" in lines[1]
    assert "-f markdown" in lines[1]


def test_a_folder_that_is_no_finished_run_is_refused(run: Path, tmp_path: Path) -> None:
    unfinished = Path(shutil.copytree(run, tmp_path / "unfinished"))
    (unfinished / "manifest.json").unlink()

    with pytest.raises(RunFolderError, match="no finished audit"), parcels_of(unfinished, images=True):
        pass


def test_an_html_page_that_was_rendered_again_is_what_is_sent(run: Path) -> None:
    again(run, "report.html", "<p>second</p>")

    with parcels_of(run, images=True) as parcels:
        assert parcels.text("report.html") == "<p>second</p>"
