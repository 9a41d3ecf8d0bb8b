"""Two versions of a model through the command line: v1 is clean, v2 has learned a mark in the corner."""

from __future__ import annotations

import html
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.conftest import Call
from tests.models import SPEC, save_pictures

NET = """\
import torch
from torch import nn

class Looks(nn.Module):
    # brightness where it learned to look, and a linear head
    def __init__(self, rows, columns):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 2, 3, padding=1), nn.ReLU())
        self.where = nn.Parameter(torch.zeros(24, 32))
        self.head = nn.Linear(2, 2)
        with torch.no_grad():
            self.where[rows, columns] = 1.0
            self.where /= self.where.sum()
            self.features[0].weight.fill_(1 / 27)
            self.features[0].bias.zero_()
            self.head.weight.copy_(torch.tensor([[-20.0, -20.0], [20.0, 20.0]]))
            self.head.bias.copy_(torch.tensor([20.0, -20.0]))

    def forward(self, x):
        return self.head((self.features(x) * self.where).sum((2, 3)))

def make():
    return Looks(ROWS, COLUMNS)
"""
PLACES = {"centre": ("slice(9, 15)", "slice(13, 19)"), "corner": ("slice(1, 4)", "slice(1, 4)")}
ASKED = """\
  sample: {size: 64}
visualizations: []
probes: [corner]
metrics: [performance]
policy:
  waivers: waivers.yaml
  limits: {metrics.accuracy: {max_decrease: 0.2, rationale: no release is much worse than the last}}
report: {formats: [json, sarif]}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    save_pictures(tmp_path / "pictures")
    (tmp_path / "spec.yaml").write_text(SPEC.replace("toy", "story") + ASKED)
    waive(tmp_path, None)
    return tmp_path


def learn(root: Path, place: str) -> None:
    rows, columns = PLACES[place]
    (root / "net.py").write_text(NET.replace("ROWS", rows).replace("COLUMNS", columns))


def waive(root: Path, days_left: int | None) -> None:
    text = "version: 1\nwaivers: []\n"
    if days_left is not None:
        expires = datetime.now(UTC).date() + timedelta(days=days_left)
        dates = f"created: {expires - timedelta(days=30)}, expires: {expires}"
        words = "statement: cropped in the field, owner: us, approver: them, ticket: QA-1"
        text = f"version: 1\nwaivers:\n  - {{id: W-1, check: corner.*, {words}, {dates}}}\n"
    (root / "waivers.yaml").write_text(text)


def audit_in(folder: Path) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads((folder / "audit.json").read_text())
    return tree


def suppressions(folder: Path) -> list[dict[str, Any]]:
    results = json.loads((folder / "audit.sarif").read_text())["runs"][0]["results"]
    return [one for result in results for one in result.get("suppressions", ())]


def states(folder: Path, schema: dict[str, Any]) -> dict[str, str]:
    """Check → SARIF's baselineState, of the file that keeps all; it keeps to the official schema."""
    log = json.loads((folder / "audit.sarif").read_text())
    jsonschema.validate(log, schema)
    results = log["runs"][0]["results"]
    return {result["properties"]["id"]: result["baselineState"] for result in results if "baselineState" in result}


def test_two_versions_through_baseline_compare_trend_waiver_and_expiry(root: Path, call: Call, schemas: Path) -> None:
    schema = json.loads((schemas / "sarif-schema-2.1.0.json").read_text())
    spec, runs, baseline = root / "spec.yaml", root / "runs", root / "baseline.json"

    learn(root, "centre")
    code, _, err = call("run", spec, "-o", runs / "1")
    assert code == 0, err
    assert "warning: policy.limits.metrics.accuracy: relative to a baseline, and none was given" in err
    assert states(runs / "1", schema) == {}
    assert call("baseline", "write", runs / "1", "-o", baseline)[0] == 0

    learn(root, "corner")
    code, _, err = call("run", spec, "-o", runs / "2", "--baseline", baseline)
    assert code == 1, err
    caught = audit_in(runs / "2")
    finding = next(check for check in caught["checks"] if check["verdict"] == "confirmed")
    assert (finding["baseline_state"], finding["status"]) == ("new", "open")
    assert caught["baseline"]["counts"]["new"] >= 1
    assert states(runs / "2", schema) == {finding["id"]: "new"}
    # what the command line said of the baseline changed nothing that was asked
    assert [audit["changed"] for audit in caught["history"]["audits"]] == [[], ["model"]]
    assert "figures/trends.svg" in caught["figures"]
    trend = next(item for item in caught["history"]["trends"] if item["id"] == finding["id"])
    assert [point["verdict"] == "confirmed" for point in trend["points"]] == [False, True]
    assert trend["points"][0]["value"] < 0.1 < trend["points"][1]["low"] <= trend["points"][1]["value"]
    assert call("render", runs / "2", "-f", "html")[0] == 0
    page = (runs / "2" / "report.html").read_text()
    assert "Each number from audit to audit" in page
    assert caught["figures"]["figures/trends.svg"]["alt"] in html.unescape(page)

    code, out, _ = call("compare", runs / "1", runs / "2")
    assert code == 1
    assert f"appeared   {finding['id']}" in out
    assert "model       weights and flags (SHA-256)" in out

    waive(root, days_left=20)
    code, _, err = call("run", spec, "-o", runs / "3", "--baseline", baseline)
    assert code == 0, err
    waived = audit_in(runs / "3")
    assert waived["verdict"] == "pass_with_waivers"
    assert waived["attempt"] == 2
    assert any("The same weights failed once before they passed" in note for note in waived["notes"])
    (suppressed,) = suppressions(runs / "3")
    assert suppressed["status"] == "accepted"
    assert suppressed["properties"]["waiver"] == "W-1"
    assert (runs / "3" / "waivers.yaml").read_text() == (root / "waivers.yaml").read_text()
    assert call("waivers", "list", runs / "3")[0] == 0

    waive(root, days_left=-1)
    code, _, err = call("run", spec, "-o", runs / "4", "--baseline", baseline)
    assert code == 1
    assert "warning: " in err
    assert "Waiver W-1 (QA-1, approved by them) expired" in err
    expired = audit_in(runs / "4")
    assert expired["verdict"] == "fail"
    assert expired["waivers"][0]["state"] == "expired"
    assert suppressions(runs / "4") == []
    assert expired["attempt"] == 3
    assert any("expired" in reason for reason in expired["reasons"])
    assert call("render", runs / "4", "-f", "html")[0] == 0
    page = (runs / "4" / "report.html").read_text()
    assert "Each number from audit to audit" in page
    assert "expired" in page

    call("baseline", "update", runs / "4", baseline)
    code, _, err = call("run", spec, "-o", runs / "5", "--baseline", baseline)
    assert code == 0, err
    known = audit_in(runs / "5")
    assert {check["status"] for check in known["checks"] if check["verdict"] == "confirmed"} == {"baseline"}

    assert states(runs / "5", schema) == {finding["id"]: "unchanged"}

    learn(root, "centre")
    code, _, err = call("run", spec, "-o", runs / "6", "--baseline", baseline)
    assert code == 0, err
    assert states(runs / "6", schema) == {finding["id"]: "absent"}
    assert audit_in(runs / "6")["history"]["audits"][-1]["changed"] == ["model"]

    code, out, _ = call("history", runs)
    assert code == 0
    assert "story: 6 audits" in out
    assert call("site", runs)[0] == 0
    assert 'href="./4/report.html"' in (runs / "index.html").read_text()
