from __future__ import annotations

import pytest

from tests.sandbox.wp.conftest import VERSION, Wire, computer

KEY = {"Authorization": "ApiKey key-1"}


def _status(wire: Wire, headers: dict[str, str]) -> int:
    return wire.session.get(wire.sandbox.url + "/computers", headers=headers, timeout=20).status_code


def test_a_call_without_api_version_is_refused(wire: Wire) -> None:
    answer = wire.session.get(wire.sandbox.url + "/computers", headers=KEY, timeout=20)
    assert (answer.status_code, list(answer.json())) == (400, ["message"])


def test_another_api_version_is_refused(wire: Wire) -> None:
    assert _status(wire, {**KEY, "api-version": "v2"}) == 400


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "ApiKey wrong"},
        {"Authorization": "Bearer key-1"},
        {"Authorization": "key-1"},
        {"api-secret-key": "key-1"},
        {"Authorization": "ApiKey key-1", "api-secret-key": "key-1"},
    ],
)
def test_anything_but_one_fitting_key_is_401(wire: Wire, headers: dict[str, str]) -> None:
    assert _status(wire, {**VERSION, **headers}) == 401


def test_a_wrong_key_can_be_403(wire: Wire) -> None:
    wire.turn(bad_key_status=403)
    assert _status(wire, VERSION) == 403


def test_the_scheme_word_has_no_case(wire: Wire) -> None:
    assert _status(wire, {**VERSION, "Authorization": "Apikey key-1"}) == 200


def test_a_legacy_key_goes_into_its_own_header_only(wire: Wire) -> None:
    wire.control("POST", "/tenants", {"name": "old", "key": "1:old", "auth": "api-secret-key"})
    assert _status(wire, {**VERSION, "api-secret-key": "1:old"}) == 200
    assert _status(wire, {**VERSION, "Authorization": "ApiKey 1:old"}) == 401


def test_the_key_tells_tenants_apart(wire: Wire) -> None:
    wire.control("POST", "/tenants", {"name": "other", "key": "key-2"})
    wire.seed("computers", computer(1))
    wire.seed("computers", computer(2), tenant="other")
    wire.key = "key-2"
    assert [item["ID"] for item in wire.get("/computers")["computers"]] == [2]


@pytest.mark.parametrize(("kind", "body"), [("json", '{"message":"Invalid API Key"}'), ("empty", "")])
def test_an_error_body_is_what_the_knob_says(wire: Wire, kind: str, body: str) -> None:
    wire.turn(error_body=kind)
    wire.key = "wrong"
    assert wire.api("GET", "/computers").text == body


def test_an_error_body_can_be_html(wire: Wire) -> None:
    wire.turn(error_body="html")
    wire.key = "wrong"
    assert wire.api("GET", "/computers").headers["Content-Type"].startswith("text/html")


def test_answers_name_the_managers_version(wire: Wire) -> None:
    assert wire.api("GET", "/computers").headers["X-DSM-Version"]
