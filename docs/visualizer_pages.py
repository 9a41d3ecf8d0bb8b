"""Writes docs/visualizers/*.md, one page a visualizer, from what its file says: `python -m docs.visualizer_pages`."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

from auditor.media import Medium
from auditor.registry import load, names
from auditor.visualizers import MapVisualizer, Need, NetworkVisualizer, ProfileVisualizer, Visualizer

__all__ = ["FOLDER", "pages"]

FOLDER = Path(__file__).resolve().parent / "visualizers"
SIDE = 224
"""Forwards are quoted for inputs of so many pixels a side."""
LAYERS = 2
"""Target layers that forwards are quoted for."""
PRESETS = ("quick", "standard", "full")
FROM_THE_PASS = {
    Need.ACTIVATIONS: "the layer's output",
    Need.LAYER_GRADIENTS: "the gradient of the class score at the layer",
    Need.INPUT_GRADIENTS: "the gradient of the class score at the input",
}


def pages() -> dict[str, str]:
    """File name → text, of every visualizer and of the list of them."""
    parts = {name: _visualizer(name) for name in names("visualizers")}
    return {
        **{f"{name}.md": _page(name, part) for name, part in parts.items()},
        "README.md": _list(parts),
    }


def _visualizer(name: str) -> type[Visualizer]:
    part = load("visualizers", name)
    assert issubclass(part, Visualizer)
    return part


def _page(name: str, part: type[Visualizer]) -> str:
    first, *rest = (inspect.getdoc(part) or "").split("\n\n")
    title, shows = first.split(": ", 1) if ": " in first else (name, first)
    source = [text for text in rest if text.startswith("Source:")]
    body = [text for text in rest if not text.startswith("Source:")]
    sections = [
        f"# {title}",
        f"`{name}` · presets: {_presets(part)} · of {_media(part)}",
        "## What it shows, and what it cannot",
        shows[:1].upper() + shows[1:],
        *body,
        "## How to read it",
        part.reading,
        "## What it costs",
        _cost(part),
        *_options(part),
        "## Source",
        *(text.removeprefix("Source:").strip() for text in source),
    ]
    return "\n\n".join(sections) + "\n"


def _cost(part: type[Visualizer]) -> str:
    if issubclass(part, NetworkVisualizer | ProfileVisualizer):
        return "Nothing for each image: it reads the weights alone."
    found = {preset: part(**part.budgets[preset]) for preset in PRESETS if preset in part.budgets} or {"": part()}
    forwards = {preset: one.forwards(SIDE, SIDE) for preset, one in found.items()}
    captured = [words for need, words in FROM_THE_PASS.items() if need in part.needs]
    where = " for each target layer" if part.per_layer else ""
    shared = f"From the shared pass it takes {' and '.join(captured)}. " if captured else ""
    once = {preset: one.forwards_in_all(LAYERS, SIDE, SIDE) for preset, one in found.items()}
    if any(once.values()):
        amounts = ", ".join(f"{count:,}{f' in {preset}' if preset else ''}" for preset, count in once.items())
        shared += (
            f"At most so many forwards for the whole audit ({LAYERS} target layers, {SIDE}×{SIDE} pixels): {amounts}. "
        )
    if not any(forwards.values()):
        return (
            f"{shared}No forward of its own for each image."
            if any(once.values())
            else f"{shared}No forward of its own."
        )
    amounts = ", ".join(f"{count}{f' in {preset}' if preset else ''}" for preset, count in forwards.items())
    return f"{shared}At most so many forwards an image{where} ({SIDE}×{SIDE} pixels): {amounts}."


def _options(part: type[Visualizer]) -> list[str]:
    shared = MapVisualizer.model_fields if issubclass(part, MapVisualizer) else Visualizer.model_fields
    own = {option: field for option, field in part.model_fields.items() if option not in shared}
    if not own:
        return []
    rows = ["| option | default | meaning |", "|---|---|---|"]
    for option, field in own.items():
        default = "required" if field.is_required() else f"`{json.dumps(field.get_default(), default=str)}`"
        rows.append(f"| `{option}` | {default} | {field.description} |")
    changed = [
        f"`{preset}` sets {', '.join(f'`{option}: {value}`' for option, value in part.budgets[preset].items())}."
        for preset in PRESETS
        if part.budgets.get(preset)
    ]
    return ["## Options", "\n".join(rows), *([" ".join(changed)] if changed else [])]


def _presets(part: type[Visualizer]) -> str:
    return ", ".join(preset for preset in PRESETS if preset in part.budgets) or "none, name it to have it"


def _media(part: type[Visualizer]) -> str:
    return ", ".join(medium.several for medium in Medium if medium in part.media)


def _list(parts: dict[str, type[Visualizer]]) -> str:
    rows = [
        f"| [{name}]({name}.md) | {_presets(part)} | {_media(part)} | {part.summary()} |"
        for name, part in parts.items()
    ]
    head = [
        "# Visualizers",
        "",
        "Written by `python -m docs.visualizer_pages` from the files in auditor/visualizers.",
        "",
        "All maps also take these options; [targets](../targets.md) says more:",
        "",
        "| option | default | meaning |",
        "|---|---|---|",
        *(
            f"| `{option}` | `{field.get_default()}` | {field.description} |"
            for option, field in MapVisualizer.model_fields.items()
        ),
        "",
    ]
    return "\n".join([*head, "| name | presets | of | what it shows |", "|---|---|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.md"):
        old.unlink()
    for file, text in pages().items():
        (FOLDER / file).write_text(text, encoding="utf-8")
