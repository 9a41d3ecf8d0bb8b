"""Odd and hostile picture files: read with a word on what was done, or refused with the reason."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from auditor.errors import DataError, ModelError
from auditor.subjects import PictureInfo, Preprocessing
from auditor.subjects.decoding import FORMATS, ORIENTATION, Decoded, decode, without_pillow_warnings

RGB = Preprocessing(12, 16, "squash", 0.875, (0.0,) * 3, (1.0,) * 3)
GREY = Preprocessing(12, 16, "squash", 0.875, (0.0,), (1.0,), channels="grey")


@pytest.fixture(autouse=True)
def _as_load_sample_does() -> Iterator[None]:
    with without_pillow_warnings():
        yield


def noise(width: int = 16, height: int = 12) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def saved(path: Path, image: Image.Image | np.ndarray, **options: object) -> PictureInfo:
    picture = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    picture.save(path, **options)
    return PictureInfo(name=path.name, path=path)


def pixels(decoded: Decoded) -> np.ndarray:
    return decoded.image.numpy().transpose(1, 2, 0)


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG written by hand. Source: W3C PNG (Third Edition), sections 5.3, 11.2.1."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_every_decoder_that_is_tried_exists() -> None:
    Image.init()
    assert set(FORMATS) <= set(Image.OPEN)


def test_a_plain_picture_of_the_input_size_is_untouched(tmp_path: Path) -> None:
    array = noise()

    decoded = decode(saved(tmp_path / "a.png", array), RGB)

    np.testing.assert_array_equal(pixels(decoded), array)
    assert (decoded.conversions, decoded.original_size, decoded.objects) == ((), (12, 16), None)
    assert decoded.image.dtype == torch.uint8


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "webp", "tif", "gif", "ppm"])
def test_each_format_is_read(tmp_path: Path, suffix: str) -> None:
    flat = np.full((12, 16, 3), (200, 100, 50), dtype=np.uint8)

    decoded = decode(saved(tmp_path / f"a.{suffix}", flat), RGB)

    assert np.abs(pixels(decoded).astype(int) - flat).max() <= 6


class TestUnreadable:
    def reason(self, path: Path, **options: int) -> str:
        with pytest.raises(DataError) as caught:
            decode(PictureInfo(name=path.name, path=path), RGB, **options)
        return str(caught.value)

    @pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "tif", "bmp"])
    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_a_truncated_picture(self, tmp_path: Path, suffix: str, share: float) -> None:
        path = tmp_path / f"a.{suffix}"
        saved(path, noise(64, 48))
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

        assert self.reason(path).startswith(("damaged", "not a picture"))

    def test_zero_bytes(self, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").touch()
        assert self.reason(tmp_path / "a.jpg") == "empty: zero bytes"

    def test_no_picture_at_all(self, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").write_text("<html>404</html>")
        assert "not a picture that can be read" in self.reason(tmp_path / "a.jpg")

    def test_postscript_is_never_interpreted(self, tmp_path: Path) -> None:
        (tmp_path / "a.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
        assert "not a picture that can be read" in self.reason(tmp_path / "a.png")

    def test_a_folder_and_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        (tmp_path / "folder.jpg").mkdir()
        assert self.reason(tmp_path / "folder.jpg") == "a folder, not a picture"
        assert self.reason(tmp_path / "none.jpg") == "not found"

    def test_a_pipe_is_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "a.jpg")
        assert self.reason(tmp_path / "a.jpg") == "not a regular file"

    def test_a_path_that_no_file_can_have(self) -> None:
        assert self.reason(Path("a\0.jpg")) == "not found"

    def test_a_decompression_bomb_is_refused_by_its_header(self, tmp_path: Path) -> None:
        (tmp_path / "bomb.png").write_bytes(png(60_000, 60_000, 8, 2, b"\0" * 1000))
        assert self.reason(tmp_path / "bomb.png").startswith("too large")

    def test_more_pixels_than_the_limit(self, tmp_path: Path) -> None:
        saved(tmp_path / "a.png", noise())
        assert self.reason(tmp_path / "a.png", pixel_limit=191) == "too large: 16 × 12 pixels, more than 191 in all"

    def test_a_float_picture_with_nan(self, tmp_path: Path) -> None:
        values = np.full((12, 16), np.nan, dtype=np.float32)
        saved(tmp_path / "a.tif", values)
        assert "NaN" in self.reason(tmp_path / "a.tif")

    def test_random_bytes_after_a_good_header(self, tmp_path: Path) -> None:
        random = np.random.default_rng(5)
        for suffix in ("png", "jpg", "gif", "tif", "webp", "bmp"):
            path = tmp_path / f"a.{suffix}"
            saved(path, noise(64, 48))
            content = bytearray(path.read_bytes())
            for _ in range(20):
                damaged = bytearray(content)
                for place in random.integers(8, len(content), 30):
                    damaged[place] = random.integers(256)
                path.write_bytes(damaged)
                try:  # some damage still decodes; nothing but a DataError may come out
                    decode(PictureInfo(name=path.name, path=path), RGB)
                except DataError as error:
                    assert str(error)  # noqa: PT017


class TestConverted:
    def test_cmyk(self, tmp_path: Path) -> None:
        image = Image.new("CMYK", (16, 12), (0, 255, 255, 0))

        decoded = decode(saved(tmp_path / "a.jpg", image), RGB)

        assert decoded.conversions == ("CMYK turned to RGB without a colour profile",)
        np.testing.assert_allclose(pixels(decoded)[0, 0], (255, 0, 0), atol=5)

    def test_palette(self, tmp_path: Path) -> None:
        array = np.zeros((12, 16, 3), dtype=np.uint8)
        array[:, 8:] = (10, 200, 30)

        decoded = decode(saved(tmp_path / "a.png", Image.fromarray(array).quantize(4)), RGB)

        assert decoded.conversions == ("palette read as RGB",)
        np.testing.assert_array_equal(pixels(decoded), array)

    def test_transparent_palette_is_laid_on_white(self, tmp_path: Path) -> None:
        image = Image.new("P", (16, 12), 1)
        image.putpalette([0, 0, 0, 9, 9, 9])
        image.paste(0, (0, 0, 8, 12))

        decoded = decode(saved(tmp_path / "a.png", image, transparency=0), RGB)

        assert decoded.conversions == ("transparent parts laid on white",)
        assert pixels(decoded)[0, 0].tolist() == [255, 255, 255]
        assert pixels(decoded)[0, 15].tolist() == [9, 9, 9]

    @pytest.mark.parametrize(("mode", "value"), [("RGBA", (0, 0, 0, 51)), ("LA", (0, 51))])
    def test_alpha_is_laid_on_white(self, tmp_path: Path, mode: str, value: tuple[int, ...]) -> None:
        decoded = decode(saved(tmp_path / "a.png", Image.new(mode, (16, 12), value)), RGB)

        assert "transparent parts laid on white" in decoded.conversions
        assert pixels(decoded)[5, 5].tolist() == [204, 204, 204]

    def test_opaque_alpha_is_dropped(self, tmp_path: Path) -> None:
        array = noise()
        image = Image.fromarray(array).convert("RGBA")

        decoded = decode(saved(tmp_path / "a.png", image), RGB)

        assert decoded.conversions == ("fully opaque alpha channel dropped",)
        np.testing.assert_array_equal(pixels(decoded), array)

    def test_a_colour_key_is_transparent(self, tmp_path: Path) -> None:
        picture = saved(tmp_path / "a.png", Image.new("RGB", (16, 12), (1, 2, 3)), transparency=(1, 2, 3))
        assert pixels(decode(picture, RGB)).min() == 255

    def test_16_bit_grey(self, tmp_path: Path) -> None:
        values = np.full((12, 16), 257 * 77, dtype=np.uint16)
        values[0, 0], values[0, 1] = 0, 65535

        decoded = decode(saved(tmp_path / "a.png", values), GREY)

        assert decoded.conversions == ("16-bit grey divided by 257 (values 0 to 65535)",)
        assert decoded.image[0, 0, :3].tolist() == [0, 255, 77]

    def test_16_bit_colour(self, tmp_path: Path) -> None:
        row = b"\0" + struct.pack(">HHH", 0x1234, 0x5678, 0xFFFF) * 16
        (tmp_path / "a.png").write_bytes(png(16, 12, 16, 2, row * 12))

        decoded = decode(PictureInfo("a.png", tmp_path / "a.png"), RGB)

        assert decoded.conversions == ("16 bits a channel cut to 8",)
        assert pixels(decoded)[3, 3].tolist() == [0x12, 0x56, 0xFF]

    def test_one_bit(self, tmp_path: Path) -> None:
        image = Image.new("1", (16, 12), 1)

        decoded = decode(saved(tmp_path / "a.png", image), GREY)

        assert decoded.conversions == ("1-bit picture read as grey",)
        assert decoded.image.min() == 255

    @pytest.mark.parametrize(
        ("values", "word", "expected"),
        [
            (np.linspace(0, 1, 192), "times 255", 255),
            (np.linspace(0, 200, 192), "read as 8-bit", 200),
            (np.linspace(-5, 3000, 192), "stretched", 255),
        ],
    )
    def test_float_tiff(self, tmp_path: Path, values: np.ndarray, word: str, expected: int) -> None:
        array = values.reshape(12, 16).astype(np.float32)

        decoded = decode(saved(tmp_path / "a.tif", array), GREY)

        assert word in decoded.conversions[0]
        assert (int(decoded.image.min()), int(decoded.image.max())) == (0, expected)

    def test_32_bit_integers(self, tmp_path: Path) -> None:
        array = np.linspace(0, 65535, 192).reshape(12, 16).astype(np.int32)

        decoded = decode(saved(tmp_path / "a.tif", array), GREY)

        assert "divided by 257" in decoded.conversions[0]
        assert int(decoded.image.max()) == 255

    def test_animation_gives_its_first_frame(self, tmp_path: Path) -> None:
        frames = [Image.new("RGB", (16, 12), colour) for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255))]

        decoded = decode(
            saved(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:], duration=50), RGB
        )

        assert "first of 3 frames" in decoded.conversions
        assert pixels(decoded)[0, 0].tolist() == [255, 0, 0]

    def test_grey_for_a_colour_model_is_noted_and_colour_for_a_grey_model_is_as_asked(self, tmp_path: Path) -> None:
        grey = decode(saved(tmp_path / "a.png", noise()[..., 0].copy()), RGB)
        colour = decode(saved(tmp_path / "b.png", noise()), GREY)

        assert grey.conversions == ("grey repeated over three channels",)
        assert grey.image.shape == (3, 12, 16)
        assert colour.conversions == ()
        assert colour.image.shape == (1, 12, 16)


class TestOrientation:
    @pytest.mark.parametrize("orientation", range(2, 9))
    @pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
    def test_the_picture_is_shown_upright(self, tmp_path: Path, orientation: int, suffix: str) -> None:
        shown = noise()
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        options = {"lossless": True} if suffix == "webp" else {}

        decoded = decode(saved(tmp_path / f"a.{suffix}", stored(shown, orientation), exif=exif, **options), RGB)

        np.testing.assert_array_equal(pixels(decoded), shown)
        assert decoded.original_size == (12, 16)
        assert f"turned as its EXIF orientation {orientation} says" in decoded.conversions

    @pytest.mark.parametrize("orientation", [3, 6])
    def test_a_mask_of_the_stored_size_is_turned_with_its_picture(self, tmp_path: Path, orientation: int) -> None:
        shown, mask = noise(), np.zeros((12, 16), dtype=np.uint8)
        mask[:4, :5] = 1
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        picture = saved(tmp_path / "a.png", stored(shown, orientation), exif=exif)
        saved(tmp_path / "m.png", stored(mask, orientation))

        decoded = decode(PictureInfo("a.png", picture.path, mask=tmp_path / "m.png"), RGB)

        np.testing.assert_array_equal(decoded.objects, mask.astype(bool))

    def test_boxes_are_in_pixels_of_the_displayed_picture(self, tmp_path: Path) -> None:
        exif = Image.Exif()
        exif[ORIENTATION] = 6
        picture = saved(tmp_path / "a.png", stored(noise(), 6), exif=exif)

        decoded = decode(PictureInfo("a.png", picture.path, box=(1, 2, 15, 4)), RGB)

        expected = np.zeros((12, 16), dtype=bool)
        expected[2:4, 1:15] = True
        np.testing.assert_array_equal(decoded.objects, expected)

    def test_broken_exif_leaves_the_picture_readable(self, tmp_path: Path) -> None:
        picture = saved(tmp_path / "a.jpg", noise(), exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01")

        decoded = decode(picture, RGB)

        assert decoded.image.shape == (3, 12, 16)


class TestObjects:
    def test_any_value_but_zero_is_object(self, tmp_path: Path) -> None:
        mask = np.zeros((12, 16), dtype=np.uint8)
        mask[2, 3], mask[4, 5] = 1, 255
        picture = saved(tmp_path / "a.png", noise())
        saved(tmp_path / "m.png", mask)

        decoded = decode(PictureInfo("a.png", picture.path, mask=tmp_path / "m.png"), RGB)

        np.testing.assert_array_equal(decoded.objects, mask > 0)
        assert decoded.object_source == "mask"

    @pytest.mark.parametrize("mode", ["1", "P", "RGB", "RGBA", "I;16"])
    def test_masks_of_every_pixel_format(self, tmp_path: Path, mode: str) -> None:
        mask = np.zeros((12, 16), dtype=np.uint8)
        mask[3:7, 2:9] = 1
        image = Image.fromarray(mask.astype(np.uint16) * 500) if mode == "I;16" else Image.fromarray(mask * 255)
        if mode == "P":
            image = Image.fromarray(mask)
            image = image.convert("P")
            image.putpalette([0, 0, 0, 0, 0, 0])
        elif mode != "I;16":
            image = image.convert(mode)
        picture = saved(tmp_path / "a.png", noise())
        saved(tmp_path / "m.png", image)

        decoded = decode(PictureInfo("a.png", picture.path, mask=tmp_path / "m.png"), RGB)

        np.testing.assert_array_equal(decoded.objects, mask.astype(bool))

    def test_noise_in_a_jpeg_mask_is_no_object(self, tmp_path: Path) -> None:
        mask = np.zeros((48, 64), dtype=np.uint8)
        mask[20:40, 10:40] = 255
        picture = saved(tmp_path / "a.png", noise(64, 48))
        saved(tmp_path / "m.jpg", mask, quality=60)

        decoded = decode(PictureInfo("a.png", picture.path, mask=tmp_path / "m.jpg"), RGB)

        assert not decoded.objects[:3].any()
        assert "JPEG" in decoded.conversions[0]

    def test_a_mask_of_another_size_is_stretched_and_that_is_said(self, tmp_path: Path) -> None:
        mask = np.zeros((6, 8), dtype=np.uint8)
        mask[:3] = 1
        picture = saved(tmp_path / "a.png", noise())
        saved(tmp_path / "m.png", mask)

        decoded = decode(PictureInfo("a.png", picture.path, mask=tmp_path / "m.png"), RGB)

        assert decoded.conversions == ("mask of 8 × 6 stretched to 16 × 12",)
        assert decoded.objects[:6].all()
        assert not decoded.objects[6:].any()

    def test_an_unreadable_mask_leaves_the_box(self, tmp_path: Path) -> None:
        picture = saved(tmp_path / "a.png", noise())

        decoded = decode(PictureInfo("a.png", picture.path, mask=tmp_path / "m.png", box=(0, 0, 4, 4)), RGB)

        assert decoded.conversions == ("mask m.png not used: not found",)
        assert decoded.object_source == "box"

    @pytest.mark.parametrize(
        ("box", "word", "share"),
        [
            ((4, 3, 8, 6), "", 12 / 192),
            ((-5, -5, 8, 6), "clipped", 48 / 192),
            ((0, 0, 99, 99), "clipped", 1),
            ((float("nan"), 0, 4, 4), "not finite", None),
            ((0, 0, float("inf"), 4), "not finite", None),
            ((8, 3, 4, 6), "swapped", None),
            ((20, 3, 30, 6), "outside", None),
        ],
    )
    def test_boxes_are_clipped_or_reported(
        self, tmp_path: Path, box: tuple[float, ...], word: str, share: float | None
    ) -> None:
        picture = saved(tmp_path / "a.png", noise())

        decoded = decode(PictureInfo("a.png", picture.path, box=box), RGB)  # type: ignore[arg-type]

        assert word in "".join(decoded.conversions)
        assert (None if decoded.objects is None else decoded.objects.mean()) == share


class TestOwnTransform:
    def test_its_answer_is_the_input_and_masks_are_left_out(self, tmp_path: Path) -> None:
        picture = saved(tmp_path / "a.png", noise())

        decoded = decode(
            PictureInfo("a.png", picture.path, box=(0, 0, 4, 4)), RGB, transform=lambda image: torch.ones(3, 12, 16)
        )

        assert decoded.image.dtype == torch.float32
        assert decoded.objects is None
        assert "left out" in decoded.conversions[0]

    def test_inputs_of_several_sizes_are_refused(self, tmp_path: Path) -> None:
        picture = saved(tmp_path / "a.png", noise())
        with pytest.raises(ModelError, match="12 × 16 elsewhere"):
            decode(picture, RGB, transform=lambda image: torch.ones(3, 9, 9))


def stored(shown: np.ndarray, orientation: int) -> np.ndarray:
    """How a camera stores what is to be shown so. Source: EXIF 2.32, tag 274: where row 0 and column 0 are."""
    flipped = {
        2: shown[:, ::-1],
        3: shown[::-1, ::-1],
        4: shown[::-1],
        5: np.swapaxes(shown, 0, 1),
        6: np.rot90(shown, 1),
        7: np.swapaxes(shown[::-1, ::-1], 0, 1),
        8: np.rot90(shown, -1),
    }
    return np.ascontiguousarray(flipped[orientation])


def test_truncated_pictures_are_refused_after_a_report_was_rendered(tmp_path: Path) -> None:
    import weasyprint  # noqa: F401 - it tells Pillow to accept half pictures

    path = tmp_path / "half.png"
    Image.effect_noise((64, 48), 50).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    preprocessing = Preprocessing(12, 16, "squash", 1.0, (0.0,) * 3, (1.0,) * 3)

    with pytest.raises(DataError):
        decode(PictureInfo("half.png", path), preprocessing)
