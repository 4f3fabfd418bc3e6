from __future__ import annotations

import pytest

from tests.sandbox.wp.conftest import NOW, Wire, computer, rule

FULL = computer(
    4,
    policyID=9,
    agentGUID="a-b",
    description=None,
    groupID=0,
    ec2VirtualMachineSummary={"instanceID": "i-0a", "metadata": [{"name": "Name", "value": None}]},
    noConnectorVirtualMachineSummary={"instanceID": "i-0a", "region": "eu-central-1"},
    tasks={},
    securityUpdates={"updateStatus": {"status": "active"}},
    interfaces={"interfaces": []},
    antiMalware={"state": "on"},
    intrusionPrevention={"state": "prevent", "ruleIDs": [7]},
)
BASIC = {"ID", "hostName", "policyID", "agentGUID", "groupID"}


@pytest.mark.parametrize(
    ("expand", "parts"),
    [
        (["none"], set()),
        (["computerStatus"], {"computerStatus"}),
        (["tasks", "intrusionPrevention"], {"tasks", "intrusionPrevention"}),
        (["allSecurityModules"], {"antiMalware", "intrusionPrevention"}),
        (["allVirtualMachineSummaries"], {"ec2VirtualMachineSummary", "noConnectorVirtualMachineSummary"}),
        (["none", "tasks"], {"tasks"}),
        (["all"], FULL.keys() - BASIC - {"description"}),
        ([], FULL.keys() - BASIC - {"description"}),
    ],
)
def test_expand_brings_exactly_the_parts_it_names(wire: Wire, expand: list[str], parts: set[str]) -> None:
    wire.seed("computers", FULL)
    assert wire.get("/computers/4", expand=expand).keys() == BASIC | parts
    assert wire.get("/computers", expand=expand)["computers"][0].keys() == BASIC | parts
    assert wire.post("/computers/search", {}, expand=expand)["computers"][0].keys() == BASIC | parts


@pytest.mark.parametrize("expand", ["everything", "computerstatus", "tasks,computerStatus"])
def test_an_unknown_expand_is_400(wire: Wire, expand: str) -> None:
    assert wire.api("GET", "/computers", params={"expand": expand}).status_code == 400


def test_null_properties_are_left_out_at_every_depth(wire: Wire) -> None:
    wire.seed("computers", FULL)
    found = wire.get("/computers/4")
    assert "description" not in found
    assert found["ec2VirtualMachineSummary"]["metadata"] == [{"name": "Name"}]


def test_overrides_must_be_a_boolean(wire: Wire) -> None:
    wire.seed("computers", FULL)
    assert wire.api("GET", "/computers", params={"overrides": "yes"}).status_code == 400


def test_overrides_show_only_what_is_set_on_the_computer(wire: Wire) -> None:
    wire.seed("computers", FULL)
    wire.seed("rules", rule(12))
    assert wire.get("/computers/4", overrides="true").keys() == BASIC
    wire.post("/computers/4", {"antiMalware": {"state": "off"}, "intrusionPrevention": {"ruleIDs": [12]}})
    wire.post("/computers/4/settings/firewallSettingEngineOptionsEnabled", {"value": "true"})
    found = wire.get("/computers/4", overrides="true")
    assert found["antiMalware"] == {"state": "off"}
    assert found["intrusionPrevention"] == {"ruleIDs": [12]}
    assert found["computerSettings"] == {"firewallSettingEngineOptionsEnabled": {"value": "true"}}


def test_overrides_can_come_without_the_id(wire: Wire) -> None:
    wire.turn(overrides_id="without")
    wire.seed("computers", FULL)
    assert "ID" not in wire.get("/computers/4", overrides="true")


def test_a_module_without_a_state_of_its_own_has_its_policys(wire: Wire) -> None:
    wire.seed("policies", {"ID": 5, "name": "root", "logInspection": {"state": "on"}}, {"ID": 9, "name": "web", "parentID": 5})
    wire.seed("computers", computer(4, policyID=9, logInspection={}, firewall={}))
    found = wire.get("/computers/4")
    assert (found["logInspection"], found["firewall"]) == ({"state": "on"}, {})


def test_modify_changes_what_is_given_and_nothing_else(wire: Wire) -> None:
    wire.seed("computers", FULL)
    before = wire.get("/computers/4")
    answer = wire.post("/computers/4", {"description": "web", "antiMalware": {"state": "off"}, "displayName": None, "noSuchThing": 1})
    assert answer == wire.get("/computers/4") == {**before, "description": "web", "antiMalware": {"state": "off"}, "lastSendPolicyRequest": NOW}


