from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.wp.conftest import Wire, computer, rule

SETTING = "platformSettingRecommendationOngoingScansInterval"


@pytest.fixture
def tree(wire: Wire) -> Wire:
    wire.seed("rules", *(rule(number, applicationTypeID=100 + number) for number in range(1, 10)))
    wire.seed(
        "policies",
        {
            "ID": 5,
            "name": "Base",
            "parentID": 0,
            "intrusionPrevention": {"state": "prevent", "moduleStatus": {"status": "active"}, "ruleIDs": [1, 2]},
            "policySettings": {SETTING: {"value": "7 Days"}},
        },
        {"ID": 9, "name": "Linux", "parentID": 5, "intrusionPrevention": {"ruleIDs": [2, 3]}},
        {"ID": 12, "name": "Web", "parentID": 9, "recommendationScanMode": "ongoing", "intrusionPrevention": {"state": "detect"}},
    )
    return wire


def _policies(wire: Wire, **query: Any) -> dict[int, dict[str, Any]]:
    return {item["ID"]: item for item in wire.get("/policies", **query)["policies"]}


def test_a_child_has_its_parents_rules_and_its_own(tree: Wire) -> None:
    found = _policies(tree)
    assert [found[key]["intrusionPrevention"]["ruleIDs"] for key in (5, 9, 12)] == [[1, 2], [1, 2, 3], [1, 2, 3]]
    assert found[12]["intrusionPrevention"]["applicationTypeIDs"] == [101, 102, 103]


def test_the_nearest_state_and_setting_win(tree: Wire) -> None:
    found = _policies(tree)
    assert [found[key]["intrusionPrevention"]["state"] for key in (5, 9, 12)] == ["prevent", "prevent", "detect"]
    assert found[12]["policySettings"] == {SETTING: {"value": "7 Days"}}


def test_overrides_show_only_the_policys_own(tree: Wire) -> None:
    found = _policies(tree, overrides="true")
    assert [found[key].get("intrusionPrevention") for key in (9, 12)] == [{"ruleIDs": [2, 3]}, {"state": "detect"}]
    assert "policySettings" not in found[9]


def test_overrides_can_come_without_the_id(tree: Wire) -> None:
    tree.turn(overrides_id="without")
    assert "ID" not in tree.get("/policies/9", overrides="true")


def test_the_root_has_no_parent(tree: Wire) -> None:
    assert "parentID" not in tree.get("/policies/5")


def test_policies_are_searched(tree: Wire) -> None:
    criterion = {"fieldName": "recommendationScanMode", "choiceValue": "ongoing"}
    assert [item["name"] for item in tree.post("/policies/search", {"searchCriteria": [criterion]})["policies"]] == ["Web"]


def test_modify_merges_modules_and_sets_own_rules(tree: Wire) -> None:
    found = tree.post("/policies/9", {"description": "hosts", "intrusionPrevention": {"state": "detect", "ruleIDs": [4]}})
    assert found["description"] == "hosts"
    assert found["intrusionPrevention"]["state"] == "detect"
    assert found["intrusionPrevention"]["ruleIDs"] == [1, 2, 4]


def test_inherited_takes_a_policys_own_state_away(tree: Wire) -> None:
    assert tree.post("/policies/12", {"intrusionPrevention": {"state": "inherited"}})["intrusionPrevention"]["state"] == "prevent"


def test_parent_zero_makes_a_root(tree: Wire) -> None:
    found = tree.post("/policies/9", {"parentID": 0})
    assert "parentID" not in found
    assert found["intrusionPrevention"]["ruleIDs"] == [2, 3]


@pytest.mark.parametrize("parent", [999, 9, 12])
def test_a_policy_cannot_lie_under_itself_or_nothing(tree: Wire, parent: int) -> None:
    assert tree.api("POST", "/policies/9", json={"parentID": parent}).status_code == 400


def test_a_policy_in_use_is_not_deleted(tree: Wire) -> None:
    assert tree.api("DELETE", "/policies/5").status_code == 400
    tree.seed("computers", computer(1, policyID=12))
    assert tree.api("DELETE", "/policies/12").status_code == 400
    tree.post("/computers/1", {"policyID": 0})
    assert tree.api("DELETE", "/policies/12").status_code == 200
    assert tree.api("GET", "/policies/12").status_code == 404


def test_policy_settings_are_set_and_reset(tree: Wire) -> None:
    path = f"/policies/9/settings/{SETTING}"
    assert tree.get(path) == {"value": "7 Days"}
    assert tree.post(path, {"value": "14 Days"}) == {"value": "14 Days"}
    assert tree.api("DELETE", path).json() == {"value": "7 Days"}


def test_a_circle_of_parents_ends(tree: Wire) -> None:
    tree.seed("policies", {"ID": 20, "name": "a", "parentID": 21}, {"ID": 21, "name": "b", "parentID": 20, "intrusionPrevention": {"ruleIDs": [8]}})
    assert tree.get("/policies/20")["intrusionPrevention"]["ruleIDs"] == [8]


def test_a_change_of_nothing_sends_nothing(tree: Wire) -> None:
    tree.seed("computers", computer(1, policyID=9))
    tree.post("/policies/9", {"noSuchThing": 1})
    assert "lastSendPolicyRequest" not in tree.get("/computers/1")
