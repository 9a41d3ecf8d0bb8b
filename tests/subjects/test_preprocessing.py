"""Whose preprocessing wins, and what the doctor tries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from auditor.errors import ModelError
from auditor.spec.audit_spec import InputSpec
from auditor.subjects import Preprocessing
from auditor.subjects.preprocessing import (
    decodes_alike,
    load_transform,
    preprocessing_variants,
    resolve_preprocessing,
)

PRESET = Preprocessing(
    224, 224, "crop", 0.875, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), origin="Net.V1", interpolation="bicubic"
)
SPEC = {"size": [12, 16], "mean": [0.1, 0.2, 0.3], "std": [1, 2, 3]}


def resolved(preset: Preprocessing | None = None, **fields: Any) -> Preprocessing:
    return resolve_preprocessing(InputSpec.model_validate(fields), preset, folder=Path())[0]


def test_the_spec_alone_is_enough() -> None:
    found = resolved(**SPEC, resize="squash", scale=255, channels="bgr")
    assert found == Preprocessing(12, 16, "squash", 0.875, (0.1, 0.2, 0.3), (1, 2, 3), 255, "bgr", origin="spec")


def test_the_preset_alone_is_enough_and_noted() -> None:
    assert resolve_preprocessing(None, PRESET, folder=Path()) == (PRESET, ("preprocessing: that of Net.V1",))


def test_the_spec_wins_field_by_field_and_that_is_noted() -> None:
    found, notes = resolve_preprocessing(InputSpec(size=[12, 16], resize="crop"), PRESET, folder=Path())

    assert (found.height, found.width, found.mean, found.interpolation) == (12, 16, PRESET.mean, "bicubic")
    assert found.origin == "Net.V1, changed by model.input"
    assert notes == ("preprocessing: Net.V1, but height, width from model.input",)


def test_a_default_of_the_spec_does_not_win_over_the_preset() -> None:
    preset = Preprocessing(8, 8, "squash", 0.5, (0.0,) * 3, (1.0,) * 3, scale=255.0)
    found = resolved(preset, size=[9, 9])
    assert (found.resize, found.crop_ratio, found.scale) == ("squash", 0.5, 255.0)


def test_neither_is_refused_with_an_example() -> None:
    with pytest.raises(ModelError, match=r"model\.input needs size, mean and std.*e\.g\. size: \[224, 224\]"):
        resolve_preprocessing(None, None, folder=Path())


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ModelError, match=r"model\.input needs mean, std:"):
        resolved(size=[12, 16])


def test_grey_over_a_colour_preset_needs_its_own_mean() -> None:
    with pytest.raises(ModelError, match="channels: grey needs mean and std of 1 values"):
        resolved(PRESET, channels="grey")


class TestOwnTransform:
    def write(self, folder: Path, body: str) -> str:
        (folder / "own.py").write_text(f"import torch\n\ndef own(image):\n    {body}\n")
        return "own.py:own"

    def test_its_size_is_found_by_trying_it(self, tmp_path: Path) -> None:
        reference = self.write(tmp_path, "return torch.zeros(2, 12, 16)")

        found, notes = resolve_preprocessing(InputSpec(transform=reference, scale=3), None, folder=tmp_path)

        assert (found.height, found.width, len(found.mean), found.transform) == (12, 16, 2, reference)
        assert "scale not used" in notes[1]

    def test_a_size_that_disagrees_is_refused(self, tmp_path: Path) -> None:
        reference = self.write(tmp_path, "return torch.zeros(3, 12, 16)")
        with pytest.raises(ModelError, match=r"size is \[16, 12\], but own.py:own gives \[12, 16\]"):
            resolve_preprocessing(InputSpec(transform=reference, size=[16, 12]), None, folder=tmp_path)

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ("return image", "gave Image; expected a float tensor"),
            ("return torch.zeros(1, 3, 4, 4)", r"gave torch.float32 of shape \(1, 3, 4, 4\)"),
            ("return torch.zeros(3, 4, 4, dtype=torch.uint8)", "gave torch.uint8"),
            ("return torch.full((3, 4, 4), float('nan'))", "NaN"),
            ("raise KeyError('x')", r"KeyError: 'x' \(own.py:4\)"),
        ],
    )
    def test_other_answers_are_refused(self, tmp_path: Path, body: str, message: str) -> None:
        transform = load_transform(self.write(tmp_path, body), tmp_path)
        with pytest.raises(ModelError, match=message):
            transform(Image.new("RGB", (8, 6)))

    def test_double_precision_becomes_float32(self, tmp_path: Path) -> None:
        transform = load_transform(self.write(tmp_path, "return torch.ones(3, 4, 4, dtype=torch.float64)"), tmp_path)
        assert transform(Image.new("RGB", (8, 6))).dtype == torch.float32


class TestVariants:
    def test_the_spec_is_first_and_no_two_feed_the_same_numbers(self) -> None:
        variants = preprocessing_variants(PRESET)
        images = torch.randint(0, 256, (1, 3, 12, 16), dtype=torch.uint8)
        fed = [(item.resize, item.crop_ratio, item.to_input(images)) for _, item in variants]

        assert variants[0] == ("as in the spec", PRESET)
        for index, (resize, ratio, inputs) in enumerate(fed):
            for other_resize, other_ratio, other in fed[:index]:
                assert (resize, ratio) != (other_resize, other_ratio) or not torch.allclose(inputs, other, atol=1e-3)

    @pytest.mark.parametrize(
        "truth",
        [
            {"scale": 1, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)},
            {"scale": 1, "mean": (0.5,) * 3, "std": (0.5,) * 3},
            {"scale": 1, "mean": (0,) * 3, "std": (1,) * 3},
            {"scale": 255, "mean": (0,) * 3, "std": (1,) * 3},
        ],
    )
    @pytest.mark.parametrize("channels", ["rgb", "bgr"])
    def test_every_usual_mistake_finds_its_way_back(self, truth: dict[str, Any], channels: str) -> None:
        flip = 1 if channels == "rgb" else -1
        right = Preprocessing(
            12, 16, "squash", 0.875, truth["mean"][::flip], truth["std"][::flip], truth["scale"], channels  # type: ignore[arg-type]
        )  # fmt: skip
        wrong = Preprocessing(12, 16, "squash", 0.875, (0.3,) * 3, (0.7,) * 3, 2.0)
        images = torch.randint(0, 256, (1, 3, 12, 16), dtype=torch.uint8)

        matches = [
            name
            for name, item in preprocessing_variants(wrong)
            if decodes_alike(item, right) and torch.allclose(item.to_input(images), right.to_input(images), atol=1e-4)
        ]

        assert len(matches) == 1

    def test_only_other_sizings_need_decoding_again(self) -> None:
        again = [name for name, item in preprocessing_variants(PRESET) if not decodes_alike(item, PRESET)]
        assert again == ["squashed", "cropped from the centre"]

    def test_grey_has_no_channel_order(self) -> None:
        grey = Preprocessing(12, 16, "squash", 0.875, (0.5,), (0.5,), channels="grey")
        variants = preprocessing_variants(grey)
        assert {item.channels for _, item in variants} == {"grey"}
        assert {len(item.mean) for _, item in variants} == {1}

    def test_an_own_transform_has_no_variants(self) -> None:
        own = Preprocessing(12, 16, "squash", 0.875, (0.0,) * 3, (1.0,) * 3, transform="own.py:own")
        assert preprocessing_variants(own) == [("as in the spec", own)]
