"""Turns a view into one HTML page: templates, style sheets and typefaces, a user's folder winning file by file."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from types import CodeType
from typing import Any

from jinja2 import (
    BaseLoader,
    BytecodeCache,
    ChoiceLoader,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
)
from jinja2.bccache import Bucket
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from auditor.errors import RenderError
from auditor.languages import say, speaking
from auditor.reports import RenderOptions
from auditor.reports._brand import ACCENT, Brand
from auditor.reports._pictures import Embed
from auditor.reports._speech import teach
from auditor.reports._templates import template_folders
from auditor.reports._view import ReportView
from auditor.shipped import shipped_folder, template_names

PAGE = "report.html.j2"
SHEETS = {
    "screen": ("style.css", "figures.css", "screen.css", "interactive.css", "template.css"),
    "print": ("style.css", "figures.css", "print.css", "running.css", "template.css"),
    "part": ("style.css", "figures.css", "print.css", "template.css"),
    "notebook": ("figures.css", "notebook.css"),
    "site": ("style.css", "screen.css", "interactive.css", "site.css"),
}
"""Style sheets by medium; a part of a report gets its running header and page numbers when all parts are there.
What sets a template apart from `default` is in template.css, what a language needs in a sheet of its code, if any."""
SCRIPTS = {("report.html.j2", "screen"): "report.js", ("site.html.j2", "site"): "site.js"}
"""The script of a template in a medium; other pages have none."""
FONT_TYPES = {".woff2": "font/woff2", ".ttf": "font/ttf", ".otf": "font/otf"}
LAST = "template.css"
"""Comes behind a language's sheet."""
_SAID = re.compile(r"say\(\"([^\"\n]+)\"\)")
_ADDRESS = re.compile(r"""url\(\s*["']?([^"')]+)["']?\s*\)""")
_PARTED = re.compile(r" (?:(?<=\d )(?=(?:%|px|s|MiB|MB)(?!\w)|[年月日])|(?<=\b[nqp] )(?=[=≤≥<])|(?<=[=≤≥] )(?=[\d.−]))")
"""Spaces at which no line ends: '91 %', 'n = 64', '≥ 0.25'. It begins with the space, which is found fast: the address
of a picture has half a million letters and none."""
_INTERVAL = re.compile(r"(?<=[\d%])(?: to |～)(?=[−\d])")
_UNBROKEN = {" to ": "\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}", "～": "\N{WORD JOINER}～\N{WORD JOINER}"}
"""What stands between the ends of an interval, and how no line ends at it."""
_LAYER = re.compile(r"(?<!\S)([^\W\d]\w*(?:\.\w+)*\.\d[\w.]{0,24})(?!\S*/)")
"""Names with a number behind a point, at which lines would be broken: 'layers.4.conv1'."""


class _Compiled(BytecodeCache):
    """What templates were compiled to in this process: a report in several formats or parts compiles each once.

    Only for environments that are set up alike, as all of `render_page` are.
    """

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


def page(view: ReportView, options: RenderOptions, embed: Embed, *, media: str) -> str:
    """The report as one HTML page; see `render_page`."""
    context = {"report": view, "media": media}
    return render_page(PAGE, context, options, embed, media=media, brand=view.brand)


def render_page(
    template: str, context: Mapping[str, Any], options: RenderOptions, embed: Embed, *, media: str, brand: Brand | None
) -> str:
    """One HTML page from a template of the folder.

    The template speaks the language that is spoken, and gets its tag as `language`. It gets its style sheets as
    `style`, its script as `script`, and as `policy` a content security policy that lets these two in, letter by
    letter, and nothing else: it prints them as `<style>{{ style }}</style>`.

    Args:
        template: File name in the template folder.
        context: What the template prints.
        options: Whose templates are used.
        embed: Gives each typeface its address on the page.
        media: "screen", "print" or "part": which style sheets go with it.
        brand: Whose colour is used; None takes ours.

    Raises:
        RenderError: No such template, or one that cannot be rendered; names file and line.
    """
    folders = template_folders(options)
    environment = ImmutableSandboxedEnvironment(
        loader=_loader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_held_on_paper if media in ("print", "part") else _held,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        bytecode_cache=_COMPILED,
    )
    language = speaking()
    teach(environment)
    environment.filters["whole"] = whole
    packed = media not in ("print", "part")
    style = stylesheet(folders, SHEETS[media], embed, packed=packed) + _colours(brand, dark=media in ("screen", "site"))
    name = SCRIPTS.get((template, media))
    script = "" if name is None else _find(folders, name).read_text(encoding="utf-8")
    try:
        # Markup: style sheets and script come from template folders, never from the audit
        own = {
            "language": language.tag,
            "style": Markup(style),
            "script": Markup(script),
            "policy": policy(style, script, name or ""),
        }
        return environment.get_template(template).render(**context, **own)
    except TemplateSyntaxError as error:
        raise RenderError(f"{error.filename or error.name}:{error.lineno}: {error.message}") from error
    except TemplateError as error:
        raise RenderError(f"{_place(error, folders)}: {error.message or type(error).__name__}") from error


def _held(value: Any) -> Any:
    """A line of text whose numbers no end of a line parts from their unit or sign; all else as it is.

    What has several lines is no sentence: the style sheet, the script, the spec's own words, what was printed before.
    """
    if not isinstance(value, str) or " " not in value or "\n" in value:
        return value
    held = _PARTED.sub("\N{NO-BREAK SPACE}", value)
    return Markup(held) if isinstance(value, Markup) else held


