"""Numbers and verdicts in words, the same in every format; and text from outside made safe to show.

Class and file names are not ours: control and direction characters in them would garble or spoof a page.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime

from auditor.method_names import METHODS
from auditor.records import AuditVerdict, Check, Grade, Measurement, Severity, Status, Verdict

MINUS = "−"
NONE = "–"

VERDICTS: Mapping[Verdict, str] = {
    Verdict.CONFIRMED: "confirmed",
    Verdict.DECLARED_LEGITIMATE: "declared legitimate",
    Verdict.SUSPECTED: "suspected",
    Verdict.INCONCLUSIVE: "inconclusive",
    Verdict.NOT_REPRODUCED: "not reproduced",
    Verdict.ENCODED: "encoded",
    Verdict.PRESENT_NOT_USED: "present, not used",
    Verdict.NO_EVIDENCE: "no evidence",
    Verdict.INSUFFICIENT: "not enough data",
    Verdict.NOT_TESTED: "not tested",
}
"""Most concern first: the order of counts and registers."""

MEANINGS: Mapping[Verdict, str] = {
    Verdict.CONFIRMED: "Changing the cue alone changes predictions, on images that were not used to find it.",
    Verdict.DECLARED_LEGITIMATE: "Confirmed, and the owner declared this cue a proper basis for the decision.",
    Verdict.SUSPECTED: "A first sign that the causal test could not settle.",
    Verdict.INCONCLUSIVE: "The ways of testing disagree, so nothing is claimed.",
    Verdict.NOT_REPRODUCED: "Stood out on one half of the sample and vanished on the other.",
    Verdict.ENCODED: "Can be read from the network's features; its use was not shown.",
    Verdict.PRESENT_NOT_USED: "The artefact is in the data; the model does not act on it.",
    Verdict.NO_EVIDENCE: "No effect beyond the control; smaller effects than the one stated may exist.",
    Verdict.INSUFFICIENT: "Too few images to see even a large effect.",
    Verdict.NOT_TESTED: "Not tested; the reason is given.",
}

VERDICT_MARKS: Mapping[Verdict, str] = {
    Verdict.CONFIRMED: "▲",
    Verdict.DECLARED_LEGITIMATE: "△",
    Verdict.SUSPECTED: "◇",
    Verdict.INCONCLUSIVE: "≠",
    Verdict.NOT_REPRODUCED: "◇",
    Verdict.ENCODED: "◇",
    Verdict.PRESENT_NOT_USED: "○",
    Verdict.NO_EVIDENCE: "○",
    Verdict.INSUFFICIENT: "□",
    Verdict.NOT_TESTED: "–",
}

SEVERITY_MARKS: Mapping[Severity, str] = {
    Severity.CRITICAL: "◆",
    Severity.HIGH: "▲",
    Severity.MEDIUM: "■",
    Severity.LOW: "●",
}
"""The shapes of the charts' markers: severity is told by shape and colour."""

AUDIT_VERDICTS: Mapping[AuditVerdict, tuple[str, str]] = {
    AuditVerdict.PASS: ("PASS", "✓"),
    AuditVerdict.PASS_WITH_WAIVERS: ("PASS WITH WAIVERS", "✓"),
    AuditVerdict.FAIL: ("FAIL", "✗"),
    AuditVerdict.INCOMPLETE: ("INCOMPLETE", "…"),
}

STATUSES: Mapping[Status, str] = {
    Status.OPEN: "open",
    Status.WAIVED: "waived",
    Status.BASELINE: "known from the baseline",
}

GRADES: Mapping[Grade, str] = {Grade.MINOR: "minor", Grade.MATERIAL: "material", Grade.SEVERE: "severe"}

KINDS: Mapping[str, str] = {
    "border": "Border",
    "corner": "Corner",
    "region": "Region",
    "overlay": "Overlay",
    "background": "Background",
    "colour": "Colour cast",
    "sharpness": "Sharpness and compression",
    "texture": "Texture",
    "group": "Group",
    "cluster": "Cluster of strategies",
    "corruption": "Corruption",
    "custom": "Own check",
}

MEANS: Mapping[str, str] = {
    "border": (
        "What the rim looks like can decide the class, whatever the object is. Accuracy measured on data with the same "
        "rims overstates accuracy on data from elsewhere."
    ),
    "corner": (
        "A mark in this corner can decide the class, whatever the object is. Accuracy measured on data with the same "
        "marks overstates accuracy on data from elsewhere."
    ),
    "overlay": (
        "Burned-in marks can decide the class, whatever the object is. Anyone who adds or removes the mark changes "
        "the answer."
    ),
    "region": "This part of the picture can decide the class although the object is not there.",
    "background": (
        "Where the object stands can decide the class. Objects in unusual places will be misread more often than the "
        "accuracy suggests."
    ),
    "colour": "The tint of a picture can decide the class. Another camera, lamp or scanner may change the answer.",
    "sharpness": "Sharpness or compression can decide the class. Another lens or export setting may change the answer.",
    "texture": "Surface texture can decide the class more than shape does.",
    "group": "The model serves one group worse than the others by more than chance.",
    "cluster": (
        "Within a class, some pictures are decided by another place than the rest: two rules pass as one. Pictures "
        "that lack the cue, or carry it by chance, will be misread."
    ),
    "corruption": "Noisy, blurred or compressed pictures in use are answered less well than the accuracy says.",
    "custom": "What the transform changes can decide the class, whatever the object is.",
}
ANY_KIND = "The cue can decide the class, whatever the object is."

