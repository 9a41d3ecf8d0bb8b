"""`auditor verify` and `auditor sign`: every change to a finished audit is noticed, and the file is named."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import page as validator
import pikepdf
import pytest

from auditor.cli import invoke
from auditor.errors import RunFolderError
from auditor.reports import RenderOptions
from auditor.reports.pdf import Pdf
from auditor.runs import RunFolder
from auditor.verification import verify
from tests.reports.conftest import Run
from tests.reports.sample_audit import build
from tests.signing_keys import Keys, make_keys, time_stamping

REPORT = (
    '<!DOCTYPE html><html lang="en"><head><title>t</title><meta name="dcterms.created" content="{{ report.finished }}">'
    '<meta name="dcterms.modified" content="{{ report.finished }}"><style>{{ style }}</style></head>'
    "<body><h1>{{ report.title }}</h1><p>The verdict is FAIL.</p></body></html>"
)
PASSPHRASE = "AUDITOR_KEY_PASSPHRASE"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run with evidence, figures, SARIF, waivers and a PDF of one page."""
    folder = tmp_path_factory.mktemp("finished")
    audit = build(folder, images=4)
    (folder / "evidence").mkdir(exist_ok=True)
    (folder / "evidence" / "corner.json").write_text('{"effects": [1, 2]}')
    (folder / "audit.sarif").write_text('{"version": "2.1.0"}')
    (folder / "waivers.yaml").write_text("waivers: []\n")
    templates = tmp_path_factory.mktemp("templates")
    (templates / "report.html.j2").write_text(REPORT)
    Pdf().write(audit, folder, RenderOptions(templates=templates))
    RunFolder(folder).finish()
    return Run(folder, audit)


@pytest.fixture
def run(finished: Run, tmp_path: Path) -> Path:
    """A copy to tamper with."""
    return Path(shutil.copytree(finished.folder, tmp_path / "run"))


@pytest.fixture
def alone(run: Path, tmp_path: Path) -> Path:
    """The report by itself, as somebody gets it by mail."""
    (tmp_path / "mail").mkdir()
    return Path(shutil.copy(run / "report.pdf", tmp_path / "mail"))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("keys"), passphrase="open sesame")


