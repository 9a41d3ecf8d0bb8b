"""Where the shipped templates and audit specs are: inside an installed wheel, or beside the package in a checkout."""

from __future__ import annotations

from pathlib import Path

BASE = "base"
"""File of a user's template folder that names the shipped template which fills its gaps."""
DEFAULT = "default"
_PACKAGE = Path(__file__).resolve().parent


def shipped_folder(name: str) -> Path:
    """The folder `templates` or `audit_specs`.

    Raises:
        FileNotFoundError: The installation is broken.
    """
    for candidate in (_PACKAGE / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"auditor is installed without its {name} folder; install it again")


def template_names() -> tuple[str, ...]:
    """The templates that reports can be rendered with, sorted."""
    return tuple(sorted(page.parent.name for page in shipped_folder("templates").glob("*/report.html.j2")))


def template_base(folder: Path) -> str:
    """The template that a user's folder stands on, as its file `base` names it: not checked to be one of ours."""
    file = folder / BASE
    return file.read_text(encoding="utf-8", errors="replace").strip()[:60] if file.is_file() else DEFAULT
