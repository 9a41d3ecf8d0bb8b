"""JSON schema of the spec for editors, with every part's options in it."""

from __future__ import annotations

from typing import Any

from auditor import clauses, registry
from auditor.languages import codes
from auditor.spec.audit_spec import AuditSpec

_PRESETS = ["quick", "standard", "full"]
_KINDS = {"visualizations": "visualizers", "probes": "probes", "metrics": "metrics"}


def spec_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of spec version 1 with the parts that are installed here."""
    schema = AuditSpec.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "auditor spec, version 1"
    for key, kind in _KINDS.items():
        schema["properties"][key] = {
            "description": f"A preset, or a list of presets, names, {{use: name, option: value}}: auditor list {kind}",
            "default": "standard",
            "anyOf": [{"enum": _PRESETS}, {"type": "array", "items": {"anyOf": _entries(kind)}}],
        }
    for key, kind, definition in (("model", "models", "ModelSpec"), ("dataset", "datasets", "DatasetSpec")):
        schema["properties"][key] = {
            "anyOf": [_source(schema["$defs"][definition], kind, n) for n in registry.names(kind)]
        }
    report = schema["$defs"]["ReportSpec"]["properties"]
    report["formats"]["items"] = {"enum": list(registry.names("reports"))}
    report["language"]["enum"] = list(codes())
    profiles = {"anyOf": [{"enum": list(clauses.names())}, {"type": "string", "pattern": r"\.ya?ml$"}]}
    report["profile"] = {
        "description": "Clause maps whose coverage the report shows: shipped ones by name, your own by path.",
        "default": [],
        "anyOf": [profiles, {"type": "array", "items": profiles}],
    }
    return schema


def _entries(kind: str) -> list[dict[str, Any]]:
    """Every way to name a part of a kind in a list."""
    entries: list[dict[str, Any]] = [{"enum": [*_PRESETS, *registry.names(kind)]}]
    for name in registry.names(kind):
        part = registry.load(kind, name)
        own = part.model_json_schema()
        entries.append(
            {
                "type": "object",
                "description": part.summary(),
                "properties": {
                    "use": {"const": name},
                    "required": {"type": "boolean", "default": True},
                    **own.get("properties", {}),
                },
                "required": ["use"],
                "additionalProperties": False,
            }
        )
    return entries


def _source(section: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    """The section's own fields and the source's."""
    part = registry.load(kind, name)
    own = part.model_json_schema()
    return {
        "type": "object",
        "title": f"source: {name}",
        "description": part.summary(),
        "properties": {**section["properties"], **_inlined(own), "source": {"const": name}},
        "required": ["source", *own.get("required", [])],
        "additionalProperties": False,
    }


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """Properties with references to the part's own definitions replaced by what they stand for."""
    definitions = schema.get("$defs", {})

    def resolve(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return resolve(definitions[value["$ref"].rsplit("/", 1)[-1]])
            return {key: resolve(item) for key, item in value.items()}
        return [resolve(item) for item in value] if isinstance(value, list) else value

    resolved: dict[str, Any] = resolve(schema.get("properties", {}))
    return resolved
