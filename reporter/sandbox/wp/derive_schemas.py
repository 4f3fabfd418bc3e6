"""Derives schemas.json from the vendor's OpenAPI file: structure only, none of its texts.

    python -m reporter.sandbox.wp.derive_schemas path/to/openapi.json [where/to/write.json]

Kept: property names, types, formats, choices, readOnly, required, references, the kinds of search a property allows, and path, method
and statuses of the operations this server has.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

from reporter.sandbox.wp.routes import ROUTES

Json = dict[str, Any]
_KEPT = ("type", "format", "enum", "readOnly", "required")
_SEARCH = re.compile(r"Searchable as ([A-Z][A-Za-z]+)(?: or as ([A-Z][A-Za-z]+))?")


def main(arguments: list[str]) -> int:
    source = Path(arguments[0]).read_bytes()
    target = Path(arguments[1]) if len(arguments) > 1 else Path(__file__).with_name("schemas.json")
    target.write_text(rendered(derive(json.loads(source)), source), encoding="utf-8")
    return 0


def derive(document: Json) -> Json:
    """{"version", "operations", "schemas"} of the operations this server has and the schemas they reach."""
    operations: Json = {}
    reached: dict[str, Json] = {}
    for route in ROUTES:
        declared = document["paths"][route.template][route.method.lower()]
        answer = _schema_name(_followed(document, declared["responses"]["200"]))
        operations[route.operation] = {"statuses": sorted(int(status) for status in declared["responses"]), "answer": answer}
        body = _schema_name(_followed(document, declared["requestBody"])) if "requestBody" in declared else None
        for name in filter(None, (answer, body)):
            _reach(document, name, reached)
    return {"version": document["info"]["version"], "operations": dict(sorted(operations.items())), "schemas": dict(sorted(reached.items()))}


def rendered(derived: Json, source: bytes) -> str:
    """One operation and one schema a line, so that a change is seen where it is."""
    head = {"version": derived["version"], "sha256": hashlib.sha256(source).hexdigest()}
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    for part in ("operations", "schemas"):
        inner = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in derived[part].items())
        lines.append(f' "{part}": {{\n{inner}\n }}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _followed(document: Json, node: Json) -> Json:
    while "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def _schema_name(node: Json) -> str | None:
    for content in node.get("content", {}).values():
        return str(content["schema"]["$ref"].rsplit("/", 1)[1])
    return None


def _reach(document: Json, name: str, reached: dict[str, Json]) -> None:
    if name not in reached:
        reached[name] = {}
        reached[name] = _structure(document, document["components"]["schemas"][name], reached)


def _structure(document: Json, node: Json, reached: dict[str, Json]) -> Json:
    kept: Json = {key: node[key] for key in _KEPT if key in node}
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[1]
        _reach(document, name, reached)
        kept["$ref"] = f"#/schemas/{name}"
    words = [word.lower() for found in _SEARCH.findall(node.get("description", "")) for word in found if word]
    if words:
        kept["search"] = words
    if "items" in node:
        kept["items"] = _structure(document, node["items"], reached)
    if "properties" in node:
        kept["properties"] = {key: _structure(document, value, reached) for key, value in node["properties"].items()}
    return kept


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
