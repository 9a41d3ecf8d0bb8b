"""Which template a report is rendered with, and the folders that its files are looked for in, one by one.

A user's folder wins over the shipped template that its file `base` names (without one: `default`), and that one over
`default`. Files of a shipped template can also be named with it, such as "default/report.html.j2" to extend.
"""

from __future__ import annotations

import re
from pathlib import Path

from auditor.errors import RenderError
from auditor.languages import DEFAULT as ENGLISH
from auditor.languages import Language, codes
from auditor.records import Audit
from auditor.registry import unknown_name
from auditor.reports import RenderOptions
from auditor.shipped import BASE, DEFAULT, shipped_folder, template_base, template_names


def options_for(
    template: str, beside: Path, *, language: str = ENGLISH, images: bool = True, max_size: int | None = None
) -> RenderOptions:
    """How to render with a template that is named as in a spec: a shipped name, or else a folder's path.

    Args:
        beside: Where relative paths start.
        language, images, max_size: See `RenderOptions`.

    Raises:
        LanguageError: There is no such language.
        RenderError: Neither is there, with a suggestion; or the folder's base is no shipped template.
    """
    Language.of(language)
    if template in template_names():
        return RenderOptions(template, language=language, images=images, max_size=max_size)
    own = beside / template
    if not own.is_dir():
        raise RenderError(unknown_name("template", template, template_names()) + ", nor is it a folder's path")
    return RenderOptions(based_on(own), own, language=language, images=images, max_size=max_size)


def as_made(audit: Audit, *, language: str | None = None, images: bool = True) -> RenderOptions:
    """How to render again: with the shipped template and the size that the audit was made with, else with `default`.

    In the language that it was made in, where none is named.

    A folder of somebody's own is recorded by its path beside the spec, which is not known here.
    """
    made_with = str(audit.report_options.get("template") or DEFAULT)
    language = made_in(audit) if language is None else Language.of(language).code
    most = audit.report_options.get("max_size")
    return RenderOptions(
        made_with if made_with in template_names() else DEFAULT,
        language=language,
        images=images,
        max_size=most if isinstance(most, int) and most > 0 else None,
    )


def made_in(audit: Audit) -> str:
    """The language that the audit was made in; English where there is no catalogue for it here."""
    language = str(audit.report_options.get("language") or ENGLISH)
    return language if language in codes() else ENGLISH


def based_on(folder: Path) -> str:
    """The shipped template that fills the gaps of a user's folder.

    Raises:
        RenderError: It names one that does not exist, with a suggestion.
    """
    name = template_base(folder)
    if name not in template_names():
        raise RenderError(f"{folder / BASE}: {unknown_name('template', name, template_names())}")
    return name


def template_folders(options: RenderOptions) -> list[Path]:
    """The user's folder, if any, then the shipped template, then `default`.

    Raises:
        RenderError: One of them does not exist.
    """
    if options.template not in template_names():
        raise RenderError(unknown_name("template", options.template, template_names()))
    if options.templates is not None and not options.templates.is_dir():
        raise RenderError(f"{options.templates}: no such template folder")
    own = [options.templates] if options.templates is not None else []
    shipped = dict.fromkeys((options.template, DEFAULT))
    return [*own, *(shipped_folder("templates") / name for name in shipped)]


def summaries() -> dict[str, str]:
    """Each shipped template with what it is for: the comment that its page begins with."""
    words = {}
    for name in template_names():
        text = (shipped_folder("templates") / name / "report.html.j2").read_text(encoding="utf-8")
        found = re.match(r"\{#(.+?)#\}", text, re.DOTALL)
        words[name] = " ".join(found.group(1).split()) if found else ""
    return words
