"""A transform of the user's own is tested against its control; without one it is suspected and no more."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from auditor.cli import invoke
from auditor.errors import ModelError, SpecError
from auditor.evidence import ProbeEvidence
from auditor.experiments.experiment import Experiment
from auditor.findings.judging import Circumstances, judge
from auditor.plan import make_plan
from auditor.probes.custom import Custom
from auditor.records import Check, Grade, Verdict
from tests.models import ReadsTheCentre, ReadsTheCorner, experiment_on, pictures, sample_of

FAIR = Circumstances(True, "", 0)
TRANSFORMS = """\
import numpy as np

def corner_tag(picture, rng):
    picture[:5, :5] = 255
    return picture

def tag_elsewhere(picture, rng):
    picture[-5:, -5:] = 255
    return picture

def moving_tag(picture, rng):
    y, x = rng.integers(0, 4), rng.integers(0, 4)
    picture[y:y + 5, x:x + 5] = 255
    return picture

def forgetful(picture, rng):
    return picture + np.random.default_rng().integers(0, 2, picture.shape, dtype=np.uint8)

def smaller(picture, rng):
    return picture[::2]

def floating(picture, rng):
    return picture / 255

def nothing(picture, rng):
    picture[:] = 0

def broken(picture, rng):
    return picture["red"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "cues.py").write_text(TRANSFORMS)
    return tmp_path


def experiment(module: nn.Module, folder: Path, images: np.ndarray | None = None) -> Experiment:
    drawn, labels = pictures()
    made = experiment_on(module, sample_of(drawn if images is None else images, labels))
    made.sample.extras["folder"] = folder
    return made


def run(module: nn.Module, folder: Path, **options: object) -> tuple[Experiment, ProbeEvidence]:
    made = experiment(module, folder)
    return made, Custom(**options).run(made)  # type: ignore[arg-type]


def checks_of(evidence: ProbeEvidence) -> dict[str, Check]:
    return {check.id: check for check in judge(evidence.checks, FAIR)}


def test_a_model_that_reads_the_corner_is_confirmed_with_a_tag_elsewhere_as_control(folder: Path) -> None:
    _, evidence = run(
        ReadsTheCorner(), folder, name="tag", transform="cues.py:corner_tag", control="cues.py:tag_elsewhere"
    )

    check = checks_of(evidence)["custom.tag"]

    assert check.verdict is Verdict.CONFIRMED
    assert check.grade is Grade.MATERIAL
    flips = check.measurement("flip_rate")
    assert flips is not None
    assert flips.value == pytest.approx(0.5, abs=0.1)  # the dark half turns
    assert check.sentence.startswith("The model relies on what the transform 'tag' changes: it changes")


def test_a_target_is_tested_on_pictures_that_were_not_taken_for_it(folder: Path) -> None:
    made, evidence = run(
        ReadsTheCorner(), folder, transform="cues.py:corner_tag", control="cues.py:tag_elsewhere", target="bright"
    )

    check = checks_of(evidence)["custom.own.class-bright"]

    assert check.verdict is Verdict.CONFIRMED
    assert check.grade is Grade.SEVERE
    turned = check.measurement("spurious_score")
    assert turned is not None
    assert turned.value == 1.0
    assert turned.count == int((made.predicted[made.halves["B"]] == 0).sum())


def test_a_model_that_reads_the_centre_is_not_accused(folder: Path) -> None:
    made, evidence = run(
        ReadsTheCentre(), folder, transform="cues.py:corner_tag", control="cues.py:tag_elsewhere", target="bright"
    )

    checks = checks_of(evidence)
    assert checks["custom.own"].verdict is Verdict.NO_EVIDENCE
    assert checks["custom.own.class-bright"].verdict is Verdict.INSUFFICIENT  # the dark pictures of a half are too few
    assert evidence.forwards == 128  # half A, transform and control: nothing stood out
    assert evidence.forwards == made.predictor.forwards - 128


def test_a_control_that_does_as_much_absorbs_the_effect(folder: Path) -> None:
    _, evidence = run(ReadsTheCorner(), folder, transform="cues.py:corner_tag", control="cues.py:corner_tag")

    assert checks_of(evidence)["custom.own"].verdict is Verdict.NO_EVIDENCE


