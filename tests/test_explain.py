"""One picture explained: what decides on a network that reads the corner, for the target that was asked for."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from auditor.errors import DataError, SpecError
from auditor.explain import explain_pictures
from auditor.explain.choosing import chosen_maps
from auditor.plan import make_plan
from auditor.progress import Silent
from tests.models import pictures
from tests.pipeline.test_run import NET, SPEC

LINEAR = "\ndef brightness(output):\n    return output[:, 1] - output[:, 0]\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("explain")
    (root / "net.py").write_text(NET + LINEAR)
    images, labels = pictures(24)
    rows = ["image,label"]
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        cv2.imwrite(str(root / f"{index:03d}.png"), image.transpose(1, 2, 0)[:, :, ::-1])
        rows.append(f"{index:03d}.png,{label}")
    (root / "sample.csv").write_text("\n".join(rows) + "\n")
    text = SPEC.replace("PLACE", "corner").replace(", mask: mask", "").replace('"<script>alert(1)</script>"', "light")
    (root / "spec.yaml").write_text(text)
    return root


def explained(folder: Path, *overrides: str, most_forwards: int = 40, pdf: bool = False) -> str:
    plan = make_plan(folder / "spec.yaml", overrides)
    paths = explain_pictures(plan, [folder / "001.png"], folder / "out", Silent(), most_forwards=most_forwards, pdf=pdf)
    assert [path.suffix for path in paths] == ([".html", ".pdf"] if pdf else [".html"])
    assert paths[-1].stat().st_size > 5000
    return paths[0].read_text()


def test_the_page_names_the_corner_and_says_what_was_left_out_or_rougher(folder: Path) -> None:
    page = explained(folder, pdf=True)

    assert "rests on row 1, column 1" in page
    assert "RISE (would cost 400 forwards)" in page
    assert "rougher: " in page
    assert "Not made: Attention-guided CAM, Attention relevance, Attention rollout: the model has no" in page
    for name in ("Grad-CAM", "Saliency", "the picture"):
        assert f"<b>{name}</b>" in page


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("light", "Maps, for: light"),
        ("{difference: [light, dark]}", "light minus dark"),
        ("net.py:brightness", "brightness"),
    ],
)
def test_it_explains_the_target_that_is_asked_for(folder: Path, target: str, words: str) -> None:
    page = explained(folder, f"target={target}", most_forwards=10)

    assert words in page
    assert "rests on row 1, column 1" in page


def test_a_wrong_target_is_told_in_words(folder: Path) -> None:
    with pytest.raises(SpecError, match="no class is named 'lihgt'; did you mean 'light'"):
        explained(folder, "target=lihgt")
    with pytest.raises(DataError, match="a picture on its own has no label"):
        explained(folder, "target=label")


def test_more_forwards_make_rough_maps_whole_and_then_the_costly_ones(folder: Path) -> None:
    plan = make_plan(folder / "spec.yaml")

    few, some, many = (chosen_maps(plan, (24, 32), most_forwards=most) for most in (60, 400, 5000))

    assert {"grad_cam", "saliency"} <= {part.part_name() for part in few.parts}
    assert few.rougher
    assert {"rise", "lime", "kernel_shap"} <= set(few.left_out)
    assert len(some.rougher) < len(few.rougher)
    assert (many.rougher, many.left_out) == ({}, {})
    assert sum(part.forwards(24, 32) for part in few.parts) <= 60
