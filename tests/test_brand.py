"""A logo can only be seen, and an accent can be read."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from auditor.brand import LogoError, accent_problem, contrast, read_logo, readable

OPEN = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 40 20">'
HOSTILE = {
    "script": "<script>fetch('https://example.org')</script>",
    "handler": '<rect width="4" height="4" onload="alert(1)" onclick="alert(1)"/>',
    "picture": '<image href="https://example.org/spy.png" xlink:href="file:///etc/passwd" width="4" height="4"/>',
    "html": '<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"><img src="x"/></body></foreignObject>',
    "style": "<style>@import url(https://example.org/a.css);</style>",
    "style-attribute": '<rect style="fill:url(https://example.org/#a)" width="4" height="4"/>',
    "escaped": '<rect fill="u\\72l(https://example.org/)" width="4" height="4"/>',
    "link": '<a href="javascript:alert(1)"><rect width="4" height="4"/></a>',
    "animation": '<rect width="4" height="4"><set attributeName="href" to="javascript:alert(1)"/></rect>',
    "nested": '<g id="a"><rect width="1" height="1"/></g><use href="#a"/><use href="#a"/>',
    "circle": '<linearGradient id="p" href="#q"/><linearGradient id="q" href="#p"/>',
    "instruction": '<?xml-stylesheet href="https://example.org/a.css"?>',
}


def svg(tmp_path: Path, body: str, opening: str = OPEN) -> Path:
    file = tmp_path / "logo.svg"
    file.write_text(f"{opening}{body}</svg>", encoding="utf-8")
    return file


@pytest.mark.parametrize("attack", HOSTILE.values(), ids=HOSTILE)
def test_what_could_act_or_reach_out_is_taken_from_a_logo(tmp_path: Path, attack: str) -> None:
    data, suffix = read_logo(svg(tmp_path, f'<path d="M0 0h9v9z" fill="#123456"/>{attack}'))

    text = data.decode()
    assert suffix == ".svg"
    assert 'd="M0 0h9v9z"' in text
    for word in ("example.org", "script", "alert", "onload", "href", "passwd", "<use", "style", "foreignObject"):
        assert word not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")


def test_shapes_colours_and_gradients_of_a_logo_stay(tmp_path: Path) -> None:
    body = (
        '<defs><linearGradient id="a"><stop offset="0" style="stop-color:#ff0000"/></linearGradient>'
        '<linearGradient id="b" xlink:href="#a" x1="0"/></defs><rect width="9" height="9" fill="url(#b)"/>'
    )

    text = read_logo(svg(tmp_path, body))[0].decode()

    for kept in ('stop-color="#ff0000"', 'href="#a"', 'fill="url(#b)"', 'viewBox="0 0 40 20"', 'width="40"'):
        assert kept in text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("<!DOCTYPE svg [<!ENTITY a 'b'>]><svg xmlns='http://www.w3.org/2000/svg'>&a;</svg>", "document type"),
        ("<svg xmlns='http://www.w3.org/2000/svg'", "well-formed"),
        ("<html/>", "not SVG"),
        (f"{OPEN}<script>1</script></svg>", "nothing that can be drawn"),
        ("<svg xmlns='http://www.w3.org/2000/svg'><rect/></svg>", "viewBox"),
    ],
)
def test_what_is_no_logo_is_refused_in_words(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "logo.svg").write_text(text)

    with pytest.raises(LogoError, match=why):
        read_logo(tmp_path / "logo.svg")


def test_pixels_are_drawn_anew_without_metadata_and_what_follows_them(tmp_path: Path) -> None:
    picture, out = Image.new("RGB", (1600, 400), "#336699"), io.BytesIO()
    picture.save(out, "JPEG", comment=b"secret", exif=b"Exif\0\0secret")
    (tmp_path / "logo.jpg").write_bytes(out.getvalue() + b"<script>secret</script>")

    data, suffix = read_logo(tmp_path / "logo.jpg")

    assert suffix == ".png"
    assert b"secret" not in data
    assert Image.open(io.BytesIO(data)).size == (800, 200)


@pytest.mark.parametrize(("name", "why"), [("logo.gif", "is .svg"), ("logo.png", "not a whole"), ("none.svg", "read")])
def test_other_files_are_refused_in_words(tmp_path: Path, name: str, why: str) -> None:
    for there in ("logo.gif", "logo.png"):
        (tmp_path / there).write_bytes(b"GIF89a")

    with pytest.raises(LogoError, match=why):
        read_logo(tmp_path / name)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("colour", ["#ffcc00", "#7fbcea", "#ffffff", "#00ff00"])
def test_a_pale_accent_is_refused_with_a_shade_that_can_be_read(colour: str) -> None:
    problem = accent_problem(colour)

    shade = readable(colour)
    assert shade in problem
    assert not accent_problem(shade)


def test_an_accent_is_lightened_for_dark_paper() -> None:
    light = readable("#1f4e8c", (21, 24, 28))

    assert contrast((int(light[1:3], 16), int(light[3:5], 16), int(light[5:7], 16)), (21, 24, 28)) >= 4.5
