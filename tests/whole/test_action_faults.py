"""Actions while the wire, the servers or the world go wrong: what is said of a change then, that it is made once, and that the next run completes it.

Whatever went wrong, the same approved plan applied once more, in good weather, comes to the state of an apply that met no trouble.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as some

from reporter import acting
from reporter.acting import Act
from reporter.clients.store import FolderStore
from reporter.core.change import Change
from reporter.core.past import Past
from reporter.state import journal
from tests.actions import shop
from tests.actions.hands import NOW
from tests.examples import examples
from tests.joins.made import A, B
from tests.sandbox.aws.samples import managed_rule
from tests.whole.bench import RECOMMENDED, SCANNED, TOGETHER, Bench, benches

SCANS = ("integrity_scan", "recommendation_scan")
UNDOABLE = ("assign_ips_rule", "attach_managed_rule_group", "recommendation_results")
AT_WEB = f"/policies/{shop.WEB}/intrusionprevention"
AT_COMPUTER = "/computers/75/intrusionprevention"
TASKS = "/scheduledtasks"
LINGERS = {"task_removal_delay": 3600.0}
NEVER = {"scan_delay": 10.0**9}
NO_WAIT = {"wait": "0m"}
OTHER_KEY = "another-key-of-the-sandbox"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with benches(tmp_path_factory.mktemp("faults"), (A, B)) as running:
        yield running


@dataclass
class Chain:
    """Runs of one chain at the bench, and the plan that was approved."""

    bench: Bench
    folder: Path
    changes: list[Change]
    run: int = 0

    def apply(self, changes: Sequence[Change] | None = None, *, now: datetime = NOW, plan: str = "hash", **more: Any) -> dict[str, Act]:
        """The next run; its last row of each change, by action, and by target where an action has several."""
        self.run += 1
        rows = self.bench.changing(self.folder, self.run, now, **more).approved(self.changes if changes is None else changes, plan)
        return self._by_key(rows)

    def undo(self, **more: Any) -> dict[str, Act]:
        self.run += 1
        return self._by_key(self.bench.changing(self.folder, self.run, **more).undone("main-000001"))

    def _by_key(self, rows: Sequence[Act]) -> dict[str, Act]:
        """What was looked at first is told again where it was applied again: as skipped."""
        found: dict[str, Act] = {}
        for row in rows:
            if row.change.key not in found or row.state.value != "skipped":
                found[row.change.key] = row
        return found

    def past(self) -> Past:
        return journal.read(FolderStore(self.folder))


@pytest.fixture(scope="module")
def plans() -> dict[tuple[str, ...], list[Change]]:
    """What was planned at the start, by the web ACLs that were there."""
    return {}


@pytest.fixture
def chain(bench: Bench, plans: dict[tuple[str, ...], list[Change]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Chain:
    monkeypatch.setattr(acting, "FIRST_PAUSE", 0.02)
    bench.start_over()
    if tuple(bench.acls) not in plans:
        plans[tuple(bench.acls)] = bench.plan()
    return Chain(bench, tmp_path / "state", plans[tuple(bench.acls)])


@dataclass(frozen=True)
class Good:
    """What an apply and its undo come to without trouble."""

    holds: dict[str, Any]
    effects: Counter[str]
    mails: list[str]
    undone: dict[str, Any]
    undo_effects: Counter[str]


@pytest.fixture(scope="module")
def good(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], Good]:
    """By whether tasks linger."""
    known: dict[bool, Good] = {}

    def of(lingers: bool) -> Good:
        if lingers not in known:
            bench.start_over(**(LINGERS if lingers else {}))
            chain = Chain(bench, tmp_path_factory.mktemp("good") / "state", bench.plan())
            assert states(chain.apply()) == {"verified"}
            holds, effects, mails = bench.holds(), bench.effects(), bench.mails()
            bench.forget()
            chain.undo()
            known[lingers] = Good(holds, effects, mails, bench.holds(), bench.effects())
        return known[lingers]

    of(False), of(True)
    return of


def states(rows: dict[str, Act]) -> set[str]:
    return {row.state.value for row in rows.values()}


def row_of(rows: dict[str, Act], action: str) -> Act:
    (row,) = [row for row in rows.values() if row.change.action == action]
    return row


def same(holds: dict[str, Any], good: Good) -> None:
    """Web ACLs are named anew where one was deleted before: they are compared by their account."""
    told = [{**one, "acls": sorted(_plain(acl) for acl in one["acls"].values())} for one in (holds, good.holds)]
    assert told[0] == told[1]


def _plain(acl: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in acl.items() if name not in ("ARN", "Id")}, sort_keys=True)


# throttled


def test_bursts_of_429_are_waited_out_and_each_change_is_made_once(chain: Chain, good: Callable[[bool], Good]) -> None:
    chain.bench.state.turn({"rate_limit": 15, "rate_window": 0.3})
    chain.bench.fault("throttle", f"{AT_WEB}/assignments", method="POST")
    chain.bench.aws.fault("wafv2", "throttle", operation="UpdateWebACL", account=A, times=1)
    rows = chain.apply(tenants=[{"patience": 30}], aws={"max_attempts": 3})
    assert sum(call["status"] == 429 for call in chain.bench.state.calls) > 1
    assert states(rows) == {"verified"}
    chain.bench.state.turn({"rate_limit": 1_000_000})
    same(chain.bench.holds(), good(False))
    assert (chain.bench.effects(), chain.bench.mails()) == (good(False).effects, good(False).mails)


def test_a_burst_that_outlasts_all_patience_is_a_failed_change_that_the_same_plan_makes_later(chain: Chain, good: Callable[[bool], Good]) -> None:
    chain.bench.fault("throttle", TASKS, method="POST", times=None)
    chain.bench.fault("throttle", f"{AT_COMPUTER}/assignments", method="POST", times=None)
    rows = chain.apply()
    failed = {row.change.action: row.error for row in rows.values() if row.state.value == "failed"}
    assert failed.keys() == {*SCANS, "recommendation_results"}
    assert all("429" in error for error in failed.values())
    chain.bench.heal()
    again = chain.apply()
    assert {row.change.action for row in again.values() if row.state.value == "verified"} == failed.keys()
    same(chain.bench.holds(), good(False))
    assert chain.bench.effects() == good(False).effects


# a write that loses its answer, or its way

KINDS = {
    "a task": ("recommendation_scan", "POST", TASKS),
    "a setting of a rule": ("assign_ips_rule", "POST", f"{AT_WEB}/rules/{shop.NEEDED}"),
    "rules of a policy": ("assign_ips_rule", "POST", f"{AT_WEB}/assignments"),
    "rules of a computer": ("recommendation_results", "POST", f"{AT_COMPUTER}/assignments"),
    "the deletion of a task": ("integrity_scan", "DELETE", TASKS),
}
TAKEN_AWAY = {
    "a rule of a policy": ("assign_ips_rule", f"{AT_WEB}/assignments/{shop.NEEDED}"),
    "a setting of a rule": ("assign_ips_rule", f"{AT_WEB}/rules/{shop.NEEDS}"),
    "a rule of a computer": ("recommendation_results", f"{AT_COMPUTER}/assignments/16"),
}
LOST_ANSWERS = [("error", True), ("reset", True), ("malformed", False), ("truncated", False), ("timeout", True)]
LOST_CALLS = [("error", False), ("reset", False), ("timeout", False)]


def patience(fault: str) -> dict[str, Any]:
    """A reader who does not wait for long, where nothing will come."""
    return {"tenants": [{"timeout": 1.0}]} if fault == "timeout" else {}


def only(chain: Chain, *actions: str) -> list[Change]:
    return [change for change in chain.changes if change.action in actions]


@pytest.mark.parametrize(("fault", "after"), LOST_ANSWERS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_a_write_that_took_effect_and_lost_its_answer_is_made_once_and_verified(
    chain: Chain, good: Callable[[bool], Good], kind: str, fault: str, after: bool
) -> None:
    action, method, path = KINDS[kind]
    chain.bench.state.turn(LINGERS)
    exact = path if path != TASKS or method == "DELETE" else "/scheduledtask*s"
    chain.bench.fault(fault, exact, method=method, after=after)
    rows = chain.apply(**patience(fault))
    assert states(rows) == {"verified"}, row_of(rows, action)
    same(chain.bench.holds(), good(True))
    assert chain.bench.effects() == good(True).effects


@pytest.mark.parametrize(("fault", "after"), LOST_CALLS, ids=str)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "a task"])
def test_a_write_that_never_arrived_is_made_after_a_look(chain: Chain, good: Callable[[bool], Good], kind: str, fault: str, after: bool) -> None:
    action, method, path = KINDS[kind]
    chain.bench.state.turn(LINGERS)
    chain.bench.fault(fault, path, method=method, after=after)
    rows = chain.apply(**patience(fault))
    assert states(rows) == {"verified"}, row_of(rows, action)
    same(chain.bench.holds(), good(True))


@pytest.mark.parametrize(("fault", "after"), LOST_CALLS, ids=str)
def test_a_task_that_may_have_been_created_is_not_created_again(chain: Chain, fault: str, after: bool) -> None:
    chain.bench.fault(fault, "/scheduledtask*s", method="POST", after=after)
    changes = only(chain, "recommendation_scan")
    for number in range(3):
        row = row_of(chain.apply(changes, now=NOW + timedelta(hours=number), actions=NO_WAIT, **patience(fault)), "recommendation_scan")
        assert (row.state.value, "0 of 1 confirmed" in row.error) == ("pending", True)
    posted = [call for call in chain.bench.state.calls if (call["method"], call["path"]) == ("POST", TASKS)]
    assert (len(posted), chain.bench.effects()) == (1, Counter())


@pytest.mark.parametrize(("fault", "after"), [*LOST_ANSWERS, *LOST_CALLS], ids=str)
@pytest.mark.parametrize("kind", TAKEN_AWAY)
def test_an_undo_whose_write_is_lost_on_the_way_or_back_is_completed(
    chain: Chain, good: Callable[[bool], Good], kind: str, fault: str, after: bool
) -> None:
    chain.apply()
    chain.bench.forget()
    action, path = TAKEN_AWAY[kind]
    chain.bench.fault(fault, path, method="DELETE", after=after)
    rows = chain.undo(**patience(fault))
    assert {row.change.action for row in rows.values() if row.state.value == "undone"} == set(UNDOABLE), row_of(rows, action)
    now = {name: value for name, value in chain.bench.holds().items() if name != "acls"}
    assert now == {name: value for name, value in good(False).undone.items() if name != "acls"}
    if (fault, after) in LOST_ANSWERS:
        assert chain.bench.effects() == good(False).undo_effects


@pytest.mark.parametrize("attempts", [1, 3])
@pytest.mark.parametrize("fault", ["done_then_500", "reset", "malformed", "truncated", "timeout"])
def test_a_web_acl_whose_update_is_lost_on_the_way_or_back_is_written_once(
    chain: Chain, good: Callable[[bool], Good], fault: str, attempts: int
) -> None:
    aws = {"max_attempts": attempts, "read_timeout": 1.0}
    chain.bench.aws.fault("wafv2", fault, operation="UpdateWebACL", account=A, times=1)
    rows = chain.apply(only(chain, "attach_managed_rule_group"), aws=aws)
    assert states(rows) == {"verified"}
    assert sorted(_plain(acl.now()) for acl in chain.bench.acls.values()) == sorted(_plain(acl) for acl in good(False).holds["acls"].values())
    chain.bench.aws.fault("wafv2", fault, operation="UpdateWebACL", account=A, times=1)
    assert states(chain.undo(aws=aws)) == {"undone"}
    assert [acl.now() for acl in chain.bench.acls.values()] == [acl.start for acl in chain.bench.acls.values()]


@pytest.mark.parametrize(("cut", "sent"), [("message", 0), ("taken", 1)])
def test_a_notice_of_which_nobody_knows_whether_it_was_taken_is_not_sent_again(chain: Chain, cut: str, sent: int) -> None:
    chain.bench.mail.cut = cut
    changes = only(chain, "notify_owner")
    rows = chain.apply(changes)
    assert len(rows) == 2
    assert states(rows) <= {"failed", "verified"}
    chain.bench.heal()
    again = chain.apply(changes)
    assert states(again) == {"skipped"}
    assert chain.bench.mails() == sorted(change.target for change in changes)[: 2 * sent]


# refused


def another_tenant(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> list[Change]:
    """A tenant `other` that is as `main` is; the changes of both, as each of them would be planned."""
    monkeypatch.setenv("OTHER_KEY", OTHER_KEY)
    state = chain.bench.state
    state.add_key("other", OTHER_KEY, "api-key", 1)
    mine, keys = copy.deepcopy(state.tenants["main"]), state.tenants["other"].keys
    state.tenants["other"] = replace(mine, name="other", keys=keys)
    at_tenants = [change for change in chain.changes if change.account == "main"]
    return [*chain.changes, *(replace(change, account="other", target=change.target.replace("main/", "other/")) for change in at_tenants)]


def test_what_one_tenant_refuses_failed_with_the_right_named_and_all_else_is_made(
    chain: Chain, good: Callable[[bool], Good], monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = another_tenant(chain, monkeypatch)
    tenants = [{}, {"name": "other", "key": "env:OTHER_KEY"}]
    for path in ("/scheduledtasks", "/policies/9/*", "/computers/75/*"):
        chain.bench.fault("access_denied", path, method="POST", tenant="other", times=None)
    rows = chain.apply(changes, tenants=tenants)
    refused = {row.change.action: row.error for row in rows.values() if row.state.value == "failed"}
    assert {row.change.account for row in rows.values() if row.state.value == "failed"} == {"other"}
    assert refused.keys() == {*SCANS, "assign_ips_rule", "recommendation_results"}
    assert all("the key's role may not do this; grant platformRights." in error for error in refused.values()), refused
    same(chain.bench.holds(), good(False))
    chain.bench.heal()
    again = chain.apply(changes, tenants=tenants)
    assert {row.change.account for row in again.values() if row.state.value == "verified"} == {"other"}
    assert states(again) == {"verified", "skipped"}


def test_what_one_account_refuses_failed_with_the_permission_named_and_the_other_has_it(chain: Chain) -> None:
    chain.bench.aws.fault("wafv2", "access_denied", operation="UpdateWebACL", account=B)
    rows = chain.apply()
    failed = [row for row in rows.values() if row.state.value == "failed"]
    assert [(row.change.account, row.change.action) for row in failed] == [(B, "attach_managed_rule_group")]
    assert failed[0].error.endswith("; grant wafv2:UpdateWebACL")
    assert len([row for row in rows.values() if row.state.value == "verified"]) == len(rows) - 1
    assert [acl.account for acl in chain.bench.acls.values() if acl.now() != acl.start] == [A]
    chain.bench.heal()
    again = chain.apply()
    assert [row.change.account for row in again.values() if row.state.value == "verified"] == [B]


def test_with_credentials_that_expired_everything_failed_and_nothing_was_written(chain: Chain, good: Callable[[bool], Good]) -> None:
    chain.bench.fault("expired", "/", times=None)
    chain.bench.aws.fault("wafv2", "expired")
    rows = chain.apply([change for change in chain.changes if change.action != "notify_owner"])
    assert states(rows) == {"failed"}
    assert {row.error.rpartition("; ")[2] for row in rows.values()} == {"grant a valid API key", "renew them"}
    assert (chain.bench.effects(), list(chain.past())) == (Counter(), [])
    chain.bench.heal()
    assert states(chain.apply()) == {"verified"}
    same(chain.bench.holds(), good(False))


@pytest.mark.parametrize("fault", ["malformed", "truncated", "reset", "error", "timeout"])
def test_what_cannot_be_read_before_writing_is_not_written(chain: Chain, good: Callable[[bool], Good], fault: str) -> None:
    chain.bench.fault(fault, "/", times=None)
    chain.bench.aws.fault("wafv2", "malformed" if fault == "error" else fault, operation="GetWebACL")
    at_work = [change for change in chain.changes if change.action != "notify_owner"]
    tenants = [{"timeout": 0.2}] if fault == "timeout" else [{}]
    rows = chain.apply(at_work, tenants=tenants, aws={"read_timeout": 0.2} if fault == "timeout" else {})
    assert states(rows) <= {"failed", "skipped"}
    assert all("held back: the blast radius cannot be read" in row.error for row in rows.values() if row.state.value == "skipped")
    assert (chain.bench.effects(), list(chain.past())) == (Counter(), [])
    chain.bench.heal()
    assert states(chain.apply()) == {"verified"}
    same(chain.bench.holds(), good(False))


# a scan that is never seen


def test_a_scan_that_never_finishes_is_pending_until_its_bound_and_asked_for_once(chain: Chain) -> None:
    chain.bench.state.turn(NEVER)
    changes = only(chain, *SCANS)
    assert states(chain.apply(changes, actions=NO_WAIT)) == {"pending"}
    chain.bench.forget()
    for hours in (1, 23):
        assert states(chain.apply(changes, now=NOW + timedelta(hours=hours), actions=NO_WAIT)) == {"pending"}
        assert not scans_planned(chain, NOW + timedelta(hours=hours))
    assert chain.bench.effects() == Counter()
    later = NOW + timedelta(hours=24, minutes=1)
    rows = chain.apply(changes, now=later, actions=NO_WAIT)
    assert states(rows) == {"failed"}
    assert all("not confirmed within 24 hours" in row.error for row in rows.values())
    assert (chain.bench.effects(), chain.bench.holds()["tasks"]) == (Counter({"DELETE task": 2}), [])
    assert [(change.key, change.held) for change in scans_planned(chain, later)] == [(change.key, "") for change in changes]


def scans_planned(chain: Chain, now: datetime) -> list[Change]:
    return [change for change in chain.bench.plan(chain.past(), now) if change.action in SCANS]


def test_an_agent_that_went_offline_after_it_was_asked_is_pending_then_failed_and_not_asked_again(chain: Chain) -> None:
    chain.bench.state.turn({"scan_delay": 60.0})
    changes = only(chain, "recommendation_scan")
    assert states(chain.apply(changes, actions=NO_WAIT)) == {"pending"}
    chain.bench.forget()
    agent = chain.bench.state.tenants["main"].computers[SCANNED]
    agent["computerStatus"] = {"agentStatus": "error", "agentStatusMessages": ["Offline"]}
    chain.bench.state.turn({"now": shop.MILLIS + 3_600_000})
    assert states(chain.apply(changes, now=NOW + timedelta(hours=1), actions=NO_WAIT)) == {"pending"}
    assert states(chain.apply(changes, now=NOW + timedelta(hours=25), actions=NO_WAIT)) == {"failed"}
    assert chain.bench.effects() == Counter()
    again = [change.held for change in scans_planned(chain, NOW + timedelta(hours=25)) if change.action == "recommendation_scan"]
    assert again == ["the agent is offline: a scan would never start"]


# the world moved on between plan and apply


def lost_policy(bench: Bench) -> None:
    tenant = bench.state.tenants["main"]
    for number, computer in tenant.computers.items():
        if computer["policyID"] == shop.WEB:
            tenant.computers[number] = {**computer, "policyID": shop.BASE}
    tenant.policies[shop.PAY]["parentID"] = shop.BASE
    del tenant.policies[shop.WEB], tenant.own["policies", shop.WEB]


def lost_computer(number: int) -> Callable[[Bench], None]:
    def lose(bench: Bench) -> None:
        del bench.state.tenants["main"].computers[number]

    return lose


def lost_acl(bench: Bench) -> None:
    next(iter(bench.acls.values())).delete()


def touched_acl(bench: Bench) -> None:
    acl = next(iter(bench.acls.values()))
    acl.put({**acl.now(), "DefaultAction": {"Block": {}}})


def filled_acl(bench: Bench) -> None:
    acl = next(iter(bench.acls.values()))
    acl.put({**acl.now(), "Rules": [*acl.now()["Rules"], {**managed_rule("AWSManagedRulesPHPRuleSet", 30), "Name": "of somebody else"}]})


def assigned_elsewhere(bench: Bench) -> None:
    bench.state.tenants["main"].own["policies", shop.WEB] = {shop.LOG4J}


def set_by_somebody(bench: Bench) -> None:
    bench.tenant.seed("rule_overrides", {"policyID": shop.WEB, "ruleID": shop.NEEDED, "priority": "low"})


def one_more_computer(bench: Bench) -> None:
    bench.tenant.seed("computers", shop.computer(79, shop.PAY))


def withdrawn(bench: Bench) -> None:
    bench.state.tenants["main"].recommendations[RECOMMENDED]["recommendedToAssignRuleIDs"] = []


def scanned_since(bench: Bench) -> None:
    computer = bench.state.tenants["main"].computers[76]
    computer["integrityMonitoring"] = {**computer["integrityMonitoring"], "lastIntegrityScan": shop.MILLIS - 60_000}


def joined_policy(bench: Bench) -> None:
    bench.tenant.seed("computers", shop.computer(78, TOGETHER))


def offline(bench: Bench) -> None:
    bench.state.tenants["main"].computers[SCANNED]["computerStatus"] = {"agentStatus": "inactive", "agentStatusMessages": []}


MOVED: dict[str, tuple[Callable[[Bench], None], tuple[str, ...], str]] = {
    "policy deleted": (lost_policy, ("assign_ips_rule",), "stale plan: the policy is gone"),
    "computer of a scan deleted": (lost_computer(SCANNED), SCANS, "stale plan: the computer"),
    "computer of recommended rules deleted": (lost_computer(RECOMMENDED), ("recommendation_results",), "stale plan: the computer is gone"),
    "web ACL deleted": (lost_acl, ("attach_managed_rule_group",), "stale plan: the web ACL is gone"),
    "web ACL changed": (touched_acl, ("attach_managed_rule_group",), "stale plan: the web ACL is no longer what the plan saw"),
    "group added by somebody": (filled_acl, ("attach_managed_rule_group",), "not needed: it is already so in the web ACL"),
    "another rule assigned": (assigned_elsewhere, ("assign_ips_rule",), "stale plan: rules were assigned since: 12"),
    "a rule set by somebody": (set_by_somebody, ("assign_ips_rule",), "stale plan: rules have settings of their own there: 14"),
    "one more computer below the policy": (
        one_more_computer,
        ("assign_ips_rule",),
        "held back: computers use the policy or one below it that did not",
    ),
    "recommendation withdrawn": (withdrawn, ("recommendation_results",), "stale plan: no longer recommended: 16"),
    "scanned since": (scanned_since, ("integrity_scan",), "stale plan: the last integrity scan of computer 76"),
    "a computer joined the policy": (joined_policy, ("integrity_scan",), "stale plan: the computers that use policy 30"),
    "an agent went offline": (offline, SCANS, "stale plan: the agent"),
}


def skipped_as(chain: Chain, rows: dict[str, Act], names: Sequence[str]) -> None:
    """Whatever moved on is skipped and has no write, and the rest is made."""
    first = next(iter(chain.bench.acls))
    skipped = {row.change.key for row in rows.values() if row.state.value == "skipped"}
    touched = {action for name in names for action in MOVED[name][1]}
    expected = {
        change.key for change in chain.changes if change.action in touched and not (change.action.startswith("attach") and change.target != first)
    }
    assert skipped == expected
    assert {row.state.value for row in rows.values() if row.change.key not in skipped} <= {"verified"}
    assert {deed.change.key for deed in chain.past()} == {change.key for change in chain.changes} - expected


@pytest.mark.parametrize("name", MOVED)
def test_what_moved_on_between_plan_and_apply_is_skipped_with_the_reason(chain: Chain, name: str) -> None:
    move, actions, said = MOVED[name]
    move(chain.bench)
    rows = chain.apply()
    skipped_as(chain, rows, [name])
    assert all(row.error.startswith(said) for row in rows.values() if row.state.value == "skipped"), rows
    assert actions


@given(names=some.sets(some.sampled_from(sorted(set(MOVED) - {"web ACL deleted"})), min_size=2, max_size=6).map(sorted))
@examples(12, HealthCheck.function_scoped_fixture)
def test_whatever_moved_on_together_no_stale_change_is_made(chain: Chain, names: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    chain.bench.start_over()
    fresh = Chain(chain.bench, tmp_path_factory.mktemp("moved") / "state", chain.changes)
    done = [name for name in names if _possible(name, names)]
    for name in done:
        MOVED[name][0](chain.bench)
    skipped_as(fresh, fresh.apply(), done)


def _possible(name: str, names: Sequence[str]) -> bool:
    """A policy that is gone has no rules of its own any more, and a computer that is gone cannot go offline."""
    gone = {"policy deleted": {"another rule assigned", "a rule set by somebody"}, "computer of a scan deleted": {"an agent went offline"}}
    gone["computer of recommended rules deleted"] = {"recommendation withdrawn"}
    return not any(name in without for cause, without in gone.items() if cause in names)