_NAMES: Mapping[str, str] = {
    "accuracy": "Accuracy",
    "macro_accuracy": "Accuracy, every class weighing the same",
    "brier_score": "Brier score",
    "mass_accuracy": "Mass on the object",
    "rank_accuracy": "Hottest pixels on the object",
    "enrichment": "Mass over area",
    "area": "Area of the object",
    "rank_correlation": "Rank correlation with randomised weights",
    "rank_correlation_other_picture": "Rank correlation with randomised weights and another picture",
    "rank_correlation_beyond_build": "Rank correlation with randomised weights, beyond the network's build",
    "cascading_correlation": "Rank correlation while weights are randomised from the output down",
    "efficient_mprt": "Rise of complexity with randomised weights",
    "insertion_auc": "Insertion curve, area",
    "deletion_auc": "Deletion curve, area",
    "faithfulness": "Insertion minus deletion",
    "faithfulness_over_bar": "Insertion minus deletion, over the bar",
    "road_morf": "ROAD, most relevant pixels gone first",
    "road_lerf": "ROAD, least relevant pixels gone first",
    "road": "ROAD, least minus most relevant first",
    "road_over_bar": "ROAD, least minus most relevant first, over the bar",
    "class_probability_kept": "Probability of the class from the hot region alone",
    "class_kept": "Pictures that keep their class with the hot region alone",
    "class_consistency": "Probability of the class from the hot region alone, over the same area at random",
    "class_consistency_over_bar": "Probability of the class from the hot region alone, over the bar",
    "stability": "Stability under weak noise",
    "stability_of_shape": "Stability of the shape under weak noise",
    "stability_other_picture": "Likeness to another picture's map",
    "stability_above_other_picture": "Stability of the shape, above likeness to another picture's map",
    "iou_at_20": "Overlap of the object with the map above 20 % of its maximum",
    "iou_at_50": "Overlap of the object with the map above 50 % of its maximum",
    "agreement_rank_correlation": "Rank correlation with the other methods",
    "agreement_overlap": "Overlap of the hottest areas with the other methods",
    "expected_calibration_error": "Expected calibration error",
    "follow_rate": "Follow rate, control subtracted",
    "follow_rate_raw": "Follow rate",
    "turned_elsewhere": "Predictions that turn when the mark lies elsewhere",
    "follow_rate_object": "Follow rate with the object alone changed, control subtracted",
    "follow_rate_surroundings": "Follow rate with the surroundings alone changed, control subtracted",
    "least_followed": "Class that follows least, over the mean rate",
    "object_colour_auc": "Objects' own colours tell the class (AUC)",
    "follow_rate_chroma": "Follow rate of the cast alone, control subtracted",
    "follow_rate_control": "Follow rate of the control",
    "removal_blur": "Flips when blurred away, control subtracted",
    "removal_inpaint": "Flips when inpainted, control subtracted",
    "removal_donor": "Flips when patched, control subtracted",
    "background_gap": "Accuracy lost on backgrounds of other classes",
    "background_follow": "Predictions that follow the background",
    "spurious_score": "Spurious score, control subtracted",
    "prevalence": "Share of pictures that carry it",
    "accuracy_gain_when_removed": "Accuracy gained when it is removed",
}


RATIO = "ratio"
_RATIOS = frozenset(
    {
        "auc",
        "brier",
        "consistency",
        "correlation",
        "distance",
        "enrichment",
        "faithfulness",
        "mprt",
        "ratio",
        "road",
        "similarity",
        "stability",
    }
)
"""Words in the names of measurements without a unit that are no shares."""


def label(name: str) -> str:
    """A measurement's or method's name in words."""
    if name.startswith("followed_from:"):
        return f"Follow rate of pictures of class {short(name.removeprefix('followed_from:'), 48)}, control subtracted"
    if name.startswith(("robust_accuracy_", "robust_agreement_")):
        _, what, attack, levels = name.split("_", 3)
        return f"Robust {what}, {attack if attack == 'noise' else attack.upper()} of {plain(levels)} levels"
    if name.startswith("neighbours_same:"):
        return f"Neighbours of the same {plain(name.partition(':')[2])}"
    if name.startswith("neighbours_beyond_chance:"):
        return f"The same beyond chance, {plain(name.partition(':')[2])}"
    return _NAMES.get(name) or METHODS.get(name) or plain(name).replace("_", " ").replace(".", ": ").capitalize()


