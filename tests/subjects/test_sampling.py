"""The sample in memory: what was read, what was not, and what stands in for it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from auditor.errors import DataError, ModelError
from auditor.spec.audit_spec import DatasetSpec
from auditor.subjects import Preprocessing, Sample
from auditor.subjects.datasets.csv import Csv
from auditor.subjects.datasets.folder import Folder
from auditor.subjects.sampling import load_sample

INPUT = Preprocessing(12, 16, "squash", 0.875, (0.0,) * 3, (1.0,) * 3)


def write(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    for label, name in enumerate(("cat", "dog", "owl")):
        for number in range(6):
            write(tmp_path / "animals" / name / f"{number}.png", 10 * label + number)
    return tmp_path


def sample_of(folder: Path, size: int = 9, classes: Sequence[str] = (), **options: object) -> Sample:
    spec = DatasetSpec.model_validate({"source": "folder", "path": "animals", "sample": {"size": size}})
    sample, _ = load_sample(spec, Folder(path="animals"), folder, INPUT, classes, **options)  # type: ignore[arg-type]
    return sample


def test_images_labels_and_names_belong_together(animals: Path) -> None:
    sample = sample_of(animals)

    assert sample.images.shape == (9, 3, 12, 16)
    assert sample.images.dtype == torch.uint8
    assert np.bincount(sample.labels).tolist() == [3, 3, 3]
    assert sample.available == 18
    for index, picture in enumerate(sample.pictures):
        assert ["cat", "dog", "owl"][sample.labels[index]] == picture.name.split("/")[0]
        np.testing.assert_array_equal(sample.display(index), np.asarray(Image.open(picture.path)))


def test_the_number_of_threads_changes_nothing(animals: Path) -> None:
    (animals / "animals/cat/2.png").write_bytes(b"")
    one, many = sample_of(animals, workers=1), sample_of(animals, workers=7)

    assert [p.name for p in one.pictures] == [p.name for p in many.pictures]
    assert torch.equal(one.images, many.images)
    assert one.digest == many.digest
    assert one.unreadable == many.unreadable


def test_the_digest_covers_names_bytes_and_labels(animals: Path) -> None:
    sample = sample_of(animals)
    lines = [
        f"{p.name}\0{hashlib.sha256(p.path.read_bytes()).hexdigest()}\0{p.label}\n".encode() for p in sample.pictures
    ]
    assert sample.digest == hashlib.sha256(b"".join(lines)).hexdigest()

    relabelled = sample_of(animals, classes=["dog", "cat", "owl"])
    with sample.pictures[0].path.open("ab") as file:
        file.write(b"\0")
    assert len({sample.digest, relabelled.digest, sample_of(animals).digest}) == 3


def test_an_unreadable_picture_is_listed_and_the_next_of_its_stratum_takes_its_place(animals: Path) -> None:
    before = sample_of(animals)
    victim = next(p for p in before.pictures if p.label == 1)
    victim.path.write_bytes(b"no picture")

    after = sample_of(animals)

    assert [name for name, _ in after.unreadable] == [victim.name]
    assert "not a picture" in after.unreadable[0][1]
    assert np.bincount(after.labels).tolist() == [3, 3, 3]
    kept = [p.name for p in before.pictures if p.name != victim.name]
    assert [p.name for p in after.pictures if p.name in kept] == kept
    assert "1 unreadable, replaced" in after.rule


def test_without_a_spare_the_place_stays_empty(animals: Path) -> None:
    for number in range(6):
        (animals / f"animals/owl/{number}.png").write_bytes(b"")

    sample = sample_of(animals)

    assert np.bincount(sample.labels, minlength=3).tolist() == [3, 3, 0]
    assert len(sample) == len(sample.images) == 6
    assert len(sample.unreadable) == 6
    assert sample.rule.endswith("3 of the places left empty")


def test_nothing_readable_is_an_error_with_reasons(animals: Path) -> None:
    for path in (animals / "animals").rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match=r"not one of 18 pictures can be read .*empty: zero bytes.*…"):
        sample_of(animals)


def test_pictures_of_the_same_bytes_are_listed_together(animals: Path) -> None:
    shutil.copy(animals / "animals/cat/0.png", animals / "animals/dog/0.png")
    assert sample_of(animals, size=99).duplicates == [("cat/0.png", "dog/0.png")]


def test_what_was_converted_is_listed(animals: Path) -> None:
    Image.new("L", (16, 12), 9).save(animals / "animals/cat/0.png")
    assert sample_of(animals, size=99).converted == [("cat/0.png", "grey repeated over three channels")]


def test_no_labels_at_all_is_fine(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / "animals" / f"{number}.png", number)

    sample = sample_of(tmp_path)

    assert sample.labels.tolist() == [-1, -1, -1]
    assert (sample.objects, sample.object_source) == (None, "none")
    assert not sample.has_object.any()


def test_progress_ends_at_the_whole_sample(animals: Path) -> None:
    seen: list[tuple[int, int]] = []
    sample_of(animals, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (9, 9)


def test_objects_come_from_masks_then_boxes_and_trivial_ones_do_not_count(tmp_path: Path) -> None:
    mask = np.zeros((12, 16), dtype=np.uint8)
    mask[2:5, 3:9] = 1
    Image.fromarray(mask).save(tmp_path / "m.png")
    for number in range(4):
        write(tmp_path / f"{number}.png", number)
    (tmp_path / "t.csv").write_text(
        "image,x1,y1,x2,y2,mask\n0.png,0,0,4,4,m.png\n1.png,1,1,5,5,\n2.png,0,0,16,12,\n3.png,,,,,\n"
    )
    spec = DatasetSpec(source="csv")

    sample, _ = load_sample(spec, Csv(path="t.csv"), tmp_path, INPUT, ())

    assert sample.objects is not None
    assert sample.object_source == "mixed"
    assert sample.has_object.tolist() == [True, True, False, False]
    assert sample.objects.sum(axis=(1, 2)).tolist() == [18, 16, 192, 0]
    np.testing.assert_array_equal(sample.objects[0], mask.astype(bool))


def test_missing_files_of_a_table_are_unreadable_not_fatal(tmp_path: Path) -> None:
    write(tmp_path / "a.png", 0)
    (tmp_path / "t.csv").write_text("image\na.png\nb.png\n")

    sample, _ = load_sample(DatasetSpec(source="csv"), Csv(path="t.csv"), tmp_path, INPUT, ())

    assert sample.unreadable == [("b.png", "not found")]


def test_an_own_transform_gives_float_inputs(animals: Path) -> None:
    (animals / "own.py").write_text(
        "import torch\n\ndef halve(image):\n    return torch.full((3, 12, 16), image.width / 2)\n"
    )
    spec = DatasetSpec.model_validate({"source": "folder", "sample": {"size": 3}})
    own = Preprocessing(12, 16, "squash", 0.875, (0.0,) * 3, (1.0,) * 3, transform="own.py:halve")

    sample, _ = load_sample(spec, Folder(path="animals"), animals, own, ())

    assert sample.images.dtype == torch.float32
    assert float(sample.images.min()) == float(sample.images.max()) == 8.0


def test_an_own_transform_that_fails_names_the_picture_and_the_line(animals: Path) -> None:
    (animals / "own.py").write_text("def broken(image):\n    return image.no_such_thing\n")
    own = Preprocessing(12, 16, "squash", 0.875, (0.0,) * 3, (1.0,) * 3, transform="own.py:broken")

    with pytest.raises(ModelError, match=r"cat/\d.png: own.py:broken failed: AttributeError: .* \(own.py:2\)"):
        load_sample(DatasetSpec(source="folder"), Folder(path="animals"), animals, own, ())
