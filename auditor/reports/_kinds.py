"""Kinds of checks in words: what they are called, what they mean, and where in the picture their cue lies."""

from __future__ import annotations

import re
from collections.abc import Mapping

from auditor.languages import noted, say, say_in
from auditor.records import Check
from auditor.reports._words import plain

KINDS: Mapping[str, str] = {
    "border": noted("Border"),
    "corner": noted("Corner"),
    "region": noted("Region"),
    "overlay": noted("Overlay"),
    "background": noted("Background"),
    "colour": noted("Colour cast"),
    "sharpness": noted("Sharpness and compression"),
    "texture": noted("Texture"),
    "group": noted("Group"),
    "cluster": noted("Cluster of strategies"),
    "corruption": noted("Corruption"),
    "custom": noted("Own check"),
}

MEANS: Mapping[str, str] = {
    "border": noted(
        "What the rim looks like can decide the class, whatever the object is. Accuracy measured on data with the same "
        "rims overstates accuracy on data from elsewhere."
    ),
    "corner": noted(
        "A mark in this corner can decide the class, whatever the object is. Accuracy measured on data with the same "
        "marks overstates accuracy on data from elsewhere."
    ),
    "overlay": noted(
        "Burned-in marks can decide the class, whatever the object is. Anyone who adds or removes the mark changes "
        "the answer."
    ),
    "region": noted("This part of the picture can decide the class although the object is not there."),
    "background": noted(
        "Where the object stands can decide the class. Objects in unusual places will be misread more often than the "
        "accuracy suggests."
    ),
    "colour": noted(
        "The tint of a picture can decide the class. Another camera, lamp or scanner may change the answer."
    ),
    "sharpness": noted(
        "Sharpness or compression can decide the class. Another lens or export setting may change the answer."
    ),
    "texture": noted("Surface texture can decide the class more than shape does."),
    "group": noted("The model serves one group worse than the others by more than chance."),
    "cluster": noted(
        "Within a class, some pictures are decided by another place than the rest: two rules pass as one. Pictures "
        "that lack the cue, or carry it by chance, will be misread."
    ),
    "corruption": noted("Noisy, blurred or compressed pictures in use are answered less well than the accuracy says."),
    "custom": noted("What the transform changes can decide the class, whatever the object is."),
}
ANY_KIND = noted("The cue can decide the class, whatever the object is.")

CORNERS: Mapping[str, str] = {
    "top-left": noted("Top-left corner"),
    "top-right": noted("Top-right corner"),
    "bottom-left": noted("Bottom-left corner"),
    "bottom-right": noted("Bottom-right corner"),
}
PLACES: Mapping[str, str] = {
    "top-left": noted("top left"),
    "top-right": noted("top right"),
    "bottom-left": noted("bottom left"),
    "bottom-right": noted("bottom right"),
    "top": noted("top"),
    "bottom": noted("bottom"),
    "left": noted("left"),
    "right": noted("right"),
    "centre": noted("centre"),
}


MARKS: Mapping[str, str] = {
    "latin": noted("Latin text"),
    "cjk": noted("Chinese text"),
    "url": noted("web address"),
    "copyright": noted("copyright tag"),
    "date": noted("date stamp"),
    "ruler": noted("ruler"),
    "marker": noted("marker letter"),
    "logo": noted("logo disc"),
}
"""Inserted marks by their name in a spec."""


def kind_words(kind: str) -> str:
    """A kind of check in words."""
    return say(KINDS[kind]) if kind in KINDS else plain(kind).capitalize()


def place(check: Check) -> str:
    """The cue in words: 'Top-left corner', 'Border ring 8 px wide', 'Colour cast'."""
    name = plain(check.region.name) if check.region is not None else ""
    if not name:
        return kind_words(check.kind)
    if check.kind == "overlay" and name.startswith("bank:"):
        mark = name.removeprefix("bank:")
        return say("Inserted watermark: {name}", name=say(MARKS[mark]) if mark in MARKS else mark)
    if found := re.fullmatch(r"overlay-(\d+)(?:-(.+))?", name):
        if not found[2]:
            return say("Burned-in mark {number}", number=found[1])
        return say("Burned-in mark {number}, {place}", number=found[1], place=_where(found[2]))
    if check.kind == "group":
        column, _, value = (name.capitalize() if name.islower() else name).partition(":")
        return say_in("pattern", "{name}: {value}", name=column, value=value) if value else column
    if check.kind == "border":
        if name.startswith("frame-"):
            return say("Frame burned into the picture")
        if name.startswith("band-"):
            sides = [say(PLACES[side]) if side in PLACES else side for side in name.split("-")[2:]]
            return say("Band along the {sides}", sides=say_in("pattern", " and ").join(sides))
        return say("Border ring {width} px wide", width=name.removeprefix("ring-"))
    if check.kind == "corner":
        return say(CORNERS[name]) if name in CORNERS else say("{name} corner", name=name.capitalize())
    if check.kind == "region" and (cell := re.fullmatch(r"cell-r(\d+)c(\d+)", name)):
        return say("Cell in row {row}, column {column}", row=cell[1], column=cell[2])
    return say_in("pattern", "{kind} {name}", kind=kind_words(check.kind), name=name)


def _where(name: str) -> str:
    return say(PLACES[name]) if name in PLACES else name.replace("-", " ")