@pytest.fixture
def signed(alone: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(PASSPHRASE, "open sesame")
    assert invoke(["sign", str(alone), "--key", str(keys.key), "--cert", str(keys.certificate)]) == 0
    return alone


def first_figure(run: Path) -> str:
    return sorted((run / "figures").iterdir())[0].relative_to(run).as_posix()


def differing(path: Path, *trusted: Path) -> list[str]:
    return [mismatch.file for mismatch in verify(path, trusted).mismatches]


def repack(report: Path, change: Callable[[pikepdf.Pdf], object]) -> None:
    with pikepdf.open(report, allow_overwriting_input=True) as pdf:
        change(pdf)
        pdf.save(report)


def put(pdf: pikepdf.Pdf, name: str, data: bytes) -> None:
    pdf.attachments[name] = pikepdf.AttachedFileSpec(pdf, data, filename=name)


def test_what_nobody_touched_is_as_it_was_left(run: Path, alone: Path) -> None:
    whole, report = verify(run), verify(alone)

    assert whole.mismatches == report.mismatches == ()
    assert report.compared == 4  # audit.json, spec, waivers, SARIF
    assert whole.compared > 2 * len(list((run / "figures").iterdir()))
    assert "not signed" in report.remarks[0]


@pytest.mark.parametrize("name", ["audit.json", "spec.yaml", "evidence/corner.json", "audit.sarif", "figure"])
def test_a_changed_file_of_the_run_is_named(run: Path, name: str) -> None:
    file = run / (first_figure(run) if name == "figure" else name)
    file.write_bytes(file.read_bytes() + b" ")
    changed = file.relative_to(run).as_posix()

    assert set(differing(run)) == {changed}
    assert differing(run / "report.pdf") == [changed]


def test_a_missing_file_and_one_more_in_the_evidence_are_named(run: Path) -> None:
    figure = first_figure(run)
    (run / figure).unlink()
    (run / "evidence" / "better.json").write_text("{}")

    assert set(differing(run)) == {figure, "evidence/better.json"}


def test_a_note_beside_the_report_is_mentioned_and_no_mismatch(run: Path) -> None:
    (run / "notes.txt").write_text("read it")

    found = verify(run)

    assert found.mismatches == ()
    assert found.remarks[0].startswith("notes.txt")


def test_a_changed_report_is_named_by_the_manifest_of_its_run(run: Path) -> None:
    repack(run / "report.pdf", lambda pdf: pdf.pages[0].contents_add(b"q Q"))

    assert differing(run) == ["report.pdf"]


@pytest.mark.parametrize("name", ["audit.json", "spec.yaml", "waivers.yaml", "audit.sarif"])
def test_a_changed_attachment_is_named(alone: Path, name: str) -> None:
    repack(alone, lambda pdf: put(pdf, name, b'{"spec_sha256": "0"}'))

    assert f"report.pdf: {name}" in differing(alone)


def test_attachments_that_were_added_or_taken_away_are_named(alone: Path) -> None:
    def change(pdf: pikepdf.Pdf) -> None:
        del pdf.attachments["waivers.yaml"]
        put(pdf, "also.json", b"{}")

    repack(alone, change)

    assert differing(alone) == ["report.pdf: also.json", "report.pdf: waivers.yaml"]


def test_a_changed_spec_is_noticed_though_its_digest_was_changed_along(alone: Path) -> None:
    def change(pdf: pikepdf.Pdf) -> None:
        import hashlib

        manifest = json.loads(pdf.attachments["manifest.json"].get_file().read_bytes())
        manifest["files"]["spec.yaml"] = hashlib.sha256(b"policy: {}").hexdigest()
        put(pdf, "spec.yaml", b"policy: {}")
        put(pdf, "manifest.json", json.dumps(manifest).encode())

    repack(alone, change)

    assert differing(alone) == ["report.pdf: spec.yaml"]


def test_a_manifest_cannot_send_the_reader_elsewhere(run: Path) -> None:
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["files"]["../../etc/hostname"] = "0" * 64
    (run / "manifest.json").write_text(json.dumps(manifest))

    assert [str(item) for item in verify(run).mismatches] == ["../../etc/hostname: lies outside the run folder"]


def test_rendering_again_does_not_hide_a_change(run: Path) -> None:
    (run / "evidence" / "corner.json").write_text('{"effects": [0, 0]}')

    assert invoke(["render", str(run), "-f", "json"]) == 0
    assert "evidence/corner.json" in differing(run)


def test_what_is_no_report_of_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.pdf").write_text("no pdf")
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(tmp_path / "other.pdf")

    for name in ("text.pdf", "other.pdf", "absent.pdf", "."):
        with pytest.raises(RunFolderError):
            verify(tmp_path / name)


def test_exit_codes_and_output_say_which_file(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["verify", str(run)]) == 0
    assert capsys.readouterr().out == ""
    (run / "spec.yaml").write_text("version: 1\n")

    assert invoke(["verify", str(run)]) == 4
    assert "spec.yaml: differs from its digest" in capsys.readouterr().out
    assert invoke(["verify", str(run / "absent")]) == 2


def test_verifying_loads_nothing_heavy(run: Path) -> None:
    program = (
        "import sys; from auditor.cli import invoke\n"
        "assert invoke(['verify', sys.argv[1]]) == 0\n"
        "print({'torch', 'weasyprint', 'matplotlib', 'cv2', 'scipy', 'pyhanko'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program, run], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


def test_a_signed_report_names_its_signer_and_still_follows_both_standards(signed: Path, keys: Keys) -> None:
    found, known = verify(signed), verify(signed, [keys.authority])

    assert found.mismatches == known.mismatches == ()
    assert "signed by Common Name: A. Auditor" in found.remarks[0]
    assert "no certificate was given" in found.remarks[0]
    assert "no certificate was given" not in known.remarks[0]
    for profile in (validator.ValidationProfile.PDF_A_3A, validator.ValidationProfile.PDF_UA_1):
        report = validator.validate_pdf(str(signed), profile=profile)
        assert [(failure.rule_id, failure.message) for failure in report.failures] == []


def test_several_people_can_sign(signed: Path, keys: Keys) -> None:
    assert invoke(["sign", str(signed), "--key", str(keys.packed)]) == 0

    found = verify(signed)

    assert found.mismatches == ()
    assert len(found.remarks) == 2


def test_a_page_that_was_changed_after_signing_is_noticed(signed: Path) -> None:
    data = bytearray(signed.read_bytes())
    with pikepdf.open(io.BytesIO(bytes(data))) as pdf:
        content = pdf.pages[0].obj.Contents.read_raw_bytes()
    data[data.index(content) + len(content) // 2] ^= 1
    signed.write_bytes(bytes(data))

    (mismatch,) = verify(signed).mismatches

    assert mismatch.what.endswith("the file was changed after it was signed")


def test_a_page_that_was_replaced_by_appending_to_the_file_is_noticed(signed: Path) -> None:
    from pyhanko.pdf_utils.generic import NameObject, StreamObject
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    writer = IncrementalPdfFileWriter(io.BytesIO(signed.read_bytes()))
    page = writer.root["/Pages"]["/Kids"][0]
    page[NameObject("/Contents")] = writer.add_object(StreamObject(stream_data=b"q Q"))
    writer.mark_update(writer.root["/Pages"]["/Kids"].raw_get(0))
    output = io.BytesIO()
    writer.write(output)
    signed.write_bytes(output.getvalue())

    assert any("after it was signed" in mismatch.what for mismatch in verify(signed).mismatches)


def test_an_attachment_that_was_changed_after_signing_is_noticed_twice(signed: Path) -> None:
    data = bytearray(signed.read_bytes())
    with pikepdf.open(io.BytesIO(bytes(data))) as pdf:
        content = pdf.attachments["waivers.yaml"].obj.EF.F.read_raw_bytes()
    data[data.index(content) + len(content) // 2] ^= 1
    signed.write_bytes(bytes(data))

    assert verify(signed).mismatches


def test_a_signer_whom_the_trusted_certificate_does_not_vouch_for_is_a_mismatch(signed: Path, tmp_path: Path) -> None:
    stranger = make_keys(tmp_path, passphrase="x").authority

    (mismatch,) = verify(signed, [stranger]).mismatches

    assert "no trusted certificate vouches" in mismatch.what


def test_a_signature_that_is_asked_for_and_not_there_is_a_mismatch(alone: Path, keys: Keys) -> None:
    (mismatch,) = verify(alone, [keys.authority]).mismatches

    assert "is not signed" in mismatch.what


def test_a_report_of_an_earlier_version_in_its_run_folder_rests_on_the_manifest(run: Path) -> None:
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(run / "report.pdf")
    RunFolder(run).finish()

    found = verify(run)

    assert found.mismatches == ()
    assert "embeds no manifest.json" in found.remarks[0]


def test_signing_in_the_run_folder_keeps_its_manifest_true(
    run: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSPHRASE, "open sesame")

    assert invoke(["sign", str(run / "report.pdf"), "--key", str(keys.packed)]) == 0
    assert verify(run).mismatches == ()


def test_what_was_changed_is_not_signed(run: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE, "open sesame")
    (run / "evidence" / "corner.json").write_text("{}")
    before = (run / "report.pdf").read_bytes()

    assert invoke(["sign", str(run / "report.pdf"), "--key", str(keys.packed)]) == 4
    assert (run / "report.pdf").read_bytes() == before


@pytest.mark.parametrize("passphrase", ["", "wrong"])
@pytest.mark.parametrize("packed", [True, False])
def test_a_wrong_passphrase_names_the_variable(
    alone: Path, keys: Keys, packed: bool, passphrase: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv(PASSPHRASE, passphrase)
    key = ["--key", str(keys.packed)] if packed else ["--key", str(keys.key), "--cert", str(keys.certificate)]

    assert invoke(["sign", str(alone), *key]) == 2
    assert PASSPHRASE in capsys.readouterr().err


def test_a_time_stamp_is_asked_for_and_shown(
    alone: Path, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSPHRASE, "open sesame")
    with time_stamping(make_keys(tmp_path, passphrase="", stamping=True)) as url:
        assert invoke(["sign", str(alone), "--key", str(keys.packed), "--timestamp", url]) == 0

    found = verify(alone)

    assert found.mismatches == ()
    assert "(time stamp)" in found.remarks[0]


def test_a_time_stamp_that_cannot_be_had_leaves_the_report_unsigned(
    alone: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSPHRASE, "open sesame")
    before = alone.read_bytes()

    assert invoke(["sign", str(alone), "--key", str(keys.packed), "--timestamp", "http://127.0.0.1:9/"]) == 2
    assert alone.read_bytes() == before
