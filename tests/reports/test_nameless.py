"""A copy without pictures holds no picture and no file name of one: in no format, and in nothing that it embeds."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from PIL import Image

from auditor import figures
from auditor.cli import invoke
from auditor.records import Audit
from auditor.reports import RenderOptions
from auditor.reports._nameless import Names
from auditor.reports._pixels import TINY, bare
from auditor.reports._rendering import COPY, render_copy
from auditor.reports.html import Html
from auditor.reports.pdf import Pdf
from auditor.runs import RunFolder
from auditor.sample import base
from auditor.subjects import PictureInfo, Preprocessing
from auditor.subjects.decoding import decode
from auditor.verification import verify
from tests.reports.conftest import Run
from tests.reports.page_reading import read_page

FORMATS = ("html", "pdf", "json", "csv", "sarif", "junit", "gitlab", "markdown", "attestation")
NAME = re.compile(r"IMG_\d{4}")
HASH = re.compile(r"image-[0-9a-f]{12}")
SECRET = b"48 deg north, taken by Anna"


def noted_jpeg(side: int = 64) -> bytes:
    """A JPEG as a telephone makes it: place, camera, a thumbnail of its own, and a comment."""
    pixels = Image.fromarray(np.random.default_rng(0).integers(0, 255, (side, side, 3), np.uint8))
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 0.0), 3: "E", 4: (11.0, 34.0, 0.0), 29: SECRET.decode()})
    out = io.BytesIO()
    pixels.save(out, "JPEG", quality=90, exif=exif, comment=SECRET)
    return out.getvalue()


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run in which names stand wherever people and programs put them."""
    folder = tmp_path_factory.mktemp("named") / "run"
    audit = base.build(folder, images=4)
    described = {
        path: picture.model_copy(  # its pairs are of pictures beyond these four
            update={"caption": NAME.sub("IMG_0000", picture.caption), "alt": NAME.sub("IMG_0003", picture.alt)}
        )
        for path, picture in audit.figures.items()
    }
    figure = next(iter(described.values()))
    caption = "normal/IMG_0000.png: normal, predicted normal (0.50)"
    described[figure.path] = figure.model_copy(update={"caption": caption, "alt": "IMG_0001"})
    spec = (folder / "spec.yaml").read_text() + "# see normal/IMG_0002.png\n"
    (folder / "spec.yaml").write_text(spec)
    (folder / "waivers.yaml").write_text("waivers: []  # IMG_0003.png\n")
    audit = audit.model_copy(
        update={
            "figures": described,
            "notes": ("IMG_0001.png was read twice; so was /data/pneumonia/IMG_0001.png.",),
            "spec_sha256": hashlib.sha256(spec.encode()).hexdigest(),
        }
    )
    (folder / "audit.json").write_text(audit.to_json(), encoding="utf-8")
    RunFolder(folder).finish()
    return Run(folder, audit)


@pytest.fixture(scope="module")
def copy(named: Run) -> Path:
    """All formats of it, beside the run's own files."""
    render_copy(named.audit, named.folder, FORMATS, RenderOptions("summary", images=False), named.folder / COPY)
    render_copy(named.audit, named.folder, ("html",), RenderOptions(images=False), named.folder / COPY)
    return named.folder / COPY


@pytest.fixture
def mine(named: Run, copy: Path, tmp_path: Path) -> Path:
    """The run with its copy, to tamper with."""
    return Path(shutil.copytree(named.folder, tmp_path / "run"))


def embedded(report: Path) -> dict[str, bytes]:
    with pikepdf.open(report) as pdf:
        return {name: item.get_file().read_bytes() for name, item in pdf.attachments.items()}