def plain(text: object) -> str:
    """One line without control, direction or unassigned characters; each becomes the replacement character."""
    line = " ".join(str(text).split())
    if line.isprintable():
        return line
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn") else letter
        for letter in line
    )


def capital(words: str) -> str:
    """With a capital at the beginning, and every other letter as it is."""
    return words[:1].upper() + words[1:]


def short(text: object, letters: int = 60) -> str:
    """`plain`, at most that long: the middle is left out, since beginnings and ends tell names apart."""
    line = plain(text)
    if len(line) <= letters:
        return line
    head = (letters - 1) * 3 // 5
    return f"{line[:head]}…{line[-(letters - 1 - head) :]}"


def number(value: float, unit: str = "1") -> str:
    """A value in its unit: shares as whole percent (below one with a decimal), the rest with three digits."""
    if unit == "1":
        text = f"{100 * value:.1f}" if 0 < abs(value) < 0.0095 else f"{100 * value:.0f}"
        text = f"{text.removesuffix('.0')} %"
    elif unit == RATIO:
        text = f"{value:.2f}"
    else:
        text = f"{value:.3g}" + (f" {plain(unit)}" if unit else "")
    return {"-0 %": "0 %", "-0.00": "0.00"}.get(text) or text.replace("-", MINUS)


def unit_of(measurement: Measurement) -> str:
    """Its unit; `RATIO` where "1" means no share of something: correlations, scores, ratios beyond one."""
    values = [v for v in (measurement.value, measurement.low, measurement.high) if v is not None]
    named = not _RATIOS.isdisjoint(measurement.name.split("_"))
    return RATIO if measurement.unit == "1" and (named or any(abs(v) > 1 for v in values)) else measurement.unit


def value_of(measurement: Measurement) -> str:
    """'91 %', or '0.42' for a ratio, or a dash where there is none."""
    return NONE if measurement.value is None else number(measurement.value, unit_of(measurement))


def interval(measurement: Measurement) -> str:
    """'84 to 95 %', or a dash where there is none."""
    if measurement.value is None or measurement.low is None or measurement.high is None:
        return NONE
    unit = unit_of(measurement)
    low, high = number(measurement.low, unit), number(measurement.high, unit)
    return f"{low.removesuffix(' %')} to {high}" if unit == "1" else f"{low} to {high}"


def measured(measurement: Measurement) -> str:
    """'91 % (84 to 95 %, n = 64)', or why there is no value."""
    if measurement.value is None:
        return f"undefined: {plain(measurement.reason)}"
    return f"{value_of(measurement)} ({interval(measurement)}, n = {measurement.count})"


def probability(value: float | None) -> str:
    """'.012', '< .001', or a dash."""
    if value is None:
        return NONE
    return "< .001" if value < 0.001 else f"{value:.3f}".lstrip("0") or "0"


def count(amount: int, one: str, many: str | None = None) -> str:
    """'1 finding', '3 findings', '1,024 images'."""
    return f"{amount:,} {one if amount == 1 else many or one + 's'}"


def ordinal(number: int) -> str:
    """'first' to 'tenth', then '11th'."""
    names = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
    if number <= len(names):
        return names[number - 1]
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def moment(stamp: str) -> datetime:
    """An ISO time as aware UTC.

    Raises:
        ValueError: Not an ISO time.
    """
    read = datetime.fromisoformat(stamp)
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)


def date(stamp: str) -> str:
    """'11 March 2026, 14:09 UTC'."""
    at = moment(stamp)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def day(stamp: str) -> str:
    """'11 March 2026', of an ISO date or time; other words stay as they are."""
    try:
        at = moment(stamp)
    except ValueError:
        return plain(stamp)
    return f"{at.day} {at:%B %Y}"


def place(check: Check) -> str:
    """The cue in words: 'Top-left corner', 'Border ring 8 px wide', 'Colour cast'."""
    name = plain(check.region.name) if check.region is not None else ""
    if not name:
        return KINDS.get(check.kind, plain(check.kind).capitalize())
    if check.kind == "overlay" and name.startswith("bank:"):
        return f"Inserted watermark: {name.removeprefix('bank:')}"
    if found := re.fullmatch(r"overlay-(\d+)(?:-(.+))?", name):
        return f"Burned-in mark {found.group(1)}" + (f", {found.group(2).replace('-', ' ')}" if found.group(2) else "")
    if check.kind == "group":
        return name.replace(":", ": ", 1).capitalize() if name.islower() else name.replace(":", ": ", 1)
    if check.kind == "border":
        if name.startswith("frame-"):
            return "Frame burned into the picture"
        if name.startswith("band-"):
            return f"Band along the {' and '.join(name.split('-')[2:])}"
        return f"Border ring {name.removeprefix('ring-')} px wide"
    if check.kind == "corner":
        return f"{name.capitalize()} corner"
    return f"{KINDS.get(check.kind, plain(check.kind).capitalize())} {name}"
