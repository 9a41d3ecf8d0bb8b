"""The run folder: whole files, a manifest that comes last, and nothing half-done that looks finished."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from auditor.errors import RunFolderError
from auditor.records import Measurement
from auditor.runs import RunFolder, earlier_audits, load_audit, sha256_of, write_whole


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a" / "file.txt"
    write_whole(target, b"first")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))

    with pytest.raises(RunFolderError, match="No space left"):
        write_whole(target, b"second")

    assert target.read_bytes() == b"first"
    assert [path.name for path in target.parent.iterdir()] == ["file.txt"]


def test_the_manifest_covers_every_file(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.write("figures/a.jpg", b"picture")
    folder.save_json("tables", {"x": 1})

    manifest = json.loads(folder.finish().read_text())

    assert manifest["files"] == {
        "evidence/tables.json": sha256_of(tmp_path / "run" / "evidence" / "tables.json"),
        "figures/a.jpg": sha256_of(tmp_path / "run" / "figures" / "a.jpg"),
    }
    assert folder.finished
    folder.unfinish()
    assert not folder.finished


def test_records_and_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    record = Measurement(name="accuracy", value=0.5, low=0.4, high=0.6, count=10)
    arrays = {"maps": np.arange(6, dtype=np.float32).reshape(2, 3)}

    folder.save_record("probes/border", record)
    folder.save_arrays("maps/grad_cam@layer4.1", arrays)

    assert folder.load_record("probes/border", Measurement) == record
    loaded = folder.load_arrays("maps/grad_cam@layer4.1")
    assert loaded is not None
    assert np.array_equal(loaded["maps"], arrays["maps"])
    assert folder.load_record("probes/none", Measurement) is None


def test_numbers_that_are_not_numbers_are_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        RunFolder(tmp_path).save_json("x", {"value": float("nan")})


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")

    with pytest.raises(RunFolderError, match="is a file"):
        RunFolder(tmp_path / "run")


@pytest.mark.parametrize("state", ["missing", "unfinished", "no audit", "broken audit"])
def test_only_a_finished_run_can_be_loaded(tmp_path: Path, state: str) -> None:
    run = tmp_path / "run"
    if state != "missing":
        folder = RunFolder(run)
        folder.write("spec.yaml", "version: 1\n")
        if state == "broken audit":
            folder.write("audit.json", "{}")
        if state != "unfinished":
            folder.finish()

    with pytest.raises(RunFolderError, match="run"):
        load_audit(run)


def test_earlier_audits_of_the_same_spec_and_model_are_counted(tmp_path: Path) -> None:
    for name, spec, model, finished in [
        ("1", "s", "m", True), ("2", "s", "m", True), ("3", "other", "m", True), ("4", "s", "m", False),
    ]:  # fmt: skip
        folder = RunFolder(tmp_path / name)
        folder.write("audit.json", json.dumps({"question_sha256": spec, "model": {"sha256_before": model}}))
        if finished:
            folder.finish()

    assert earlier_audits(tmp_path / "5", "s", "m") == 2
