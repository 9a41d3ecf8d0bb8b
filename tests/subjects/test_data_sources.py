"""Data sources `folder` and `csv`: what they list, and what they refuse with place and remedy."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from auditor.errors import DataError
from auditor.subjects import PictureInfo
from auditor.subjects.datasets.csv import Csv
from auditor.subjects.datasets.folder import Folder


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


class TestFolder:
    def listed(self, root: Path, *classes: str) -> tuple[list[PictureInfo], tuple[str, ...]]:
        return Folder(path="data").pictures(folder=root, classes=classes)

    def test_folders_are_classes_in_sorted_order(self, tmp_path: Path) -> None:
        touch(tmp_path / "data", "dog/1.png", "cat/2.JPG", "cat/1.jpeg", "owl/deep/er/3.Tiff")

        pictures, classes = self.listed(tmp_path)

        assert classes == ("cat", "dog", "owl")
        assert [(p.name, p.label) for p in pictures] == [
            ("cat/1.jpeg", 0), ("cat/2.JPG", 0), ("dog/1.png", 1), ("owl/deep/er/3.Tiff", 2),
        ]  # fmt: skip

    def test_folders_are_looked_up_among_the_models_classes(self, tmp_path: Path) -> None:
        touch(tmp_path / "data", "dog/1.png", "cat/2.png", "2/3.png")
        pictures, classes = self.listed(tmp_path, "owl", "dog", "cat")
        assert classes == ("owl", "dog", "cat")
        assert {p.name: p.label for p in pictures} == {"2/3.png": 2, "cat/2.png": 2, "dog/1.png": 1}

    def test_a_folder_that_is_no_class_is_refused_with_the_nearest(self, tmp_path: Path) -> None:
        touch(tmp_path / "data", "dogg/1.png", "cat/2.png")
        with pytest.raises(DataError, match=r"data: 1 of 2 folders are no class .*first: dogg\); did you mean 'dog'"):
            self.listed(tmp_path, "cat", "dog")

    def test_an_empty_class_folder_keeps_its_number(self, tmp_path: Path) -> None:
        touch(tmp_path / "data", "b/1.png")
        (tmp_path / "data" / "a").mkdir()
        pictures, classes = self.listed(tmp_path)
        assert classes == ("a", "b")
        assert pictures[0].label == 1

    def test_a_flat_folder_has_no_labels(self, tmp_path: Path) -> None:
        touch(tmp_path / "data", "b.png", "a.webp", "notes.txt", ".hidden.png", "._a.png")
        pictures, classes = self.listed(tmp_path, "x", "y")
        assert [(p.name, p.label) for p in pictures] == [("a.webp", None), ("b.png", None)]
        assert classes == ("x", "y")

    def test_pictures_beside_class_folders_are_refused(self, tmp_path: Path) -> None:
        touch(tmp_path / "data", "cat/1.png", "lost.png")
        with pytest.raises(DataError, match=r"class folders \(first: cat\) and 1 pictures beside them"):
            self.listed(tmp_path)

    def test_hidden_folders_are_passed_over(self, tmp_path: Path) -> None:
        touch(tmp_path / "data", ".cache/1.png", "cat/1.png", "cat/.trash/2.png")
        assert [p.name for p in self.listed(tmp_path)[0]] == ["cat/1.png"]

    @pytest.mark.parametrize("names", [[], ["readme.txt"], ["cat/readme.txt"]])
    def test_no_pictures_is_an_error(self, tmp_path: Path, names: list[str]) -> None:
        (tmp_path / "data").mkdir()
        touch(tmp_path / "data", *names)
        with pytest.raises(DataError, match="data holds no pictures"):
            self.listed(tmp_path)

    def test_a_wrong_path_is_a_problem_with_a_remedy(self, tmp_path: Path) -> None:
        touch(tmp_path, "datas/x.png", "table.csv")
        assert Folder(path="data").problems(folder=tmp_path) == [
            ("path", "no folder data beside the spec; did you mean 'datas'?")
        ]
        assert "write source: csv" in Folder(path="table.csv").problems(folder=tmp_path)[0][1]
        assert Folder(path="datas").problems(folder=tmp_path) == []
        with pytest.raises(DataError, match="no folder data"):
            self.listed(tmp_path)

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux file systems take names that are not UTF-8")
    def test_a_file_name_that_is_not_utf8_can_be_written_down(self, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        path = os.fsencode(tmp_path / "data") + b"/b\xe4r.png"
        with open(path, "wb"):  # noqa: PTH123 (a Path cannot be made from bytes)
            pass
        (picture,) = self.listed(tmp_path)[0]
        assert picture.name.encode() == rb"b\xe4r.png"
        assert picture.path.is_file()


class TestCsv:
    def table(self, root: Path, text: str | bytes) -> None:
        (root / "t").mkdir(exist_ok=True)
        (root / "t" / "t.csv").write_bytes(text if isinstance(text, bytes) else text.encode())

    def listed(self, root: Path, *classes: str, **columns: Any) -> list[PictureInfo]:
        source = Csv.model_validate({"path": "t/t.csv", **({"columns": columns} if columns else {})})
        return source.pictures(folder=root, classes=classes)[0]

    def refused(self, root: Path, text: str | bytes, *classes: str, **columns: Any) -> str:
        self.table(root, text)
        with pytest.raises(DataError) as caught:
            self.listed(root, *classes, **columns)
        return str(caught.value)

    def test_usual_columns_are_found(self, tmp_path: Path) -> None:
        self.table(tmp_path, "image,label,x1,y1,x2,y2,mask,site\nsub/a.png,2,1,2,3.5,4,m/a.png,x\nb.png,,,,,,,\n")

        a, b = self.listed(tmp_path)

        root = tmp_path / "t"
        assert a == PictureInfo(
            "sub/a.png", root / "sub/a.png", 2, (1, 2, 3.5, 4), root / "m/a.png", groups={}, cluster=None
        )
        assert b == PictureInfo("b.png", root / "b.png")

    def test_named_columns_alone_are_read(self, tmp_path: Path) -> None:
        self.table(tmp_path, "image,label,file,class,l,t,r,b,patient,sex,site\nx,9,a.png,dog,1,2,3,4,p1,f,north\n")

        (picture,) = self.listed(
            tmp_path, "cat", "dog", image="file", label="class", box=["l", "t", "r", "b"], groups=["sex", "site"],
            cluster="patient",
        )  # fmt: skip
        (bare,) = self.listed(tmp_path, cluster="patient")

        assert (picture.name, picture.label, picture.box) == ("a.png", 1, (1, 2, 3, 4))
        assert (picture.groups, picture.cluster) == ({"sex": "f", "site": "north"}, "p1")
        assert (bare.name, bare.label, bare.cluster) == ("x", None, "p1")

    @pytest.mark.parametrize(("cell", "label"), [("cat", 0), ("1", 1), ("1.0", 1), ("3", 2), ("", None)])
    def test_labels_are_names_first_then_indices(self, tmp_path: Path, cell: str, label: int | None) -> None:
        self.table(tmp_path, f"image,label\na.png,{cell}\n")
        assert self.listed(tmp_path, "cat", "dog", "3", "owl")[0].label == label

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    def test_what_spreadsheets_write(self, tmp_path: Path, encoding: str, delimiter: str, newline: str) -> None:
        rows = [["image", "label"], ["bär, 1.png" if delimiter != "," else "bär.png", "dög"], ["", ""]]
        self.table(tmp_path, newline.join(delimiter.join(row) for row in rows).encode(encoding))
        (picture,) = self.listed(tmp_path, "dög")
        assert picture.label == 0
        assert picture.name.startswith("bär")

    def test_backslashes_are_folders(self, tmp_path: Path) -> None:
        self.table(tmp_path, "image\nsub\\a.png\n")
        assert self.listed(tmp_path)[0].name == "sub/a.png"

    def test_all_mistakes_come_at_once_with_their_lines(self, tmp_path: Path) -> None:
        text = (
            'image,label,x1,y1,x2,y2\na.png,catt,1,2,3,4\n\n"b\n.png",0,1,2,3,4\n,0,1,2,3,4\n'
            "c.png,7,1,2,3,4\nd.png,0,1,,3,x\ne.png,0\n"
        )

        message = self.refused(tmp_path, text, "cat", "dog")

        assert message.splitlines() == [
            "t/t.csv:2: label 'catt' is no class; did you mean 'cat'?",
            "t/t.csv:6: column 'image' is empty",
            "t/t.csv:7: label '7' is no class; indices go from 0 to 1, the first name is 'cat'",
            "t/t.csv:8: box 1, (empty), 3, x is not four numbers",
            "t/t.csv:9: 2 cells, but the header has 6",
        ]

    def test_a_long_list_of_mistakes_is_cut(self, tmp_path: Path) -> None:
        message = self.refused(tmp_path, "image,label\n" + "a.png,x\n" * 30, "cat")
        assert message.splitlines()[-1] == "and 20 more"

    def test_names_without_known_classes_are_refused(self, tmp_path: Path) -> None:
        message = self.refused(tmp_path, "image,label\na.png,cat\n")
        assert message == (
            "t/t.csv:2: label 'cat' is a name, but model.classes gives none; list them in the outputs' order"
        )

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "is empty"),
            ("\n\n", "is empty"),
            ("image,label\n", "a header but no rows"),
            ("file,label\na,1\n", "t/t.csv:1: no column 'image'; columns: file, label"),
            ("imag,label\na,1\n", "no column 'image'; did you mean 'imag'?"),
            ("image,image\na,1\n", "column 'image' occurs twice"),
            (b"image\nb\xe4r.png\n", "t/t.csv:2: not UTF-8"),
            ('image\n"a.png\n', "not a table"),
            ("image,label\na.png,-1\n", "label '-1' is no class; indices start at 0"),
        ],
    )
    def test_broken_tables_are_refused(self, tmp_path: Path, text: str | bytes, message: str) -> None:
        assert message in self.refused(tmp_path, text)

    def test_problems_name_the_key(self, tmp_path: Path) -> None:
        self.table(tmp_path, "image,label\na.png,1\n")
        source = Csv.model_validate({"path": "t/t.csv", "columns": {"label": "lable", "groups": ["site"]}})
        assert source.problems(folder=tmp_path) == [
            ("columns.label", "t/t.csv:1: no column 'lable'; did you mean 'label'?"),
            ("columns.groups", "t/t.csv:1: no column 'site'; columns: image, label"),
        ]
        assert Csv(path="t/t.csv").problems(folder=tmp_path) == []
        assert Csv(path="t/u.csv").problems(folder=tmp_path)[0][1].endswith("did you mean 't.csv'?")
        assert "source: folder" in Csv(path="t").problems(folder=tmp_path)[0][1]

    def test_boxes_that_are_not_finite_are_left_to_decoding(self, tmp_path: Path) -> None:
        self.table(tmp_path, "image,x1,y1,x2,y2\na.png,nan,0,inf,4\n")
        box = self.listed(tmp_path)[0].box
        assert box is not None
        assert box[2] == float("inf")

    def test_unknown_keys_are_refused(self) -> None:
        with pytest.raises(ValidationError):
            Csv.model_validate({"path": "t.csv", "columns": {"imagee": "x"}})
        with pytest.raises(ValidationError):
            Csv.model_validate({"path": "t.csv", "columns": {"box": ["x1", "y1"]}})
