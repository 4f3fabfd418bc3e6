from __future__ import annotations

from tests.sandbox.wp.conftest import Wire, rule


def test_a_rule_is_described_as_seeded(wire: Wire) -> None:
    seeded = rule(2874, CVE=["CVE-2019-4279\u00a0", "CVE-CNVD-2019-38290"], CVSSScore="5.00")
    wire.seed("rules", seeded)
    assert wire.get("/intrusionpreventionrules/2874") == seeded


def test_a_hole_in_the_ids_is_404(wire: Wire) -> None:
    wire.seed("rules", rule(1), rule(3))
    assert wire.api("GET", "/intrusionpreventionrules/2").status_code == 404


def test_application_types_are_listed_described_and_searched(wire: Wire) -> None:
    wire.seed("application_types", {"ID": 282, "name": "Web Server Common", "direction": "incoming"}, {"ID": 283, "name": "DNS Client"})
    assert len(wire.get("/applicationtypes")["applicationTypes"]) == 2
    assert wire.get("/applicationtypes/283") == {"ID": 283, "name": "DNS Client"}
    search = {"searchCriteria": [{"fieldName": "direction", "choiceValue": "incoming"}]}
    assert [item["ID"] for item in wire.post("/applicationtypes/search", search)["applicationTypes"]] == [282]