def test_read_only_properties_are_not_written(wire: Wire) -> None:
    wire.seed("computers", FULL)
    before = wire.get("/computers/4")
    assert wire.post("/computers/4", {"ID": 5, "agentVersion": "9", "computerStatus": {"agentStatus": "error"}}) == {
        **before,
        "lastSendPolicyRequest": NOW,
    }


def test_inherited_takes_the_computers_own_state_away(wire: Wire) -> None:
    wire.seed("policies", {"ID": 9, "name": "web", "antiMalware": {"state": "off"}})
    wire.seed("computers", FULL)
    assert wire.post("/computers/4", {"antiMalware": {"state": "inherited"}})["antiMalware"] == {"state": "off"}


def test_zero_takes_a_policy_away(wire: Wire) -> None:
    wire.seed("computers", FULL)
    found = wire.post("/computers/4", {"policyID": 0, "groupID": 0, "relayListID": 0})
    assert "policyID" not in found
    assert (found["groupID"], found["relayListID"]) == (0, 0)


@pytest.mark.parametrize("body", [{"policyID": 999}, {"policyID": "9"}, {"antiMalware": {"state": "ON"}}, {"hostName": 1}, {"policyID": True}])
def test_a_wrong_value_is_400(wire: Wire, body: dict[str, object]) -> None:
    wire.seed("computers", FULL)
    assert wire.api("POST", "/computers/4", json=body).status_code == 400


@pytest.mark.parametrize("status", [200, 204])
def test_delete_answers_what_the_knob_says_and_the_computer_is_gone(wire: Wire, status: int) -> None:
    wire.turn(delete_status=status)
    wire.seed("computers", FULL)
    answer = wire.api("DELETE", "/computers/4")
    assert (answer.status_code, answer.content) == (status, b"")
    assert wire.api("GET", "/computers/4").status_code == 404
    assert wire.api("DELETE", "/computers/4").status_code == 404


def test_settings_are_set_inherited_and_reset(wire: Wire) -> None:
    name = "firewallSettingEngineOptionsEnabled"
    wire.seed("policies", {"ID": 9, "name": "web", "policySettings": {name: {"value": "true"}}})
    wire.seed("computers", FULL)
    path = f"/computers/4/settings/{name}"
    assert wire.get(path) == {"value": "true"}
    assert wire.get(path, overrides="true") == {}
    assert wire.post(path, {"value": "false"}) == {"value": "false"}
    assert wire.get("/computers/4", expand="computerSettings")["computerSettings"] == {name: {"value": "false"}}
    assert wire.api("DELETE", path).json() == {"value": "true"}


def test_a_setting_nobody_set_is_empty(wire: Wire) -> None:
    wire.seed("computers", FULL)
    assert wire.get("/computers/4/settings/firewallSettingEngineOptionsEnabled") == {"value": ""}


def test_an_unknown_setting_is_404_and_one_without_value_400(wire: Wire) -> None:
    wire.seed("computers", FULL)
    assert wire.api("GET", "/computers/4/settings/noSuchSetting").status_code == 404
    assert wire.api("POST", "/computers/4/settings/firewallSettingEngineOptionsEnabled", json={}).status_code == 400


@pytest.mark.parametrize("path", ["/alerts", "/computers/x", "/computers/4/events", "/ipsrules", "/searches/eventsantimalware", "/"])
def test_what_the_api_does_not_have_is_404(wire: Wire, path: str) -> None:
    answer = wire.api("GET", path)
    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})


def test_a_method_the_api_does_not_have_is_404(wire: Wire) -> None:
    wire.seed("computers", FULL)
    assert wire.api("PATCH", "/computers/4", json={}).status_code == 404


def test_a_trailing_slash_is_accepted_unless_turned_off(wire: Wire) -> None:
    assert wire.api("GET", "/computers/").status_code == 200
    wire.turn(trailing_slash=False)
    assert wire.api("GET", "/computers/").status_code == 404


def test_a_change_of_nothing_sends_nothing(wire: Wire) -> None:
    wire.seed("computers", FULL)
    before = wire.get("/computers/4")
    assert wire.post("/computers/4", {"noSuchThing": 1}) == before
