"""Methods are called in print what their papers call them."""

from __future__ import annotations

from auditor.method_names import METHODS, in_print
from auditor.pipeline import illustrating
from auditor.records import Verdict
from auditor.registry import names
from auditor.reports._names import label
from auditor.reports._words import VERDICTS


def test_every_name_is_of_a_method_that_exists() -> None:
    assert set(METHODS) <= set(names("visualizers"))


def test_no_acronym_is_printed_as_a_plain_word() -> None:
    acronyms = {"CAM", "LRP", "LIME", "RISE", "SHAP"}

    printed = {name: label(name) for name in names("visualizers")}
    words = {word for title in printed.values() for word in title.replace("-", " ").replace("++", "").split()}

    assert not [word for word in words if word.upper() in acronyms and word not in acronyms]
    assert printed["grad_cam_plus_plus"] == "Grad-CAM++"
    assert printed["occlusion"] == "Occlusion"


def test_charts_call_verdicts_what_tables_call_them() -> None:
    charted = {verdict: illustrating._WORDS.get(verdict, verdict.value.replace("_", " ")) for verdict in Verdict}

    assert charted == dict(VERDICTS)


def test_a_set_of_maps_is_called_by_method_layer_and_what_it_explains() -> None:
    assert in_print("grad_cam@features.3") == "Grad-CAM at features.3"
    assert in_print("random map") == "Random map"
    assert in_print("layer_cam@a.b for cat minus dog") == "Layer-CAM at a.b, for cat minus dog"