def test_no_format_holds_a_name(copy: Path) -> None:
    texts = {file.name: file.read_text("utf-8") for file in copy.iterdir() if file.suffix != ".pdf"}

    assert len(texts) == len(FORMATS)  # SARIF are two files, the PDF is read below
    assert {name: NAME.findall(text) for name, text in texts.items() if NAME.search(text)} == {}
    assert HASH.search(texts["report.html"])
    assert HASH.search(texts["audit.json"])


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils are not installed")
def test_no_page_and_no_attachment_of_the_pdf_holds_a_name(copy: Path) -> None:
    text = subprocess.run(["pdftotext", copy / "report.pdf", "-"], capture_output=True, text=True, check=True).stdout
    files = embedded(copy / "report.pdf")
    with pikepdf.open(copy / "report.pdf") as pdf:
        words = " ".join(
            str(item.Alt) for item in pdf.objects if isinstance(item, pikepdf.Dictionary) and "/Alt" in item
        )

    assert set(files) == {"audit.json", "audit.sarif", "spec.yaml", "waivers.yaml", "manifest.json"}
    assert not NAME.search(text + words)
    assert not [name for name, data in files.items() if NAME.search(data.decode())]


def test_a_name_is_the_same_hash_wherever_it_stands(named: Run, copy: Path) -> None:
    audit = Audit.from_json((copy / "audit.json").read_bytes())
    inside = Audit.from_json(embedded(copy / "report.pdf")["audit.json"])
    first, second, *_ = (image.image for image in audit.images)

    assert inside == audit
    assert len({image.image for image in audit.images}) == 4
    assert next(iter(audit.figures.values())).caption == f"{first}: normal, predicted normal (0.50)"
    assert next(iter(audit.figures.values())).alt == second
    assert audit.notes == (f"{second} was read twice; so was /data/{second}.",)
    assert f"# see {audit.sample.duplicates[0][0]}" in embedded(copy / "report.pdf")["spec.yaml"].decode()
    assert [image.label for image in audit.images] == [image.label for image in named.audit.images]


def test_the_runs_own_files_stay_as_they_were(copy: Path, named: Run) -> None:
    assert verify(named.folder).mismatches == ()
    assert Audit.from_json((named.folder / "audit.json").read_bytes()) == named.audit


def test_whoever_lacks_the_run_folder_cannot_try_names_out(mine: Path, named: Run) -> None:
    picture = named.audit.images[0].thumbnail
    assert picture is not None
    before = Names(named.audit, mine).of("normal/IMG_0000.png")
    again = Names(named.audit, mine).of("normal/IMG_0000.png")
    (mine / picture).write_bytes(figures.encode_jpeg(np.zeros((12, 16, 3), np.uint8)))

    assert before == again
    assert Names(named.audit, mine).of("normal/IMG_0000.png") != before


def test_words_that_are_also_names_stay_where_they_are_words(named: Run) -> None:
    images = tuple(image.model_copy(update={"image": "normal"}) for image in named.audit.images[:1])
    audit = named.audit.model_copy(update={"images": images})

    made = Names(audit, named.folder).audit(audit)

    assert HASH.fullmatch(made.images[0].image)
    assert made.images[0].label == "normal"
    assert made.model.classes == audit.model.classes


def test_the_copy_verifies_in_its_run_folder_and_alone(copy: Path, tmp_path: Path) -> None:
    alone = Path(shutil.copy(copy / "report.pdf", tmp_path))

    for found in (verify(copy / "report.pdf"), verify(alone)):
        assert found.mismatches == ()
        assert "a copy with hashed file names in audit.json" in found.remarks[0]


