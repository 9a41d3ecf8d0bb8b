"""Pictures of any pixel format as 8-bit grey or RGB, saying what was done."""

from __future__ import annotations

import numpy as np
from PIL import Image

from auditor.errors import DataError


def eight_bit(image: Image.Image) -> tuple[Image.Image, list[str]]:
    """Turn a loaded picture into 8-bit grey or RGB.

    Args:
        image: Any mode that Pillow reads.

    Returns:
        The picture in mode "L" or "RGB", and what was done in words; nothing for pictures that were so already.

    Raises:
        DataError: The mode cannot be converted, or values are NaN or infinite.
    """
    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return image, []
    if "transparency" in image.info or image.mode in ("LA", "La", "RGBA", "RGBa", "PA"):
        return _on_white(image)
    if image.mode == "1":
        return image.convert("L"), ["1-bit picture read as grey"]
    if image.mode == "P":
        return image.convert("RGB"), ["palette read as RGB"]
    if image.mode.startswith("I;16"):
        return _from_16_bit(np.asarray(image))
    if image.mode in ("I", "F"):
        return _from_numbers(np.asarray(image), image.mode)
    try:
        return image.convert("RGB"), [f"{image.mode} turned to RGB without a colour profile"]
    except ValueError as error:
        raise DataError(f"its pixel format {image.mode} cannot be turned to RGB") from error


def to_channels(image: Image.Image, *, grey: bool) -> tuple[Image.Image, list[str]]:
    """Give the picture the model's channels: mode "L" or "RGB".

    Colour for a grey model is not noted, as the spec asks for it in as many words; luma of ITU-R BT.601.
    """
    if grey:
        return image.convert("L"), []
    if image.mode == "L":
        return image.convert("RGB"), ["grey repeated over three channels"]
    return image, []


def _on_white(image: Image.Image) -> tuple[Image.Image, list[str]]:
    grey = image.mode in ("L", "LA", "La")
    layered = image.convert("RGBA")
    lowest = layered.getchannel("A").getextrema()[0]
    if lowest == 255:
        return layered.convert("L" if grey else "RGB"), ["fully opaque alpha channel dropped"]
    white = Image.new("RGBA", layered.size, (255, 255, 255, 255))
    white.alpha_composite(layered)
    return white.convert("L" if grey else "RGB"), ["transparent parts laid on white"]


def _from_16_bit(values: np.ndarray) -> tuple[Image.Image, list[str]]:
    span = f"values {int(values.min())} to {int(values.max())}"
    return _picture(values.astype(np.float64) / 257), [f"16-bit grey divided by 257 ({span})"]


def _from_numbers(values: np.ndarray, mode: str) -> tuple[Image.Image, list[str]]:
    """32-bit integers and floats: on a usual scale where they fit one, else stretched from lowest to highest."""
    if not np.isfinite(values).all():
        raise DataError("it holds values that are NaN or infinite")
    low, high = float(values.min()), float(values.max())
    kind = "32-bit integers" if mode == "I" else "floating-point values"
    span = f"{kind} {low:g} to {high:g}"
    values = values.astype(np.float64)
    if mode == "F" and low >= 0 and high <= 1:
        return _picture(values * 255), [f"{span} times 255"]
    if low >= 0 and high <= 255:
        return _picture(values), [f"{span} read as 8-bit grey"]
    if mode == "I" and low >= 0 and high <= 65535:
        return _picture(values / 257), [f"{span} divided by 257, as 16-bit grey"]
    return _picture((values - low) / max(high - low, 1e-12) * 255), [f"{span} stretched to 0 to 255"]


def _picture(values: np.ndarray) -> Image.Image:
    return Image.fromarray(np.rint(values).clip(0, 255).astype(np.uint8))
