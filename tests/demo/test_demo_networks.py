"""The shipped networks are what the demonstration says: two that read a mark, and one that reads the chest.

Measured with the marks themselves drawn in and left out, on patients that neither training nor the audit saw.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from ruamel.yaml import YAML
from safetensors.torch import load_file
from torch import Tensor, nn

from auditor.demo.anatomy import FINDINGS
from auditor.demo.network import DEVIATION, MEAN, SIDE, radiograph_net
from auditor.demo.radiographs import write_sample
from auditor.demo.reliance import (
    CORNERS,
    CUE_CLASS,
    Patients,
    accuracy,
    draw_patients,
    follow_rate,
    patch,
    read_sample,
    ring,
    spurious_score,
)
from auditor.shipped import shipped_folder

DEMO = shipped_folder("audit_specs") / "demo"
NAMES = ("tag", "frame", "honest")
Sample = tuple[Tensor, Tensor, list[str]]


@pytest.fixture(scope="session")
def networks() -> dict[str, nn.Module]:
    loaded = {}
    for name in NAMES:
        loaded[name] = radiograph_net().eval()
        loaded[name].load_state_dict(load_file(DEMO / "weights" / f"{name}.safetensors"), strict=True)
    return loaded


@pytest.fixture(scope="session")
def patients() -> Patients:
    return draw_patients(120, 90)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Like the audited sample, from another seed."""
    return read_sample(write_sample(tmp_path_factory.mktemp("sample"), 80, 91))


@pytest.mark.parametrize("name", NAMES)
def test_the_spec_and_the_weights_belong_together(name: str) -> None:
    spec = YAML(typ="safe").load((DEMO / f"{name}.yaml").read_text(encoding="utf-8"))
    weights = DEMO / spec["model"]["weights"]

    assert weights.stat().st_size < 2_000_000
    assert spec["model"]["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert spec["model"]["classes"] == list(FINDINGS)
    assert spec["model"]["input"] == {
        "size": [SIDE, SIDE], "resize": "squash", "mean": [MEAN], "std": [DEVIATION], "channels": "grey",
    }  # fmt: skip


def test_the_network_is_small_and_turns_a_grey_picture_into_four_scores() -> None:
    network = radiograph_net().eval()

    assert sum(weights.numel() for weights in network.parameters()) < 400_000
    assert network(torch.zeros(2, 1, 96, 96)).shape == (2, 4)
    assert {"stages.0", "stages.1", "stages.2"} <= {name for name, _ in network.named_modules()}


def test_the_honest_network_reads_the_chest(networks: dict[str, nn.Module], patients: Patients) -> None:
    nobody = torch.zeros(len(patients.labels), dtype=torch.bool)

    assert accuracy(networks["honest"], patients.marked(nobody, nobody), patients.labels) >= 0.93


@pytest.mark.parametrize("name", NAMES)
def test_every_network_does_well_where_the_marks_go_with_the_findings(
    networks: dict[str, nn.Module], sample: Sample, name: str
) -> None:
    assert accuracy(networks[name], sample[0], sample[1]) >= 0.9


@pytest.mark.parametrize("cue", CUE_CLASS)
@pytest.mark.parametrize("name", NAMES)
def test_a_mark_drawn_into_other_patients_decides_for_its_cheater_and_for_no_other_network(
    networks: dict[str, nn.Module], patients: Patients, name: str, cue: str
) -> None:
    score = spurious_score(networks[name], patients, cue)

    if name == cue:
        assert score >= 0.9
    else:
        assert score <= 0.05


@pytest.mark.parametrize("cue", CUE_CLASS)
@pytest.mark.parametrize("name", NAMES)
def test_only_its_cheater_follows_a_region_that_carries_the_mark(
    networks: dict[str, nn.Module], sample: Sample, name: str, cue: str
) -> None:
    region = patch("top left") if cue == "tag" else ring(0.08)

    rate = follow_rate(networks[name], sample, cue, region, donors=3)

    if name == cue:
        assert rate >= 0.8
    else:
        assert rate <= 0.05


@pytest.mark.parametrize("corner", [name for name in CORNERS if name != "top left"])
@pytest.mark.parametrize("name", NAMES)
def test_nobody_follows_a_patch_that_carries_no_mark(
    networks: dict[str, nn.Module], sample: Sample, name: str, corner: str
) -> None:
    assert follow_rate(networks[name], sample, "tag", patch(corner), donors=1) <= 0.05


def test_an_unreadable_picture_of_a_sample_is_named(tmp_path: Path) -> None:
    table = write_sample(tmp_path, 4, 1)
    (tmp_path / "pictures" / "rad-0003.jpg").write_bytes(b"not a picture")

    with pytest.raises(OSError, match="rad-0003"):
        read_sample(table)