def _held_on_paper(value: Any) -> Any:
    """The same with intervals whole, which narrow columns would part: on screen such columns can be scrolled."""
    held = _held(value)
    if not isinstance(held, str) or not (" to " in held or "～" in held) or "\n" in held:
        return held
    kept = _INTERVAL.sub(lambda found: _UNBROKEN[found.group()], held)
    return Markup(kept) if isinstance(held, Markup) else kept


def whole(text: str) -> Markup:
    """A line of text in which names of layers stay whole at the end of a line."""
    parts = _LAYER.split(str(_held(text)))
    span = Markup('<span class="nowrap">{}</span>')
    return Markup("").join(span.format(part) if index % 2 else part for index, part in enumerate(parts))


def policy(style: str, script: str, script_name: str) -> str:
    """The content security policy of a page that holds all it shows: pictures and typefaces inside, nothing fetched.

    Style attributes are let in, since they place what was measured; browsers that cannot tell them from style sheets
    fall back to `style-src`.

    Raises:
        RenderError: Style or script would end their own element.
    """
    for name, text in (("style sheet", style), (script_name, script)):
        if re.search(r"</(style|script)|<!--", text, re.IGNORECASE):
            raise RenderError(f"{name}: holds '</style', '</script' or '<!--', which would break the page")
    rules = [
        "default-src 'none'",
        "img-src data:",
        "font-src data:",
        "style-src 'unsafe-inline'",
        f"style-src-elem {_digest(style)}",
        "style-src-attr 'unsafe-inline'",
        *([f"script-src {_digest(script)}"] if script else []),
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join(rules)


def _digest(text: str) -> str:
    # a browser reads every line ending as \n before it compares
    read = text.replace("\r\n", "\n").replace("\r", "\n")
    return f"'sha256-{b64encode(hashlib.sha256(read.encode('utf-8')).digest()).decode('ascii')}'"


def _colours(brand: Brand | None, *, dark: bool) -> str:
    """The accent on white and, on pages for screens, where the reader prefers it dark."""
    if brand is None:
        return f":root{{--accent:{ACCENT}}}\n"
    light = f":root{{--accent:{brand.accent}}}\n"
    if not dark:
        return light
    accent = f"{{--accent:{brand.accent_dark}}}"
    return light + (
        f'@media screen and (prefers-color-scheme: dark){{:root:not([data-theme="light"]) body.screen{accent}}}\n'
        f'@media screen{{:root[data-theme="dark"] body.screen{accent}}}\n'
    )


def stylesheet(folders: list[Path], names: tuple[str, ...], embed: Embed, *, packed: bool) -> str:
    """Style sheets one after the other, every typeface embedded, in the language that is spoken.

    Where they say something, as in `content: say("Page {page} of {pages}")`, the catalogue has it.

    Args:
        packed: Typefaces as they are named; otherwise the .ttf beside a .woff2, where there is one: a PDF embeds what
            it needs of it either way, and unpacking takes a tenth of the time that the PDF takes.

    Raises:
        RenderError: A file is missing, or a sheet reaches for anything but a typeface in the template folder.
    """
    sheets = [_find(folders, name) for name in names]
    own = _found(folders, f"{speaking().code}.css")
    if own is not None:
        sheets.insert(-1 if names[-1] == LAST else len(sheets), own)
    css = "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    css = _SAID.sub(lambda found: _content(say(found.group(1))), css)

    def embedded(found: re.Match[str]) -> str:
        name = found.group(1)
        kind = FONT_TYPES.get(Path(name).suffix)
        if kind is None or not name.startswith("fonts/") or ".." in name:
            raise RenderError(f"style sheet: url({name}) is neither a typeface nor in fonts/; nothing else is loaded")
        file = _find(folders, name)
        if not packed and file.suffix == ".woff2" and (plain := file.with_suffix(".ttf")).is_file():
            name, file, kind = name.removesuffix(".woff2") + ".ttf", plain, FONT_TYPES[".ttf"]
        return f'url("{embed(name, file.read_bytes(), kind)}")'

    return _ADDRESS.sub(embedded, css)


def _loader(folders: list[Path]) -> BaseLoader:
    """Finds "sections/x.html.j2" in the first folder that has it, and "default/sections/x.html.j2" where it says."""
    shipped = {name: FileSystemLoader(shipped_folder("templates") / name) for name in template_names()}
    return ChoiceLoader([*(FileSystemLoader(folder) for folder in folders), PrefixLoader(shipped)])


def _content(words: str) -> str:
    """A value of `content`: strings, and counters where the words have gaps for them."""
    parts = re.split(r"\{(page|pages)\}", words)
    strings = ('"' + part.replace("\\", r"\\").replace('"', r"\"") + '"' if part else "" for part in parts[::2])
    counters = [f"counter({name})" for name in parts[1::2]]
    return " ".join(filter(None, (item for pair in zip_longest(strings, counters) for item in pair)))


def _find(folders: list[Path], name: str) -> Path:
    found = _found(folders, name)
    if found is not None:
        return found
    raise RenderError(f"{name}: in none of the template folders ({', '.join(str(folder) for folder in folders)})")


def _found(folders: list[Path], name: str) -> Path | None:
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def _place(error: TemplateError, folders: list[Path]) -> str:
    """The innermost template line in the error's trace."""
    place = PAGE
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if any(Path(file).is_relative_to(folder) for folder in folders):
            place = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
