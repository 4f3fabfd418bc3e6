"""The check of answers finds what does not fit the vendor's structure; all other tests here run under it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reporter.sandbox.wp import derive_schemas
from reporter.sandbox.wp.answers import AnswerCheck
from reporter.sandbox.wp.routes import ROUTES
from reporter.sandbox.wp.schemas import structure
from tests.sandbox.wp.conftest import Wire, computer

CHECK = AnswerCheck()
COMPUTER = "GET /computers/{computerID}"


def _problems(value: Any, operation: str = COMPUTER, status: int = 200) -> list[str]:
    return CHECK.problems(operation, status, json.dumps(value).encode())


def test_an_answer_that_fits_has_no_problem() -> None:
    assert _problems({"ID": 1, "agentGUID": "x", "computerStatus": {"agentStatus": "active"}}) == []


def test_an_unknown_property_at_any_depth_is_reported() -> None:
    assert len(_problems({"ID": 1, "dragon": 1})) == 1
    assert len(_problems({"ec2VirtualMachineSummary": {"region": "eu-central-1"}})) == 1


def test_a_wrong_type_choice_or_size_is_reported() -> None:
    assert len(_problems({"ID": "1"})) == 1
    assert len(_problems({"computerStatus": {"agentStatus": "sleepy"}})) == 1
    assert len(_problems({"ID": 2**31})) == 1


def test_an_operation_or_status_the_vendor_has_not_is_reported() -> None:
    assert _problems({}, "GET /alerts")
    assert _problems({}, status=418)
    assert _problems({}, "DELETE /computers/{computerID}")


def test_every_route_is_an_operation_of_the_vendor() -> None:
    assert {route.operation for route in ROUTES} == structure()["operations"].keys()


def test_what_does_not_fit_is_listed_by_the_server(wire: Wire) -> None:
    wire.seed("computers", computer(1, dragon="x"))
    wire.get("/computers/1")
    assert len(wire.control("GET", "/violations")) == 1
    wire.sandbox.state.violations.clear()


def test_the_derived_structure_holds_no_texts() -> None:
    def texts(value: Any) -> set[str]:
        if isinstance(value, dict):
            return set().union(*(texts(item) for item in value.values()))
        if isinstance(value, list):
            return set().union(*map(texts, value))
        return {value} if isinstance(value, str) else set()

    assert not [text for text in texts(structure()) if " " in text]


def _openapi() -> dict[str, Any]:
    """An invented file of the vendor's form that has all operations of the server."""
    thing = {
        "type": "object",
        "description": "A text. Searchable as String or as Numeric.",
        "properties": {
            "score": {"type": "string", "description": "Another. Searchable as String or as Numeric.", "example": "1", "readOnly": True},
            "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
            "kind": {"type": "string", "enum": ["a", "b"]},
        },
    }
    content = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}
    paths: dict[str, Any] = {}
    for route in ROUTES:
        body = {"requestBody": {"$ref": "#/components/requestBodies/body"}} if route.method == "POST" else {}
        answer = {"description": "done"} if route.method == "DELETE" else {"description": "done", **content}
        paths.setdefault(route.template, {})[route.method.lower()] = {"responses": {"200": answer, "403": {"description": "no"}}, **body}
    return {"info": {"version": "1"}, "paths": paths, "components": {"schemas": {"Thing": thing}, "requestBodies": {"body": content}}}


def test_deriving_keeps_the_structure_and_drops_the_rest() -> None:
    derived = derive_schemas.derive(_openapi())
    assert derived["operations"][COMPUTER] == {"statuses": [200, 403], "answer": "Thing"}
    assert derived["operations"]["DELETE /computers/{computerID}"]["answer"] is None
    assert derived["schemas"]["Thing"]["properties"] == {
        "score": {"type": "string", "readOnly": True, "search": ["string", "numeric"]},
        "parts": {"type": "array", "items": {"$ref": "#/schemas/Thing"}},
        "kind": {"type": "string", "enum": ["a", "b"]},
    }


def test_deriving_writes_one_file_that_says_what_it_came_from(tmp_path: Path) -> None:
    source, target = tmp_path / "openapi.json", tmp_path / "schemas.json"
    source.write_text(json.dumps(_openapi()), encoding="utf-8")
    assert derive_schemas.main([str(source), str(target)]) == 0
    written = json.loads(target.read_text(encoding="utf-8"))
    assert (written["version"], len(written["sha256"]), len(written["operations"])) == ("1", 64, len(ROUTES))
