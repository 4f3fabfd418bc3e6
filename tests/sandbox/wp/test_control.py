from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.wp.conftest import Wire, computer


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/settings", {"noSuchKnob": 1}, 400),
        ("/settings", {"delete_status": 201}, 400),
        ("/settings", [], 400),
        ("/tenants", {"name": "x"}, 400),
        ("/tenants", {"name": "x", "key": "k", "auth": "basic"}, 400),
        ("/seed", {"tenant": "main", "kind": "dragons", "items": []}, 400),
        ("/seed", {"tenant": "main", "kind": "computers", "items": [1]}, 400),
        ("/seed", {"tenant": "main", "kind": "computers", "items": [{"hostName": "x"}]}, 400),
        ("/seed", {"tenant": "main", "kind": "rules", "items": [{"ID": "1"}]}, 400),
        ("/seed", {"tenant": "main", "kind": "assignments", "items": [{}]}, 400),
        ("/seed", {"tenant": "nobody", "kind": "computers", "items": []}, 404),
        ("/faults", [{"fault": "dragon"}], 400),
        ("/dragons", {}, 404),
    ],
)
def test_a_control_call_that_makes_no_sense_is_refused_with_a_message(wire: Wire, path: str, body: Any, status: int) -> None:
    answer = wire.session.post(wire.sandbox.address + "/sandbox" + path, json=body, timeout=20)
    assert (answer.status_code, list(answer.json())) == (status, ["message"])


def test_a_path_outside_both_trees_is_404(wire: Wire) -> None:
    assert wire.session.get(wire.sandbox.address + "/rest/alerts", timeout=20).status_code == 404


def test_reset_empties_everything(wire: Wire) -> None:
    wire.seed("computers", computer(1))
    wire.control("POST", "/reset")
    assert wire.api("GET", "/computers").status_code == 401
    wire.control("POST", "/tenants", {"name": "main", "key": "key-1"})
    assert wire.get("/computers") == {"computers": []}


def test_seeding_the_same_id_again_replaces_it(wire: Wire) -> None:
    wire.seed("computers", computer(1, description="old"))
    wire.seed("computers", computer(1))
    assert "description" not in wire.get("/computers/1")


def test_a_key_given_to_another_tenant_moves_there(wire: Wire) -> None:
    wire.control("POST", "/tenants", {"name": "other", "key": "key-1"})
    assert wire.get("/accountdetails/current")["cloudOneAccountName"] == "other"


def test_a_fault_can_be_given_alone(wire: Wire) -> None:
    wire.control("POST", "/faults", {"fault": "access_denied"})
    assert wire.api("GET", "/computers").status_code == 403


def test_a_content_length_that_is_no_number_is_400(wire: Wire) -> None:
    assert wire.api("GET", "/computers", headers={"Content-Length": "many"}).status_code == 400


def test_a_clock_that_was_set_goes_on_from_there(wire: Wire) -> None:
    wire.turn(now=5_000, clock_runs=True)
    assert wire.sandbox.state.clock.now() >= 5_000
    wire.turn(now=None)
    assert wire.sandbox.state.clock.now() > 1_700_000_000_000
