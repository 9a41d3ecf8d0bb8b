"""Names of measurements, methods and settings in words."""

from __future__ import annotations

from collections.abc import Mapping

from auditor.languages import noted, say
from auditor.media import Medium
from auditor.method_names import METHODS
from auditor.reports._words import plain, short

ATTACKED = ("robust_accuracy_", "robust_agreement_")
"""How measurements under attack begin; the attack and its strength follow."""

_NAMES: Mapping[str, str] = {
    "accuracy": noted("Accuracy"),
    "macro_accuracy": noted("Accuracy, every class weighing the same"),
    "brier_score": noted("Brier score"),
    "mass_accuracy": noted("Mass on the object"),
    "rank_accuracy": noted("Hottest pixels on the object"),
    "enrichment": noted("Mass over area"),
    "area": noted("Area of the object"),
    "rank_correlation": noted("Rank correlation with randomised weights"),
    "rank_correlation_other_picture": noted("Rank correlation with randomised weights and another picture"),
    "rank_correlation_beyond_build": noted("Rank correlation with randomised weights, beyond the network's build"),
    "cascading_correlation": noted("Rank correlation while weights are randomised from the output down"),
    "efficient_mprt": noted("Rise of complexity with randomised weights"),
    "insertion_auc": noted("Insertion curve, area"),
    "deletion_auc": noted("Deletion curve, area"),
    "faithfulness": noted("Insertion minus deletion"),
    "faithfulness_over_bar": noted("Insertion minus deletion, over the bar"),
    "road_morf": noted("ROAD, most relevant pixels gone first"),
    "road_lerf": noted("ROAD, least relevant pixels gone first"),
    "road": noted("ROAD, least minus most relevant first"),
    "road_over_bar": noted("ROAD, least minus most relevant first, over the bar"),
    "class_probability_kept": noted("Probability of the class from the hot region alone"),
    "class_kept": noted("Pictures that keep their class with the hot region alone"),
    "class_consistency": noted("Probability of the class from the hot region alone, over the same area at random"),
    "class_consistency_over_bar": noted("Probability of the class from the hot region alone, over the bar"),
    "stability": noted("Stability under weak noise"),
    "stability_of_shape": noted("Stability of the shape under weak noise"),
    "stability_other_picture": noted("Likeness to another picture's map"),
    "stability_above_other_picture": noted("Stability of the shape, above likeness to another picture's map"),
    "iou_at_20": noted("Overlap of the object with the map above 20 % of its maximum"),
    "iou_at_50": noted("Overlap of the object with the map above 50 % of its maximum"),
    "agreement_rank_correlation": noted("Rank correlation with the other methods"),
    "agreement_overlap": noted("Overlap of the hottest areas with the other methods"),
    "expected_calibration_error": noted("Expected calibration error"),
    "follow_rate": noted("Follow rate, control subtracted"),
    "follow_rate_raw": noted("Follow rate"),
    "turned_elsewhere": noted("Predictions that turn when the mark lies elsewhere"),
    "follow_rate_object": noted("Follow rate with the object alone changed, control subtracted"),
    "follow_rate_surroundings": noted("Follow rate with the surroundings alone changed, control subtracted"),
    "least_followed": noted("Class that follows least, over the mean rate"),
    "object_colour_auc": noted("Objects' own colours tell the class (AUC)"),
    "follow_rate_chroma": noted("Follow rate of the cast alone, control subtracted"),
    "amplitude_kept_along": noted("Fine detail kept along the direction most lost"),
    "follow_rate_control": noted("Follow rate of the control"),
    "removal_blur": noted("Flips when blurred away, control subtracted"),
    "removal_inpaint": noted("Flips when inpainted, control subtracted"),
    "removal_donor": noted("Flips when patched, control subtracted"),
    "background_gap": noted("Accuracy lost on backgrounds of other classes"),
    "background_follow": noted("Predictions that follow the background"),
    "spurious_score": noted("Spurious score, control subtracted"),
    "prevalence": noted("Share of pictures that carry it"),
    "accuracy_gain_when_removed": noted("Accuracy gained when it is removed"),
}


