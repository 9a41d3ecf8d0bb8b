"""Every number of an audit as one table: a row a measurement, for people who plot elsewhere.

Works on audit.json as plain values, so that an audit of any version of the schema can be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

TEXT, NUMBER, COUNT = "text", "number", "count"
COLUMNS: Mapping[str, str] = {
    "report_id": TEXT,
    "name": TEXT,
    "model": TEXT,
    "model_version": TEXT,
    "model_sha256": TEXT,
    "spec_sha256": TEXT,
    "finished": TEXT,
    "section": TEXT,
    "id": TEXT,
    "kind": TEXT,
    "region": TEXT,
    "class": TEXT,
    "layer": TEXT,
    "target": TEXT,
    "verdict": TEXT,
    "severity": TEXT,
    "status": TEXT,
    "measurement": TEXT,
    "value": NUMBER,
    "low": NUMBER,
    "high": NUMBER,
    "unit": TEXT,
    "count": COUNT,
    "reason": TEXT,
    "note": TEXT,
    "p": NUMBER,
    "q": NUMBER,
}
"""Column → what it holds. `section`: check, limit, metric, class, visualization, null_map or agreement; `low` and
`high`: the 95 % interval; `p` and `q` are those of the whole check."""
_AGREEMENT = {"rank": "agreement_rank_correlation", "top": "agreement_overlap"}

Row = dict[str, str | float | int | None]


def rows_of(audit: Mapping[str, Any]) -> list[Row]:
    """One row for every measurement, in the order of audit.json.

    Args:
        audit: audit.json, read.
    """
    model = audit["model"]
    about = {
        "report_id": audit["report_id"],
        "name": audit["name"],
        "model": model["name"],
        "model_version": model.get("version"),
        "model_sha256": model["sha256_before"],
        "spec_sha256": audit["spec_sha256"],
        "finished": audit["finished"],
    }
    parts = (_checks, _limits, _metrics, _classes, _visualizations, _nulls, _agreement)
    empty = dict.fromkeys(COLUMNS)
    return [{**empty, **about, **row} for part in parts for row in part(audit)]


def _measured(item: Mapping[str, Any]) -> dict[str, Any]:
    made = {key: item.get(key) for key in ("value", "low", "high", "unit", "count", "reason", "note")}
    return {"measurement": item["name"], **made}


def _checks(audit: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for check in audit.get("checks", ()):
        region = check.get("region") or {}
        own = {key: check.get(key) for key in ("id", "kind", "class", "verdict", "severity", "status", "p", "q")}
        for item in check.get("measurements", ()):
            yield {"section": "check", "region": region.get("name"), **own, **_measured(item)}


def _limits(audit: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for limit in audit.get("limits", ()):
        if limit.get("measurement"):
            own = {"id": limit["name"], "severity": limit["severity"]}
            state = "breached" if limit["breached"] else "kept"
            yield {"section": "limit", **own, "verdict": state, **_measured(limit["measurement"])}


def _metrics(audit: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for item in audit.get("metrics", ()):
        yield {"section": "metric", "id": item["name"], **_measured(item)}


def _classes(audit: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for row in audit.get("per_class", ()):
        made = {key: row.get(key) for key in ("value", "low", "high")}
        own = {"id": "accuracy", "class": row.get("class"), "unit": "1", "count": row.get("n")}
        yield {"section": "class", "measurement": "accuracy", **own, **made}


def _visualizations(audit: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for made in audit.get("visualizations", ()):
        own = {
            "id": made["name"],
            "layer": made.get("layer"),
            "target": made.get("target"),
            "verdict": made.get("trust"),
        }
        for item in made.get("measurements", ()):
            yield {"section": "visualization", **own, "status": made.get("status"), **_measured(item)}


def _nulls(audit: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for null in audit.get("null_maps", ()):
        for item in null.get("measurements", ()):
            yield {"section": "null_map", "id": null["name"], **_measured(item)}


def _agreement(audit: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Of every two maps once."""
    table = audit.get("agreement") or {}
    names = table.get("names", ())
    for i, first in enumerate(names):
        for j in range(i + 1, len(names)):
            for key, measurement in _AGREEMENT.items():
                if key not in table:
                    continue
                bounds = {end: (table.get(f"{key}_{end}") or table[key])[i][j] for end in ("low", "high")}
                own = {"id": f"{first} × {names[j]}", "value": table[key][i][j], "unit": "1", **bounds}
                counts = table.get("counts")
                yield {
                    "section": "agreement",
                    "measurement": measurement,
                    **own,
                    "count": counts[i][j] if counts else table.get("images"),
                }
