"""Payloads that attack whatever renders them, put into every text of an audit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

from auditor.records import Audit

DONE = "window.owned=1"
"""What a script would do."""
PAYLOADS = {
    "script": f"<script>{DONE}</script>",
    "handler": f'"><img src=x onerror="{DONE}">',
    "attribute": f"' onmouseover='{DONE}' autofocus onfocus='{DONE}' x='",
    "endings": f"</style></title></textarea></template></script><script>{DONE}</script>",
    "comment": f"--><!-- <script>{DONE}</script> <!--",
    "data of the page": f"</script><script>{DONE}</script><!--",
    "vector": f"<svg onload={DONE}><use href='https://evil.example/a.svg#b'/></svg>",
    "frame": f"<iframe src='https://evil.example/' srcdoc='<script>parent.{DONE}</script>'></iframe>",
    "object": "<object data='file:///etc/passwd'></object><embed src='file:///etc/passwd'>",
    "link": "<link rel=stylesheet href='https://evil.example/a.css'><a href='https://evil.example/'>x</a>",
    "refresh": "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "base": "<base href='https://evil.example/'>",
    "form": "<form action='https://evil.example/'><input name=q autofocus></form>",
    "javascript": f"javascript:{DONE}",
    "data": f"data:text/html,<script>{DONE}</script>",
    "file": "file:///etc/passwd",
    "url": "url(https://evil.example/a.png)",
    "import": "@import 'https://evil.example/a.css';",
    "expression": f"width:expression({DONE});-moz-binding:url(https://evil.example/a.xml)",
    "style": "}</style><style>*{background:url(https://evil.example/a.png)}</style>",
    "style attribute": '" style="background:url(https://evil.example/a.png)',
    "entity": "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>",
    "cdata": f"]]><![CDATA[<script>{DONE}</script>]]>",
    "markdown": "[x](javascript:1) ![y](https://evil.example/a.png) <https://evil.example>",
    "direction": "\u202egnp.exe\u2066\u200f",
    "controls": "a\x00b\x08\x1b[31mc",
    "lines": "a\r\nb\u2028c\u0085d",
    "long word": "W" * 2000,
    "template": "{{ 7*7 }}{% for x in ().__class__.__bases__ %}{{ x }}{% endfor %}{# #}",
    "format": "{x} {0.__class__} {} %(x)s %s %n ${x} $(x)",
}
_FREE = """
    title purpose owner organisation reasons sentence recommendation caption alt reading rule why image label predicted
    class notes what control limit rationale reason part classes layer_notes role comment remarks architecture also
    statement approver ticket"""
FREE = frozenset(_FREE.split())
"""Keys whose values people write, or take from the names of their files."""


def attacked(audit: Audit, folder: Path) -> Audit:
    """The audit with a payload in each such text, one after the other, and all of them in its spec.

    Args:
        folder: Its run folder, whose spec is changed.
    """
    content = audit.model_dump(mode="json", by_alias=True)
    options = {**content["report_options"], "classification": "", "footer": ""}
    changed = _changed({**content, "report_options": options}, cycle(PAYLOADS.values()), free=False)
    payload = "; ".join(PAYLOADS.values())
    changed["model"]["name"] = changed["sample"]["path"] = payload[:400]
    changed["sample"]["per_class"] = dict.fromkeys(PAYLOADS.values(), 3)
    changed["sample"]["per_group"] = {payload: dict.fromkeys(PAYLOADS.values(), 3)}
    spec = "".join(f"# {line}\n" for line in PAYLOADS.values()).encode()
    (folder / audit.spec_file).write_bytes(spec)
    changed["spec_sha256"] = hashlib.sha256(spec).hexdigest()
    return Audit.model_validate(changed)


def _changed(value: Any, payloads: Iterator[str], *, free: bool) -> Any:
    if isinstance(value, str):
        return f"{value} {next(payloads)}" if free else value
    if isinstance(value, list):
        return [_changed(item, payloads, free=free) for item in value]
    if isinstance(value, dict):
        return {key: _changed(item, payloads, free=key in FREE) for key, item in value.items()}
    return value
