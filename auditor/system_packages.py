"""System libraries that pip cannot install: found, or named with the Debian package that holds them."""

from __future__ import annotations

import ctypes.util
import shutil
import subprocess

# not harfbuzz-subset, which subsets fonts faster: WeasyPrint does without it, and Ubuntu 22.04 has no package of it
_PANGO = ("pango-1.0", "pangoft2-1.0")
PANGO_PACKAGES = "libpango-1.0-0 libpangoft2-1.0-0"
CJK_PACKAGE = "fonts-noto-cjk"


def missing_pango() -> str | None:
    """What is missing for the PDF and how to install it; None when all is there."""
    missing = [name for name in _PANGO if ctypes.util.find_library(name) is None]
    if not missing:
        return None
    return f"missing ({', '.join(missing)}): apt-get install {PANGO_PACKAGES}"


def missing_cjk_font() -> str | None:
    """What to install so that Chinese, Japanese and Korean names are not drawn as boxes; None when a font is there."""
    program = shutil.which("fc-list")
    if program is None:
        return "cannot tell: fontconfig is missing (apt-get install fontconfig)"
    found = subprocess.run([program, ":lang=zh", "family"], capture_output=True, text=True, check=False).stdout
    return None if found.strip() else f"missing: apt-get install {CJK_PACKAGE}"


if __name__ == "__main__":
    import sys

    wanted = {"Pango": missing_pango()} | ({"Chinese fonts": missing_cjk_font()} if "--fonts" in sys.argv else {})
    sys.exit("\n".join(f"{name} {missing}" for name, missing in wanted.items() if missing) or None)