def test_a_forged_copy_and_changed_evidence_are_named(mine: Path) -> None:
    report = mine / COPY / "report.pdf"
    picture = next((mine / "evidence" / "pictures").iterdir())
    picture_name = picture.relative_to(mine).as_posix()
    whole = picture.read_bytes()
    picture.write_bytes(whole + b"\0")
    assert picture_name in [mismatch.file for mismatch in verify(report).mismatches]
    picture.write_bytes(whole)

    files = embedded(report)
    forged = files["audit.json"].replace(b'"exit_code": 1', b'"exit_code": 0')
    manifest = json.loads(files["manifest.json"])
    manifest["changed"]["audit.json"] = hashlib.sha256(forged).hexdigest()
    with pikepdf.open(report, allow_overwriting_input=True) as pdf:
        for name, data in (("audit.json", forged), ("manifest.json", json.dumps(manifest).encode())):
            pdf.attachments[name] = pikepdf.AttachedFileSpec(pdf, data, filename=name)
        pdf.save(report)

    assert [mismatch.file for mismatch in verify(report).mismatches] == ["report.pdf: audit.json"]


def test_the_same_run_gives_the_same_copy(copy: Path, mine: Path, named: Run, tmp_path: Path) -> None:
    render_copy(named.audit, mine, ("html", "json"), RenderOptions(images=False), tmp_path / "again")

    for name in ("report.html", "audit.json"):
        assert (tmp_path / "again" / name).read_bytes() == (copy / name).read_bytes()


def test_thumbnails_are_there_only_where_they_are_asked_for(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(mine / COPY)
    assert invoke(["render", str(mine), "--no-images", "-f", "html"]) == 0
    without = read_page((mine / COPY / "report.html").read_text("utf-8"))
    assert invoke(["render", str(mine), "--no-images", "--thumbnails", "-f", "html"]) == 0
    asked = read_page((mine / COPY / "report.html").read_text("utf-8"))
    assert invoke(["render", str(mine), "--thumbnails", "-f", "html"]) == 2

    small = [image["src"] for image in asked.all("img") if image.get("alt", "").startswith("Picture ")]
    assert "picture left out" in without.text
    assert len(small) == 4
    for source in small:
        with Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as picture:
            assert max(picture.size) == TINY
    assert capsys.readouterr().out.count(f"{COPY}/report.html") == 2


def test_a_picture_loses_its_notes_on_the_way_into_an_audit(tmp_path: Path) -> None:
    colours = Preprocessing(12, 16, "squash", 0.875, (0.0,) * 3, (1.0,) * 3)
    (tmp_path / "phone.jpg").write_bytes(noted_jpeg())
    assert SECRET in noted_jpeg()

    decoded = decode(PictureInfo("phone.jpg", tmp_path / "phone.jpg"), colours)

    assert SECRET not in figures.encode_jpeg(decoded.image.numpy().transpose(1, 2, 0))


def test_whoever_puts_a_picture_into_the_run_folder_its_notes_do_not_reach_a_report(damaged: Run) -> None:
    figure = next(path for path in damaged.audit.figures if path.endswith(".jpg"))
    (damaged.folder / figure).write_bytes(noted_jpeg(96))
    thumbnail = damaged.audit.images[0].thumbnail
    assert thumbnail is not None
    (damaged.folder / thumbnail).write_bytes(noted_jpeg())

    (page,) = Html().write(damaged.audit, damaged.folder, RenderOptions())
    (report,) = Pdf().write(damaged.audit, damaged.folder, RenderOptions())

    pictures = re.findall(r"data:image/(?:jpeg|png);base64,([A-Za-z0-9+/=]+)", page.read_text("utf-8"))
    assert len(pictures) > 10
    assert not [data for data in pictures if SECRET in base64.b64decode(data)]
    with pikepdf.open(report) as pdf:
        streams = [item.read_raw_bytes() for item in pdf.objects if isinstance(item, pikepdf.Stream)]
    assert not [data for data in streams if SECRET in data]


def test_a_picture_without_notes_is_not_touched() -> None:
    plain = figures.encode_jpeg(np.zeros((12, 16, 3), np.uint8))
    drawn = figures.encode_png(np.zeros((12, 16, 3), np.uint8))

    assert bare(plain, "image/jpeg") is plain
    assert bare(drawn, "image/png") is drawn
    assert SECRET not in bare(noted_jpeg(), "image/jpeg")