def test_without_a_control_it_is_suspected_and_never_confirmed(folder: Path) -> None:
    _, evidence = run(ReadsTheCorner(), folder, transform="cues.py:corner_tag", target="bright")

    checks = checks_of(evidence)

    assert {check.verdict for check in checks.values()} == {Verdict.SUSPECTED}
    assert "no control was given" in checks["custom.own"].sentence
    assert evidence.forwards == 64


def test_the_control_gets_the_same_random_numbers_as_the_transform(folder: Path) -> None:
    _, evidence = run(ReadsTheCorner(), folder, transform="cues.py:moving_tag", control="cues.py:moving_tag")

    screen = evidence.checks[0].screen[0]
    assert screen.effect == screen.control
    assert sum(screen.effect) > 0


@pytest.mark.parametrize("control", [None, "cues.py:tag_elsewhere"])
def test_no_more_forwards_are_spent_than_planned(folder: Path, control: str | None) -> None:
    probe = Custom(transform="cues.py:corner_tag", control=control, target="bright", repeats_screen=2)
    made = experiment(ReadsTheCorner(), folder)

    evidence = probe.run(made)

    assert evidence.forwards == made.predictor.forwards - 128 <= probe.forwards() * 128


def test_an_odd_picture_more_in_one_half_does_not_outrun_the_budget(folder: Path) -> None:
    probe = Custom(transform="cues.py:corner_tag", control="cues.py:tag_elsewhere", repeats_screen=3)
    drawn, labels = pictures(41)
    made = experiment_on(ReadsTheCorner(), sample_of(drawn, labels), budget=probe.forwards())
    made.sample.extras["folder"] = folder

    evidence = probe.run(made)

    assert len(made.halves["A"]) != len(made.halves["B"])
    assert evidence.checks[0].confirm
    assert made.budget >= 0


def test_what_the_budget_does_not_hold_is_suspected(folder: Path) -> None:
    made = experiment(ReadsTheCorner(), folder)
    made.budget = 130

    evidence = Custom(transform="cues.py:corner_tag", control="cues.py:tag_elsewhere").run(made)

    check = checks_of(evidence)["custom.own"]
    assert check.verdict is Verdict.SUSPECTED
    assert "budget" in check.sentence


def test_the_same_seed_gives_the_same_evidence_and_pictures_stay_as_they_were(folder: Path) -> None:
    runs = []
    for _ in range(2):
        made = experiment(ReadsTheCorner(), folder)
        before = made.sample.images.clone()
        runs.append(Custom(transform="cues.py:moving_tag", control="cues.py:tag_elsewhere").run(made))
        assert torch.equal(made.sample.images, before)

    assert runs[0] == runs[1]
    assert runs[0].notes == ()


