"""What the rules, the policy and the agent make of one CVE on one kind of host."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from reporter.core.records import records
from reporter.joins.shields import Mode, Setup, setup_of, shields
from reporter.tables.joined import INSTANCES
from reporter.tables.workload_protection import WP_COMPUTERS, WP_POLICIES, WP_POLICY_RULES, WP_RULES
from tests.joins.made import HOSTILE, MAIN, NOW, computer, policy, row, rule, world

CVE, OTHER = "CVE-2024-0001", "CVE-2024-0002"
FIRST, SECOND, THIRD = 11, 12, 13
UNSEEN = "an exact rule exists, and the host's policy is not among those that the key may see"


def instance_of(**values: Any) -> Any:
    made = {"protection": "protected", "tenant": MAIN, "policy_id": 9, "intrusion_prevention": "prevent", "computer_id": 7, **values}
    return records(INSTANCES.frame([row(INSTANCES, instance_id="i-1", state="running", **made)]))[0]


def computer_of(**values: Any) -> Any:
    return records(WP_COMPUTERS.frame([computer(7, "i-1", **values)]))[0]


def said(rules: list[Any], *setups: Setup, policies: list[Any] | None = None, own: Any = (), cves: tuple[str, ...] = (CVE,)) -> list[Any]:
    """What is said of every CVE on every setup, setup by setup."""
    made = world((WP_RULES, rules), (WP_POLICIES, [policy()] if policies is None else policies), (WP_POLICY_RULES, own))
    which, cve = np.repeat(np.arange(len(setups)), len(cves)), np.tile(np.arange(len(cves)), len(setups))
    codes, words = shields(made, setups, which, cve, cves).told()
    return [words[code] for code in codes]


def setup(*on_agent: int, mode: Mode = Mode.PREVENT, policy_id: int | None = 9, hindrance: str = "", tenant: str = MAIN) -> Setup:
    return Setup(tenant, policy_id, on_agent, mode, hindrance)


def soft(rule_id: int, detect_only: bool = True, **values: Any) -> tuple[Any, ...]:
    return row(WP_POLICY_RULES, **{"policy_id": 9, "rule_id": rule_id, "detect_only": detect_only, **values})


BEFORE, AFTER = NOW - timedelta(hours=2), NOW - timedelta(hours=1)


@pytest.mark.parametrize(
    ("instance", "agent", "mode", "hindrance"),
    [
        ({}, {}, Mode.PREVENT, ""),
        ({"intrusion_prevention": "detect"}, {}, Mode.DETECT, ""),
        ({"intrusion_prevention": None}, {}, Mode.UNTOLD, ""),
        ({"intrusion_prevention": "a newer word"}, {}, Mode.UNTOLD, ""),
        ({"intrusion_prevention": "off"}, {}, Mode.HINDERED, "the IPS module is not running (off)"),
        ({"intrusion_prevention": "inactive"}, {}, Mode.HINDERED, "the IPS module is not running (inactive)"),
        ({"protection": "offline"}, {}, Mode.HINDERED, "the agent is offline"),
        ({"protection": "offline", "intrusion_prevention": "off"}, {}, Mode.HINDERED, "the agent is offline"),
        ({"protection": "no_policy", "policy_id": None}, {}, Mode.PREVENT, ""),
        ({}, {"last_policy_request": AFTER}, Mode.HINDERED, "the policy was not yet sent to the agent"),
        ({}, {"last_policy_request": AFTER, "last_policy_success": BEFORE}, Mode.HINDERED, "the policy was not yet sent to the agent"),
        ({}, {"last_policy_request": BEFORE, "last_policy_success": AFTER}, Mode.PREVENT, ""),
        ({}, {"last_policy_request": AFTER, "last_policy_success": AFTER}, Mode.PREVENT, ""),
        ({}, {"last_policy_success": BEFORE}, Mode.PREVENT, ""),
        ({"intrusion_prevention": None}, {"last_policy_request": AFTER}, Mode.HINDERED, "the policy was not yet sent to the agent"),
        ({"intrusion_prevention": "off"}, {"last_policy_request": AFTER}, Mode.HINDERED, "the IPS module is not running (off)"),
    ],
)
def test_a_setup_says_how_the_module_runs_and_what_hinders_it(instance: dict[str, Any], agent: dict[str, Any], mode: Mode, hindrance: str) -> None:
    found = setup_of(instance_of(**instance), computer_of(ips_rule_ids=(FIRST,), **agent))
    assert (found.mode, found.hindrance, found.agent_rules, found.tenant) == (mode, hindrance, (FIRST,), MAIN)


def test_hosts_that_look_alike_to_every_rule_share_one_setup() -> None:
    one, other = (setup_of(instance_of(name=name), computer_of(host_name=name)) for name in ("a", "b"))
    assert one == other
    assert hash(one) == hash(other)


@pytest.mark.parametrize(
    ("on_rule", "on_policy", "policy_id", "state"),
    [
        (False, None, 9, "prevented"),
        (True, None, 9, "detect_only"),
        (False, True, 9, "detect_only"),
        (True, True, 9, "detect_only"),
        (True, False, 9, "prevented"),
        (False, False, 9, "prevented"),
        (True, False, None, "detect_only"),
        (False, True, None, "prevented"),
    ],
)
def test_the_policys_word_on_detection_goes_before_the_rules(on_rule: bool, on_policy: bool | None, policy_id: int | None, state: str) -> None:
    own = [] if on_policy is None else [soft(FIRST, on_policy)]
    assert said([rule(FIRST, detect_only=on_rule)], setup(FIRST, policy_id=policy_id), own=own)[0][0] == state


def test_another_policys_word_on_detection_is_not_this_ones() -> None:
    own = [soft(FIRST, policy_id=8), soft(FIRST, tenant="other")]
    assert said([rule(FIRST)], setup(FIRST), own=own)[0][0] == "prevented"


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"type": "vulnerability"}, "prevented"),
        ({"type": "exploit"}, "prevented"),
        ({"type": "smart"}, "prevented"),
        ({"type": "custom"}, "prevented"),
        ({"type": "hidden"}, "generic_only"),
        ({"type": "policy"}, "generic_only"),
        ({"type": "info"}, "generic_only"),
        ({"type": "unknown"}, "generic_only"),
        ({"type": HOSTILE}, "generic_only"),
        ({"cves": (CVE, *(f"CVE-2020-{number:04}" for number in range(9)))}, "prevented"),
        ({"cves": (CVE, *(f"CVE-2020-{number:04}" for number in range(10)))}, "generic_only"),
    ],
)
def test_only_an_exact_rule_counts_even_when_it_is_on_the_agent(changes: dict[str, Any], state: str) -> None:
    assert said([rule(FIRST, **changes)], setup(FIRST))[0][0] == state


PAIRS = [
    ("prevented", setup(FIRST), [rule(FIRST)], []),
    ("detect_only", setup(FIRST, mode=Mode.DETECT), [rule(FIRST)], []),
    ("unknown", setup(FIRST, mode=Mode.UNTOLD), [rule(FIRST)], []),
    ("assigned_not_effective", setup(), [rule(FIRST)], [policy(FIRST)]),
    ("available", setup(), [rule(FIRST)], []),
    ("generic_only", setup(), [rule(FIRST, type="info")], []),
    ("no_rule", setup(), [], []),
]


@pytest.mark.parametrize(("state", "host", "rules", "policies"), PAIRS, ids=[pair[0] for pair in PAIRS])
def test_a_rule_that_is_not_exact_changes_no_state_but_the_last(state: str, host: Setup, rules: list[Any], policies: list[Any]) -> None:
    """The generic rule is on the agent and on the policy."""
    generic = rule(THIRD, type="policy")
    host = setup(*host.agent_rules, THIRD, mode=host.mode)
    found = said([*rules, generic], host, policies=policies or [policy(THIRD)])[0]
    assert found[0] == ("generic_only" if state == "no_rule" else state)


@pytest.mark.parametrize(
    ("host", "policies", "own", "state", "identifiers", "less"),
    [
        (setup(FIRST, SECOND), [policy()], [], "prevented", ("1000011", "1000012"), ""),
        (setup(FIRST), [policy(SECOND)], [], "prevented", ("1000011",), "1000012"),
        (setup(FIRST), [policy()], [], "prevented", ("1000011",), "1000012"),
        (setup(FIRST, SECOND), [policy()], [soft(FIRST)], "prevented", ("1000012",), "1000011"),
        (setup(FIRST, SECOND), [policy()], [soft(FIRST), soft(SECOND)], "detect_only", ("1000011", "1000012"), ""),
        (setup(FIRST), [policy(SECOND)], [soft(FIRST)], "detect_only", ("1000011",), "1000012"),
        (setup(), [policy(SECOND)], [], "assigned_not_effective", ("1000012",), "1000011"),
        (setup(FIRST, mode=Mode.HINDERED, hindrance="x"), [policy(SECOND)], [], "assigned_not_effective", ("1000011", "1000012"), ""),
        (setup(), [policy()], [], "available", ("1000011", "1000012"), ""),
    ],
)
def test_of_several_exact_rules_the_best_decides_and_the_others_are_named(
    host: Setup, policies: list[Any], own: list[Any], state: str, identifiers: tuple[str, ...], less: str
) -> None:
    found = said([rule(FIRST), rule(SECOND)], host, policies=policies, own=own)[0]
    assert found[:2] == (state, identifiers)
    assert found[2].partition("; further exact rules for this CVE that do less: ")[2] == less


@pytest.mark.parametrize(
    ("host", "state"),
    [
        (setup(FIRST), "unknown"),
        (setup(), "unknown"),
        (setup(FIRST, mode=Mode.UNTOLD), "unknown"),
        (setup(FIRST, mode=Mode.DETECT), "detect_only"),
        (setup(FIRST, mode=Mode.HINDERED, hindrance="the agent is offline"), "assigned_not_effective"),
        (setup(mode=Mode.HINDERED, hindrance="the agent is offline"), "unknown"),
        (setup(FIRST, policy_id=None), "prevented"),
        (setup(policy_id=None), "available"),
    ],
)
def test_a_policy_that_the_key_may_not_see_is_unknown_where_it_could_change_the_state(host: Setup, state: str) -> None:
    assert said([rule(FIRST)], host, policies=[policy(policy_id=8)])[0][0] == state


def test_a_policy_that_the_key_may_not_see_is_named_as_the_cause() -> None:
    assert said([rule(FIRST)], setup(), policies=[]) == [("unknown", ("1000011",), UNSEEN)]


@pytest.mark.parametrize(("rules", "state"), [([rule(FIRST, type="info")], "generic_only"), ([], "no_rule")])
def test_a_policy_that_the_key_may_not_see_does_not_matter_without_an_exact_rule(rules: list[Any], state: str) -> None:
    assert said(rules, setup(), policies=[])[0][0] == state


def test_a_rule_without_identifier_is_named_by_its_id() -> None:
    assert said([rule(FIRST, identifier=None)], setup(FIRST))[0][1] == ("id 11",)


def test_two_rules_of_one_identifier_are_named_once() -> None:
    assert said([rule(FIRST, identifier="1000011"), rule(SECOND, identifier="1000011")], setup())[0][1] == ("1000011",)


def test_ids_are_looked_up_in_the_hosts_own_tenant() -> None:
    rules = [rule(FIRST), rule(FIRST, OTHER, tenant="other")]
    policies = [policy(), policy(tenant="other")]
    found = said(rules, setup(FIRST), setup(FIRST, tenant="other"), policies=policies, cves=(CVE, OTHER))
    assert [words[0] for words in found] == ["prevented", "no_rule", "no_rule", "prevented"]


def test_hosts_with_other_hindrances_are_told_their_own() -> None:
    hosts = [setup(FIRST, mode=Mode.HINDERED, hindrance=cause) for cause in ("the agent is offline", "the IPS module is not running (off)")]
    assert [words[2] for words in said([rule(FIRST)], *hosts)] == [f"assigned, but {host.hindrance}" for host in hosts]


def test_the_order_of_rules_and_hosts_changes_nothing() -> None:
    rules = [rule(FIRST), rule(SECOND, detect_only=True), rule(THIRD, type="info")]
    hosts = [setup(FIRST, SECOND), setup(SECOND), setup()]
    straight = dict(zip(hosts, said(rules, *hosts), strict=True))
    for order in permutations(range(3)):
        turned = [hosts[number] for number in order]
        assert dict(zip(turned, said([rules[number] for number in order], *turned), strict=True)) == straight


def test_no_pairs_need_no_rules() -> None:
    nothing = np.array([], dtype=np.int64)
    codes, _ = shields(world(), [], nothing, nothing, ()).told()
    assert len(codes) == 0