RECORDED = frozenset(
    (
        noted("Accuracy blurred"),
        noted("Accuracy in 2x2 patches"),
        noted("Accuracy in 4x4 patches"),
        noted("Accuracy in 8x8 patches"),
        noted("Accuracy in grey"),
        noted("Accuracy other background"),
        noted("Accuracy own background"),
        noted("Accuracy recompressed"),
        noted("Accuracy under gains"),
        noted("Accuracy gain"),
        noted("Attention off object"),
        noted("Background follow control"),
        noted("Background follow raw"),
        noted("Centre"),
        noted("Class consistency"),
        noted("Cluster share"),
        noted("Cluster stability"),
        noted("Decodability"),
        noted("Edges"),
        noted("Foreground stability"),
        noted("Group gap"),
        noted("Kept with frames reversed"),
        noted("Kept with frames shuffled"),
        noted("Kept with one frame"),
        noted("Largest raise"),
        noted("Mean confidence"),
        noted("Mean corruption accuracy"),
        noted("Mean corruption agreement"),
        noted("Only background accuracy"),
        noted("Pointing game"),
        noted("Random map"),
        noted("Relative foreground sensitivity"),
        noted("Retained share"),
        noted("Share compressed"),
        noted("Share enlarged"),
        noted("Spurious score control"),
        noted("Spurious score raw"),
        noted("Watermark gap"),
        noted("Watermark gap control"),
        noted("Watermark gap raw"),
        noted("Accuracy brightness"),
        noted("Accuracy contrast"),
        noted("Accuracy defocus blur"),
        noted("Accuracy fog"),
        noted("Accuracy gaussian noise"),
        noted("Accuracy impulse noise"),
        noted("Accuracy jpeg"),
        noted("Accuracy motion blur"),
        noted("Accuracy pixelate"),
        noted("Accuracy shot noise"),
        noted("Activation maximization"),
        noted("Activation statistics"),
        noted("Adversarial examples"),
        noted("Attention heads"),
        noted("Attention matrices"),
        noted("Attention relevance"),
        noted("Attention rollout"),
        noted("Block occlusion"),
        noted("Embedding map"),
        noted("Feature maps"),
        noted("Frame occlusion"),
        noted("Integrated gradients"),
        noted("Kernels"),
        noted("Layer fusion"),
        noted("Occlusion"),
        noted("Saliency"),
        noted("Top activating images"),
        noted("Weight distributions"),
        noted("Device"),
        noted("Input"),
        noted("Mean"),
        noted("Overrides"),
        noted("Precision"),
        noted("Python"),
        noted("Resize"),
        noted("Scale"),
        noted("Seed"),
        noted("System"),
        noted("Threads"),
        noted("Torchvision"),
        noted("Transform"),
        noted("Channels"),
        noted("Crop ratio"),
    )
)
"""Names of measurements, methods and settings that read well as they are recorded."""
SETTINGS: Mapping[str, str] = {
    "auditor": noted("auditor version"),
    "torch": "PyTorch",
    "numpy": "NumPy",
    "scipy": "SciPy",
    "opencv": "OpenCV",
    "chunk": noted("Pictures in one pass"),
    "forwards": noted("Forward passes"),
    "forwards_by_probe": noted("Of these, by probe"),
    "halves": noted("Pictures in each half"),
    "clusters": noted("Pictures, copies counted once"),
    "std": noted("Standard deviation"),
    "origin": noted("Settings from"),
}
"""Recorded settings whose names need more than a capital."""
PHASES = (noted("loading"), noted("maps and metrics"), noted("probes"), noted("judging and figures"))
"""Of a run, whose seconds are recorded."""


OF_MEDIUM: Mapping[tuple[str, str], str] = {
    ("top_activating_images", Medium.CLIP): noted("Top activating clips"),
    ("top_activating_images", Medium.VOLUME): noted("Top activating volumes"),
}
"""Methods that are called by what they show."""


def label(name: str, medium: str = "picture") -> str:
    """A measurement's or method's name in words.

    Args:
        medium: What the sample consists of.
    """
    if (name, medium) in OF_MEDIUM:
        return say(OF_MEDIUM[name, medium])
    if name.startswith("followed_from:"):
        of = short(name.removeprefix("followed_from:"), 48)
        return say("Follow rate of pictures of class {name}, control subtracted", name=of)
    if name.startswith(ATTACKED):
        _, what, attack, levels = name.split("_", 3)
        by = attack_words(attack, levels)
        if what == "accuracy":
            return say("Robust accuracy, {attack}", attack=by)
        return say("Robust agreement, {attack}", attack=by)
    if name.startswith("neighbours_same:"):
        return say("Neighbours of the same {name}", name=plain(name.partition(":")[2]))
    if name.startswith("neighbours_beyond_chance:"):
        return say("The same beyond chance, {name}", name=plain(name.partition(":")[2]))
    known = _NAMES.get(name) or METHODS.get(name)
    return say(known) if known else titled(name)


def attack_of(name: str) -> str:
    """The attack and its strength, of a robust accuracy or agreement: 'PGD of 2 levels'."""
    _, _, attack, levels = name.split("_", 3)
    return attack_words(attack, levels)


def attack_words(attack: str, levels: str) -> str:
    """'PGD of 2 levels', 'noise of 2 levels'."""
    if attack == "noise":
        return say("noise of {levels} levels", levels=plain(levels))
    return say("{attack} of {levels} levels", attack=attack.upper(), levels=plain(levels))


def titled(name: str) -> str:
    """A recorded name as a heading; catalogues hold those of `RECORDED`."""
    words = plain(name).replace("_", " ").replace(".", ": ").capitalize()
    if words not in RECORDED and words.startswith("Accuracy "):
        return say("Accuracy {of}", of=words.removeprefix("Accuracy "))
    return say(words)