def test_a_transform_with_random_numbers_of_its_own_is_noted(folder: Path) -> None:
    _, evidence = run(ReadsTheCentre(), folder, transform="cues.py:forgetful")

    assert "gives different pictures for the same random numbers" in evidence.notes[0]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "smaller",
            r"cues.py:smaller gave uint8 \(12, 32, 3\) for 000.png; expected a NumPy array uint8 \(24, 32, 3\)",
        ),
        ("floating", r"cues.py:floating gave float64 \(24, 32, 3\) for 000.png"),
        ("nothing", r"cues.py:nothing gave a NoneType for 000.png"),
        ("broken", r"cues.py:broken failed on 000.png: IndexError: .*\(cues.py:29\)"),
    ],
)
def test_a_transform_that_gives_no_picture_is_named_with_the_picture(folder: Path, name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        run(ReadsTheCentre(), folder, transform=f"cues.py:{name}")


def test_an_unknown_target_is_refused_with_the_nearest(folder: Path) -> None:
    with pytest.raises(ModelError, match="no class is named 'brigth'; did you mean 'bright'"):
        run(ReadsTheCentre(), folder, transform="cues.py:corner_tag", target="brigth")


def test_grey_pictures_are_given_as_rgb_and_come_back_grey(folder: Path) -> None:
    grey = pictures()[0][:, :1]

    evidence = Custom(transform="cues.py:corner_tag", control="cues.py:tag_elsewhere").run(
        experiment(ReadsTheCorner(), folder, grey)
    )

    assert checks_of(evidence)["custom.own"].verdict is Verdict.CONFIRMED
    assert "made grey again" in evidence.notes[0]


def test_inputs_of_an_own_transform_cannot_be_tested(folder: Path) -> None:
    inputs = pictures()[0].astype(np.float32) / 255

    evidence = Custom(transform="cues.py:corner_tag").run(experiment(ReadsTheCorner(), folder, inputs))

    assert checks_of(evidence)["custom.own"].verdict is Verdict.NOT_TESTED


def test_examples_show_the_picture_that_the_model_saw(folder: Path) -> None:
    made = experiment(ReadsTheCorner(), folder)
    kept: dict[str, np.ndarray] = {}

    def keep(name: str, picture: np.ndarray) -> str:
        kept[name] = picture
        return name

    made.keep_picture = keep

    evidence = Custom(name="tag", transform="cues.py:corner_tag", control="cues.py:tag_elsewhere").run(made)

    examples = evidence.checks[0].examples
    assert len({example.recipient for example in examples}) == 4
    assert all((kept[example.picture][:, :5, :5] == 255).all() for example in examples)
    assert examples[0].change == "the transform 'tag' is applied"


SPEC = """\
version: 1
name: toy
model:
  source: python
  factory: net.py:make
  classes: [dark, bright]
  input: {size: [24, 32], resize: squash, mean: [0, 0, 0], std: [1, 1, 1]}
dataset: {source: folder, path: pictures}
visualizations: []
metrics: []
report: {formats: [json]}
probes:
"""
NET = """\
import torch
class ReadsTheCorner(torch.nn.Module):
    def forward(self, x):
        brightness = x[:, :, :5, :5].mean((1, 2, 3))
        return torch.stack([0.5 - brightness, brightness - 0.5], dim=1) * 20
make = ReadsTheCorner
"""


def spec_with(folder: Path, *lines: str) -> Path:
    from auditor.figures import encode_png

    (folder / "net.py").write_text(NET)
    for image, label in zip(*pictures(24), strict=True):
        place = folder / "pictures" / ("dark", "bright")[label]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{len(list(place.iterdir()))}.png").write_bytes(encode_png(image.transpose(1, 2, 0)))
    path = folder / "spec.yaml"
    path.write_text(SPEC + "".join(f"  - {{use: custom, {line}}}\n" for line in lines))
    return path


def test_several_custom_probes_are_told_apart_by_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = spec_with(folder, "name: tag, transform: cues.py:corner_tag", "name: moving, transform: cues.py:moving_tag")

    code = invoke(["run", str(path), "-o", str(folder / "run"), "--device", "cpu"])

    audit = json.loads((folder / "run" / "audit.json").read_text())
    assert code == 3  # with 24 pictures there is too little data to judge
    assert {check["id"]: check["spec_line"] for check in audit["checks"]} == {"custom.tag": 13, "custom.moving": 14}
    assert set(audit["runtime"]["forwards_by_probe"]) == {"custom.tag", "custom.moving"}
    assert "custom" not in {row["kind"] for row in audit["not_tested"]}
    capsys.readouterr()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("name: tag",), "spec.yaml:13: probes.0.transform: is missing; write file.py:callable"),
        (("transform: cues.py:corner_tga",), "cues.py defines no 'corner_tga'; did you mean 'corner_tag'?"),
        (("transform: cues.py:corner_tag, control: cue.py:x",), "spec.yaml:13: probes.0.control: no file cue.py"),
        (("transform: cues.py:corner_tag", "transform: cues.py:moving_tag"), "spec.yaml:14: .*two are named 'own'"),
        (("transform: cues.py:corner_tag, name: A tag",), "probes.0.name"),
    ],
)
def test_mistakes_show_before_anything_is_loaded(folder: Path, lines: tuple[str, ...], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make_plan(spec_with(folder, *lines))


def test_parts_that_may_be_planned_once_have_no_name_of_their_own(folder: Path) -> None:
    path = spec_with(folder, "transform: cues.py:corner_tag")
    path.write_text(path.read_text() + "  - quick\n")

    plan = make_plan(path)

    assert {item.key for item in plan.probes if item.name != item.key} == {"custom.own"}
