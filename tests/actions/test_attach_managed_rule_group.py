"""Managed rule groups into web ACLs: planned from declared tables, written to the sandbox's WAF, compared whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporter.actions.attach_managed_rule_group import ACTION, NAME
from reporter.actions.web_acl_document import digest
from reporter.clients.aws import AwsClients
from reporter.core.action import Held, NotMade, NotNeeded, Refused, Stale, Uncertain
from reporter.core.answers import canonical
from reporter.core.change import ActionState, Change, Json, Outcome
from reporter.core.errors import Denied
from reporter.core.ledger import Ledger, LedgerRow
from reporter.core.past import Deed, Past
from reporter.core.scope import GLOBAL, Scope, ScopeState
from reporter.core.settings import RuleGroupName, Settings, WafSettings
from reporter.core.world import World
from reporter.schedule import Actions
from reporter.tables.aws import MANAGED_RULE_GROUPS, WEB_ACL_ASSOCIATIONS, WEB_ACLS
from reporter.tables.joined import WEB_ENTRIES
from tests.actions.hands import NOW
from tests.actions.hands import Held as Hands
from tests.actions.hands import held as hands
from tests.clients.aws_server import AwsServer, aws_environment, error, page, server
from tests.examples import examples
from tests.joins.made import permuted, row, world
from tests.joins.made_web import distribution
from tests.sandbox.aws.conftest import HOME, REGION, Door, aws, running
from tests.sandbox.aws.samples import VISIBILITY, managed_rule
from tests.sandbox.aws.test_wafv2 import EVERYTHING

__all__ = ["aws", "running", "server"]

PHP, COMMON, SQLI = "AWSManagedRulesPHPRuleSet", "AWSManagedRulesCommonRuleSet", "AWSManagedRulesSQLiRuleSet"
ENTRY = f"arn:aws:elasticloadbalancing:{REGION}:{HOME}:loadbalancer/app/shop/1"
GEO: dict[str, Any] = {"GeoMatchStatement": {"CountryCodes": ["AQ"]}}
BINARY: dict[str, Any] = {
    "ByteMatchStatement": {
        "SearchString": b"\x00\xff/admin",
        "FieldToMatch": {"UriPath": {}},
        "TextTransformations": [{"Priority": 0, "Type": "LOWERCASE"}],
        "PositionalConstraint": "STARTS_WITH",
    }
}
OFFERED = (("AWS", PHP), ("AWS", COMMON), ("AWS", SQLI))


def own_rule(name: str, priority: int, statement: dict[str, Any] = GEO) -> dict[str, Any]:
    return {"Name": name, "Priority": priority, "Action": {"Block": {}}, "Statement": statement, "VisibilityConfig": VISIBILITY}


RULES = [own_rule("binary", 7, BINARY), own_rule("geo", 3), managed_rule(SQLI, 20)]


class Shop:
    """One web ACL of the sandbox, as its owner has made it."""

    def __init__(self, aws: Door, *, scope: str = "REGIONAL", rules: list[dict[str, Any]] | None = None) -> None:
        self.aws, self.scope = aws, scope
        self.region = "us-east-1" if scope == "CLOUDFRONT" else REGION
        self.client = aws.client("wafv2", self.region)
        self.fixed: dict[str, Any] = {"Name": "shop", "Scope": scope, "DefaultAction": {"Allow": {}}, "VisibilityConfig": VISIBILITY, **EVERYTHING}
        self.summary = self.client.create_web_acl(**self.fixed, Rules=RULES if rules is None else rules)["Summary"]
        self.arn: str = self.summary["ARN"]

    def acl(self) -> dict[str, Any]:
        got: dict[str, Any] = self.client.get_web_acl(ARN=self.arn)["WebACL"]
        return got

    def rules(self) -> dict[str, Any]:
        return {rule["Name"]: rule for rule in self.acl().get("Rules", [])}

    def rest(self) -> dict[str, Any]:
        """All of it but what a rule more must change."""
        got = self.acl()
        return {**got, "Capacity": None, "Rules": [rule for rule in got.get("Rules", []) if not rule["Name"].startswith("reporter-")]}

    def put(self, rules: list[dict[str, Any]] | None = None, **members: Any) -> None:
        """What another person changes, in one update."""
        now = self.client.get_web_acl(ARN=self.arn)
        kept = now["WebACL"].get("Rules", []) if rules is None else rules
        self.client.update_web_acl(**{**self.fixed, **members}, Id=self.summary["Id"], Rules=kept, LockToken=now["LockToken"])

    def add(self, *rules: dict[str, Any]) -> None:
        self.put([*self.acl()["Rules"], *rules])

    def touch(self) -> None:
        """A write that changes nothing but the lock token."""
        self.put()

    def delete(self) -> None:
        token = self.client.get_web_acl(ARN=self.arn)["LockToken"]
        self.client.delete_web_acl(Name="shop", Id=self.summary["Id"], Scope=self.scope, LockToken=token)

    def writes(self) -> int:
        return sum(call["operation"] == "UpdateWebACL" for call in self.aws.calls())

    def row(self, **values: Any) -> tuple[Any, ...]:
        acl = self.acl()
        region = GLOBAL if self.scope == "CLOUDFRONT" else REGION
        known = {"waf_scope": self.scope, "arn": self.arn, "id": acl["Id"], "name": "shop", "default_action": "allow", "document": canonical(acl)}
        return row(WEB_ACLS, **{"account": HOME, "region": region, **known, **values})

    def world(self, *, wanted: tuple[str, ...] = (f"AWS:{PHP}",), **acl: Any) -> World:
        region = GLOBAL if self.scope == "CLOUDFRONT" else REGION
        return seen((self.row(**acl),), (entry(self.arn, wanted_groups=wanted),), offered=[offer(*group, region) for group in OFFERED])

    def change(self, **more: Any) -> Change:
        return journalled(only(plan(self.world(**more))))


def entry(acl: str | None, **values: Any) -> tuple[Any, ...]:
    defaults = {
        "account": HOME,
        "region": REGION,
        "entry": ENTRY,
        "type": "alb",
        "internet_facing": True,
        "web_acl": acl,
        "instances": ("i-1",),
        "wanted_groups": (f"AWS:{PHP}",),
        "wanted_sets": ("web_application",),
        "state": "missing_rules",
        "reason": "not in the web ACL",
    }
    return row(WEB_ENTRIES, **{**defaults, **values})


def offer(vendor: str, name: str, region: str = REGION) -> tuple[Any, ...]:
    return row(MANAGED_RULE_GROUPS, account=HOME, region=region, waf_scope="REGIONAL", vendor=vendor, name=name)


def seen(
    acls: tuple[Any, ...],
    entries: tuple[Any, ...],
    *more: Any,
    offered: list[Any] | None = None,
    unread: dict[tuple[str, str, str], ScopeState] | None = None,
    waf: WafSettings | None = None,
) -> World:
    """A world of these web ACLs and entries; account HOME was read."""
    groups = [offer(*group) for group in OFFERED] if offered is None else offered
    made = world(
        (WEB_ACLS, acls), (WEB_ENTRIES, entries), (MANAGED_RULE_GROUPS, groups), *more, settings=Settings(waf=waf or WafSettings(), tenants=("main",))
    )
    return replace(made, ledger=ledger_of(unread or {}))


def ledger_of(unread: dict[tuple[str, str, str], ScopeState]) -> Ledger:
    scopes = [Scope(HOME, REGION, "waf"), Scope(HOME, GLOBAL, "waf"), Scope(HOME, GLOBAL, "cloudfront")]
    made = Ledger(scopes)
    for scope in scopes:
        made.record(LedgerRow(scope, unread.get((scope.account, scope.region, scope.source), ScopeState.OK)))
    return made


def plan(made: World, *deeds: Deed) -> list[Change]:
    return list(ACTION.plan(made, Past(deeds), Actions()))


def only(changes: list[Change]) -> Change:
    assert len(changes) == 1, changes
    return changes[0]


def journalled(change: Change) -> Change:
    """The change as an approved plan or the journal gives it back."""
    return Change.of(json.loads(json.dumps(change.as_json())))


def deed(change: Change, days: float = 20, state: ActionState | None = ActionState.VERIFIED, **more: Any) -> Deed:
    begun = NOW - timedelta(days=days)
    return Deed("main-000001/0", "main-000001", "hash", journalled(change), begun, begun, state, {"rules": []}, **more)


@pytest.fixture
def environment(aws: Door, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Door:
    aws_environment(monkeypatch, tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE12")
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
    return aws


@pytest.fixture
def shop(environment: Door) -> Shop:
    return Shop(environment)


def before_a_write(shop: Shop, act: Callable[[], None], times: int = 1, attempts: int = 1) -> Hands:
    """A hand before whose first writes somebody else acts, after the web ACL was read."""
    clients, left = AwsClients(max_attempts=attempts), [times]

    def hook(**_: Any) -> None:
        if left[0]:
            left[0] -= 1
            act()

    clients.client(HOME, "wafv2", shop.region).meta.events.register("before-call.wafv2.UpdateWebACL", hook)
    return hands(clients=clients)


def after_a_write(shop: Shop, act: Callable[[], None]) -> Hands:
    """A hand after whose write somebody else acts, before the web ACL is read back."""
    clients = AwsClients(max_attempts=1)
    clients.client(HOME, "wafv2", shop.region).meta.events.register("after-call.wafv2.UpdateWebACL", lambda **_: act())
    return hands(clients=clients)


def apply(change: Change, hand: Hands | None = None, *, resumed: bool = False) -> Outcome:
    return ACTION.apply(change, (hand or hands()).hand, resumed)


def verify(change: Change, delta: Json) -> Outcome:
    return ACTION.verify(change, json.loads(json.dumps(delta)), hands().hand)


def undo(change: Change, delta: Json, hand: Hands | None = None) -> Outcome:
    return ACTION.undo(change, json.loads(json.dumps(delta)), (hand or hands()).hand)


def attached(shop: Shop) -> tuple[Change, Outcome]:
    change = shop.change()
    return change, apply(change)


OURS = f"reporter-{PHP}"


# planning


def test_a_web_acl_without_a_wanted_group_gets_one_rule_in_count_after_all_others(shop: Shop) -> None:
    change = only(plan(shop.world()))
    assert (change.action, change.target, change.account, change.region) == (NAME, shop.arn, HOME, REGION)
    assert (change.held, change.subjects, change.severity) == ("", (shop.arn,), "MEDIUM")
    assert change.after == {
        "rules": [
            {
                "Name": OURS,
                "Priority": 21,
                "Statement": {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": PHP}},
                "OverrideAction": {"Count": {}},
                "VisibilityConfig": {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": OURS},
            }
        ]
    }
    assert change.before == {
        "arn": shop.arn,
        "name": "shop",
        "id": shop.summary["Id"],
        "scope": "REGIONAL",
        "document_sha256": digest(shop.acl()),
        "rules": [{"name": rule["Name"], "priority": rule["Priority"]} for rule in RULES],
        "default_action": {"Allow": {}},
    }


def test_all_absent_groups_of_all_entries_behind_a_web_acl_are_one_change(shop: Shop) -> None:
    entries = (
        entry(shop.arn, entry="one", wanted_groups=(f"AWS:{PHP}", f"AWS:{SQLI}"), wanted_sets=(), present_groups=(f"AWS:{SQLI} (count)",)),
        entry(shop.arn, entry="two", instances=("i-2", "i-1"), wanted_groups=(f"AWS:{COMMON}",), wanted_sets=("web_server",)),
        entry(shop.arn, entry="three", instances=("i-9",), state="covered"),
        entry(None, entry="four", state="missing_acl"),
    )
    association = (WEB_ACL_ASSOCIATIONS, [row(WEB_ACL_ASSOCIATIONS, account=HOME, web_acl_arn=shop.arn, resource_arn=ENTRY)])
    change = only(plan(seen((shop.row(),), entries, association)))
    assert [(rule["Name"], rule["Priority"]) for rule in change.after["rules"]] == [(f"reporter-{COMMON}", 21), (OURS, 22)]
    assert change.facts["entries"] == ["one", "three", "two"]
    assert change.facts["instances"] == ["i-1", "i-2", "i-9"]
    assert change.facts["resources"] == [ENTRY]
    assert OURS in change.facts["patch"]


@pytest.mark.parametrize("state", ["covered", "count_only", "missing_acl", "not_applicable", "unknown"])
def test_only_an_entry_that_lacks_rules_asks_for_a_change(shop: Shop, state: str) -> None:
    assert plan(seen((shop.row(),), (entry(shop.arn, state=state),))) == []


def test_a_group_that_is_there_satisfies_its_whole_set(shop: Shop) -> None:
    waf = WafSettings(
        web_server=(RuleGroupName(vendor="AWS", name=COMMON), RuleGroupName(vendor="AWS", name=SQLI)),
        web_application=(RuleGroupName(vendor="AWS", name=PHP),),
    )
    asking = entry(shop.arn, wanted_groups=(f"AWS:{COMMON}", f"AWS:{PHP}"), wanted_sets=("web_server", "web_application"))
    change = only(plan(seen((shop.row(),), (asking,), waf=waf)))
    assert [rule["Name"] for rule in change.after["rules"]] == [OURS]


def test_of_several_web_acls_before_an_entry_only_that_without_the_group_is_changed(shop: Shop) -> None:
    other = {**shop.acl(), "Rules": [managed_rule(PHP, 0)]}
    whole = row(WEB_ACLS, account=HOME, region=GLOBAL, arn="arn:aws:wafv2:us-east-1:1:global/webacl/whole/2", document=canonical(other))
    both = entry(f"{whole[WEB_ACLS.names.index('arn')]};{shop.arn}", present_groups=(f"AWS:{PHP} (count)",))
    assert [change.target for change in plan(seen((shop.row(), whole), (both,)))] == [shop.arn]


def test_a_taken_name_is_not_taken_again_and_a_long_one_is_cut(shop: Shop) -> None:
    long = "L" * 128
    shop.add(own_rule(OURS, 30), own_rule(f"{OURS}-2", 31))
    made = seen(
        (shop.row(),),
        (entry(shop.arn, wanted_groups=(f"AWS:{PHP}", f"V:{long}", f"W:{long}")),),
        offered=[offer("AWS", PHP), *[offer(v, long) for v in "VW"]],
    )
    names = [rule["Name"] for rule in only(plan(made)).after["rules"]]
    assert names == [f"{OURS}-3", ("reporter-" + long)[:128], ("reporter-" + long)[:126] + "-2"]


def test_the_first_rule_of_an_empty_web_acl_has_priority_0(environment: Door) -> None:
    change = Shop(environment, rules=[]).change()
    assert [rule["Priority"] for rule in change.after["rules"]] == [0]


@pytest.mark.parametrize(
    ("owner", "said"),
    [
        ("firewall-manager", "Firewall Manager policy"),
        ("cloudformation", "AWS::WAFv2::WebACL"),
        ("terraform", 'name        = "AWSManagedRulesPHPRuleSet"'),
    ],
)
def test_a_web_acl_that_a_template_owns_is_left_alone_and_the_patch_is_printed(shop: Shop, owner: str, said: str) -> None:
    change = only(plan(shop.world(managed_by=owner)))
    assert change.held == f"managed by {owner}: left alone; the patch is printed"
    assert said in change.facts["patch"]
    assert OURS in change.facts["patch"]


def test_terraform_fills_nothing_into_a_name(shop: Shop) -> None:
    vendor = 'x"${file("/etc/passwd")}%{if true}'
    made = seen((shop.row(managed_by="terraform"),), (entry(shop.arn, wanted_groups=(f"{vendor}:G",)),), offered=[offer(vendor, "G")])
    assert r'vendor_name = "x\"$${file(\"/etc/passwd\")}%%{if true}"' in only(plan(made)).facts["patch"]


@pytest.mark.parametrize(
    ("unread", "said"),
    [
        ({(HOME, REGION, "waf"): ScopeState.DENIED}, f"waf in {HOME} {REGION} could not be read"),
        ({}, "the web ACL itself was not read"),
    ],
)
def test_a_web_acl_that_was_not_read_is_held(shop: Shop, unread: dict[tuple[str, str, str], ScopeState], said: str) -> None:
    change = only(plan(seen((), (entry(shop.arn),), unread=unread)))
    assert (change.held, change.account, change.region, change.after) == (said, HOME, REGION, {"rules": []})


def test_a_web_acl_without_a_document_is_held(shop: Shop) -> None:
    assert only(plan(shop.world(document=""))).held == "the web ACL itself was not read"


@pytest.mark.parametrize("arn", ["arn:aws:wafv2:eu-central-1:999999999999:regional/webacl/theirs/1", "theirs"])
def test_a_web_acl_in_an_account_that_was_not_read_is_held(shop: Shop, arn: str) -> None:
    change = only(plan(seen((shop.row(),), (entry(arn),))))
    assert "which is not among the accounts and regions that were read" in change.held


def test_a_cloudfront_web_acl_is_held_where_its_distributions_are_not_known(environment: Door) -> None:
    edge = Shop(environment, scope="CLOUDFRONT")
    made = edge.world()
    unread = replace(made, ledger=ledger_of({(HOME, GLOBAL, "cloudfront"): ScopeState.UNAVAILABLE}))
    assert "not known before which distributions" in only(plan(unread)).held
    assert only(plan(made)).region == GLOBAL


def test_the_distributions_of_a_web_acl_are_among_its_resources(environment: Door) -> None:
    edge = Shop(environment, scope="CLOUDFRONT")
    made = seen((edge.row(),), (entry(edge.arn),), distribution("E1", web_acl=edge.arn), distribution("E2"), offered=[offer("AWS", PHP, GLOBAL)])
    assert only(plan(made)).facts["resources"] == ["arn:aws:cloudfront::111122223333:distribution/E1"]


def test_where_no_wanted_group_is_on_offer_it_is_held(shop: Shop) -> None:
    for wanted in ((), ("Trend Micro:Web",)):
        change = only(plan(seen((shop.row(),), (entry(shop.arn, wanted_groups=wanted),), offered=[])))
        assert (change.held, change.after) == (f"no wanted managed rule group is on offer in {HOME} {REGION}", {"rules": []})


def test_a_wanted_group_that_is_not_on_offer_is_named_beside_those_that_are(shop: Shop) -> None:
    change = only(plan(shop.world(wanted=(f"AWS:{PHP}", "Trend Micro:Web"))))
    assert [rule["Name"] for rule in change.after["rules"]] == [OURS]
    assert "not on offer there: Trend Micro:Web" in change.reason


ARNS = tuple(f"arn:aws:wafv2:{REGION}:{HOME}:regional/webacl/{name}/1" for name in "abc")


def known(arn: str, *there: str) -> tuple[Any, ...]:
    """A web ACL that was read, with these groups in it."""
    acl = served_acl(ARN=arn, Rules=[managed_rule(name, number) for number, name in enumerate(there)])
    return row(WEB_ACLS, account=HOME, region=REGION, arn=arn, id="1", name="shop", waf_scope="REGIONAL", document=canonical(acl))


@examples(20)
@given(
    asked=st.lists(
        st.tuples(st.sampled_from(ARNS), st.sets(st.sampled_from([PHP, COMMON, SQLI])), st.sampled_from(["missing_rules", "covered"])), max_size=8
    ),
    there=st.tuples(*[st.sets(st.sampled_from([PHP, COMMON]))] * len(ARNS)),
    seed=st.integers(0, 2**32 - 1),
)
def test_permuted_tables_give_the_same_changes_and_no_group_twice(
    asked: list[tuple[str, set[str], str]], there: tuple[set[str], ...], seed: int
) -> None:
    entries = tuple(
        entry(arn, entry=f"e{number}", wanted_groups=tuple(f"AWS:{name}" for name in sorted(names)), wanted_sets=(), state=state)
        for number, (arn, names, state) in enumerate(asked)
    )
    made = seen(tuple(known(arn, *sorted(names)) for arn, names in zip(ARNS, there, strict=True)), entries)
    changes = plan(made)
    assert plan(permuted(made, seed)) == changes
    for change in changes:
        present = there[ARNS.index(change.target)]
        added = {rule["Statement"]["ManagedRuleGroupStatement"]["Name"] for rule in change.after["rules"]}
        wanted = {name for arn, names, state in asked if arn == change.target and state == "missing_rules" for name in names}
        assert added == wanted - present


# applying


def test_everything_but_the_new_rule_stays_as_it_was(shop: Shop) -> None:
    rest = shop.rest()
    change, outcome = attached(shop)
    assert outcome.state is ActionState.APPLIED
    assert shop.rest() == rest
    assert shop.rules()[OURS] == change.after["rules"][0]
    assert [rule["Name"] for rule in shop.acl()["Rules"]] == ["binary", "geo", SQLI, OURS]
    assert (outcome.delta["rules"], outcome.delta["arn"]) == ([OURS], shop.arn)
    assert verify(change, outcome.delta).state is ActionState.VERIFIED


def test_a_cloudfront_web_acl_is_written_in_us_east_1(environment: Door) -> None:
    edge = Shop(environment, scope="CLOUDFRONT")
    rest = edge.rest()
    change = edge.change()
    outcome = apply(change)
    assert (outcome.state, edge.rest()) == (ActionState.APPLIED, rest)
    assert verify(change, outcome.delta).state is ActionState.VERIFIED
    assert undo(change, outcome.delta).state is ActionState.UNDONE
    assert OURS not in edge.rules()


def test_a_web_acl_that_a_person_has_changed_since_is_not_written(shop: Shop) -> None:
    change = shop.change()
    shop.put(DefaultAction={"Block": {}})
    with pytest.raises(Stale, match="no longer what the plan saw"):
        apply(change)
    assert shop.acl()["DefaultAction"] == {"Block": {}}
    assert OURS not in shop.rules()


def test_a_web_acl_that_is_gone_is_stale(shop: Shop) -> None:
    change = shop.change()
    shop.delete()
    with pytest.raises(Stale, match="gone"):
        apply(change)


def test_a_second_time_is_not_needed(shop: Shop) -> None:
    change, _ = attached(shop)
    writes = shop.writes()
    with pytest.raises(NotNeeded):
        apply(change)
    assert shop.writes() == writes


def test_a_group_that_a_person_has_attached_meanwhile_is_not_needed(shop: Shop) -> None:
    change = shop.change()
    shop.add(managed_rule(PHP, 90))
    with pytest.raises(NotNeeded):
        apply(change)


def test_a_web_acl_that_firewall_manager_has_taken_over_is_held(shop: Shop) -> None:
    change = shop.change()
    shop.aws.seed("wafv2", "firewall_manager", [{"web_acl_arn": shop.arn, "first": [], "last": []}])
    with pytest.raises(Held, match="Firewall Manager"):
        apply(change)


def test_more_capacity_than_a_web_acl_may_have_is_held(shop: Shop) -> None:
    change = shop.change()
    shop.aws.seed("wafv2", "managed_rule_groups", [{"VendorName": "AWS", "Name": PHP, "Capacity": 5000}])
    with pytest.raises(Held, match="would need more than 5000 of 5000 WCU"):
        apply(change)
    assert OURS not in shop.rules()


def test_capacity_that_costs_more_is_said(shop: Shop) -> None:
    change = shop.change()
    shop.aws.seed("wafv2", "managed_rule_groups", [{"VendorName": "AWS", "Name": PHP, "Capacity": 1600}])
    outcome = apply(change)
    for told in (outcome, verify(change, outcome.delta)):
        assert "WCU, more than 1500 costs extra" in told.said


@pytest.mark.parametrize("fault", ["access_denied", "malformed"])
def test_capacity_that_cannot_be_read_is_held(shop: Shop, fault: str) -> None:
    change = shop.change()
    shop.aws.fault("wafv2", fault, operation="CheckCapacity")
    with pytest.raises(Held, match="could not be read"):
        apply(change)
    assert shop.writes() == 0


def test_a_write_of_another_person_that_changes_nothing_is_waited_out(shop: Shop) -> None:
    change, rest = shop.change(), shop.rest()
    hand = before_a_write(shop, shop.touch, times=2)
    outcome = apply(change, hand)
    assert (outcome.state, shop.rest()) == (ActionState.APPLIED, rest)
    assert OURS in shop.rules()
    assert len(hand.calls()) == 3


def test_a_change_of_another_person_between_reading_and_writing_makes_it_stale(shop: Shop) -> None:
    change = shop.change()
    with pytest.raises(Stale):
        apply(change, before_a_write(shop, lambda: shop.add(own_rule("theirs", 50))))
    assert {"theirs"} == set(shop.rules()) - {rule["Name"] for rule in RULES}


def test_a_web_acl_that_others_write_all_the_time_is_given_up(shop: Shop) -> None:
    change = shop.change()
    hand = before_a_write(shop, shop.touch, times=9)
    with pytest.raises(Stale, match="3 times"):
        apply(change, hand)
    assert len(hand.calls()) == 3


def test_another_refusal_is_not_tried_again(shop: Shop) -> None:
    change = shop.change()
    shop.aws.fault("wafv2", "throttle", operation="UpdateWebACL")
    hand = hands()
    with pytest.raises(Refused) as refused:
        apply(change, hand)
    assert (refused.value.code, len(hand.calls())) == ("ThrottlingException", 1)


def test_a_denied_write_names_the_permission(shop: Shop) -> None:
    change = shop.change()
    shop.aws.fault("wafv2", "access_denied", operation="UpdateWebACL")
    with pytest.raises(Denied) as denied:
        apply(change)
    assert denied.value.permission == "wafv2:UpdateWebACL"


@pytest.mark.parametrize("fault", ["done_then_500", "reset", "truncated"])
def test_an_answer_that_was_lost_is_looked_for_and_nothing_is_written_twice(shop: Shop, fault: str) -> None:
    change, rest = shop.change(), shop.rest()
    shop.aws.fault("wafv2", fault, operation="UpdateWebACL", times=1)
    with pytest.raises(Uncertain):
        apply(change)
    outcome = apply(change, resumed=True)
    assert (outcome.state, outcome.delta["rules"], shop.rest()) == (ActionState.APPLIED, [OURS], rest)
    assert list(shop.rules()).count(OURS) == 1
    assert verify(change, outcome.delta).state is ActionState.VERIFIED
    assert undo(change, outcome.delta).state is ActionState.UNDONE
    assert shop.rest() == shop.acl() | {"Capacity": None} == rest


def test_a_lost_answer_that_botocore_repeats_is_our_own_doing(shop: Shop) -> None:
    change = shop.change()
    shop.aws.fault("wafv2", "done_then_500", operation="UpdateWebACL", times=1)
    outcome = apply(change, hands(clients=AwsClients(max_attempts=3)))
    assert (outcome.state, outcome.delta["rules"]) == (ActionState.APPLIED, [OURS])


def test_resumed_after_a_change_of_another_person_it_is_still_ours(shop: Shop) -> None:
    change, _ = attached(shop)
    shop.add(own_rule("theirs", 60))
    assert apply(change, resumed=True).delta["rules"] == [OURS]


def test_resumed_where_nothing_was_written_and_all_is_changed_it_is_stale(shop: Shop) -> None:
    change = shop.change()
    shop.add(own_rule("theirs", 60))
    with pytest.raises(Stale):
        apply(change, resumed=True)


def test_what_another_person_does_right_after_the_write_is_not_taken_for_a_failure(shop: Shop) -> None:
    change = shop.change()
    outcome = apply(change, after_a_write(shop, lambda: shop.put(DefaultAction={"Block": {}})))
    assert outcome.state is ActionState.APPLIED
    assert "somebody has changed it since" in outcome.said


def test_a_web_acl_that_cannot_be_read_back_is_applied_and_says_so(shop: Shop) -> None:
    change = shop.change()
    outcome = apply(change, after_a_write(shop, lambda: shop.aws.fault("wafv2", "throttle", operation="GetWebACL")))
    assert outcome.state is ActionState.APPLIED
    assert "could not be read back" in outcome.said


# verifying


def test_a_rule_that_somebody_removed_has_failed(shop: Shop) -> None:
    change, outcome = attached(shop)
    shop.put(RULES)
    assert verify(change, outcome.delta) == Outcome(ActionState.FAILED, f"somebody removed it: {OURS}")


def test_a_web_acl_that_is_gone_has_failed(shop: Shop) -> None:
    change, outcome = attached(shop)
    shop.delete()
    assert verify(change, outcome.delta).state is ActionState.FAILED


def test_a_write_that_is_not_to_be_seen_yet_has_not_failed(shop: Shop) -> None:
    change = shop.change()
    token = shop.client.get_web_acl(ARN=shop.arn)["LockToken"]
    assert verify(change, {"rules": [OURS], "token": token}).state is ActionState.APPLIED


def test_a_rule_that_a_person_lets_act_is_verified_and_said(shop: Shop) -> None:
    change, outcome = attached(shop)
    shop.put([{**rule, "OverrideAction": {"None": {}}} if rule["Name"] == OURS else rule for rule in shop.acl()["Rules"]])
    seen_then = verify(change, outcome.delta)
    assert seen_then.state is ActionState.VERIFIED
    assert "acting" in seen_then.said


# undoing


def test_undo_gives_back_exactly_what_was(shop: Shop) -> None:
    was = shop.acl()
    change, outcome = attached(shop)
    undone = undo(change, outcome.delta)
    assert undone.state is ActionState.UNDONE
    assert shop.acl() == was


def test_undo_of_the_only_rule_leaves_none(environment: Door) -> None:
    empty = Shop(environment, rules=[])
    was = empty.acl()
    change, outcome = attached(empty)
    assert undo(change, outcome.delta).state is ActionState.UNDONE
    assert empty.acl() == was


def test_undo_keeps_what_others_have_done_since(shop: Shop) -> None:
    change, outcome = attached(shop)
    shop.add(own_rule("theirs", 60))
    shop.put(DefaultAction={"Block": {}}, TokenDomains=["other.example.com"])
    undo(change, outcome.delta)
    assert set(shop.rules()) == {"binary", "geo", SQLI, "theirs"}
    assert (shop.acl()["DefaultAction"], shop.acl()["TokenDomains"]) == ({"Block": {}}, ["other.example.com"])


def test_undo_leaves_a_rule_of_that_name_that_is_no_longer_ours(shop: Shop) -> None:
    change, outcome = attached(shop)
    shop.put([*RULES, own_rule(OURS, 60)])
    assert undo(change, outcome.delta) == Outcome(ActionState.UNDONE, "was gone already")
    assert OURS in shop.rules()


def test_undo_twice_and_undo_of_a_web_acl_that_is_gone(shop: Shop) -> None:
    change, outcome = attached(shop)
    undo(change, outcome.delta)
    writes = shop.writes()
    assert undo(change, outcome.delta) == Outcome(ActionState.UNDONE, "was gone already")
    shop.delete()
    assert undo(change, outcome.delta).state is ActionState.UNDONE
    assert shop.writes() == writes


def test_undo_while_others_write(shop: Shop) -> None:
    change, outcome = attached(shop)
    undone = undo(change, outcome.delta, before_a_write(shop, lambda: shop.add(own_rule("theirs", 60))))
    assert undone.state is ActionState.UNDONE
    assert set(shop.rules()) == {"binary", "geo", SQLI, "theirs"}
    assert "somebody" not in undone.said


def test_an_undo_whose_answer_was_lost_is_done_when_it_is_repeated(shop: Shop) -> None:
    change, outcome = attached(shop)
    shop.aws.fault("wafv2", "done_then_500", operation="UpdateWebACL", times=1)
    assert undo(change, outcome.delta, hands(clients=AwsClients(max_attempts=3))) == Outcome(ActionState.UNDONE, "done")
    assert OURS not in shop.rules()


def test_undo_in_a_web_acl_of_firewall_manager_is_held(shop: Shop) -> None:
    change, outcome = attached(shop)
    shop.aws.seed("wafv2", "firewall_manager", [{"web_acl_arn": shop.arn, "first": [], "last": []}])
    with pytest.raises(NotMade, match="Firewall Manager"):
        undo(change, outcome.delta)


# promoting


class Counting(Shop):
    """A web ACL in which our rule counts since the change `attached`."""

    def __init__(self, aws: Door) -> None:
        super().__init__(aws)
        self.attached, _ = attached(self)

    def promotion(self, days: float = 20, *more: Deed, **acl: Any) -> list[Change]:
        """What is planned where the rule was attached so many days ago and nothing is lacking."""
        return plan(seen((self.row(**acl),), (entry(self.arn, state="count_only"),)), deed(self.attached, days), *more)


@pytest.fixture
def counting(environment: Door) -> Counting:
    return Counting(environment)


def test_a_rule_that_has_counted_long_enough_is_to_act(counting: Counting) -> None:
    change = only(counting.promotion())
    assert (change.target, change.held, change.account, change.region) == (f"{counting.arn}#promote", "", HOME, REGION)
    assert change.after == {"override_action": {"None": {}}, "rules": [OURS]}
    assert (change.before["document_sha256"], change.before["rules"]) == (digest(counting.acl()), [OURS])
    assert change.facts["entries"] == [ENTRY]


@pytest.mark.parametrize(("days", "planned"), [(13.9, 0), (14, 1)])
def test_before_its_days_are_over_nothing_is_promoted(counting: Counting, days: float, planned: int) -> None:
    assert len(counting.promotion(days)) == planned


def test_the_first_attachment_is_never_a_promotion(shop: Shop) -> None:
    deeds = deed(shop.change())
    assert [change.target for change in plan(shop.world(), deeds)] == [shop.arn]


def test_a_rule_that_acts_already_or_is_no_longer_ours_is_not_promoted(counting: Counting) -> None:
    ours = counting.rules()[OURS]
    for other in ({**ours, "OverrideAction": {"None": {}}}, own_rule(OURS, 60)):
        counting.put([*RULES, other])
        assert counting.promotion() == []


def test_promotion_needs_a_web_acl_that_was_read_and_that_nobody_else_owns(counting: Counting) -> None:
    assert "managed by terraform" in only(counting.promotion(managed_by="terraform")).held
    unread = {(HOME, REGION, "waf"): ScopeState.DENIED}
    assert plan(seen((counting.row(),), (), unread=unread), deed(counting.attached)) == []


@pytest.mark.parametrize("state", [ActionState.FAILED, ActionState.UNDONE, ActionState.SKIPPED])
def test_what_does_not_stand_is_not_promoted(counting: Counting, state: ActionState) -> None:
    assert plan(seen((counting.row(),), ()), deed(counting.attached, state=state)) == []


def test_only_what_was_attached_in_count_is_promoted(counting: Counting) -> None:
    acting = [{**rule, "OverrideAction": {"None": {}}} for rule in counting.attached.after["rules"]]
    assert plan(seen((counting.row(),), ()), deed(replace(counting.attached, after={"rules": acting}))) == []


def test_what_is_being_undone_is_not_promoted(counting: Counting) -> None:
    assert plan(seen((counting.row(),), ()), deed(counting.attached, undoing=True)) == []


def test_a_promoted_rule_that_a_person_set_back_stays_so(counting: Counting) -> None:
    promoted = deed(only(counting.promotion()), days=3)
    assert counting.promotion(20, promoted) == []


@pytest.mark.parametrize(("since", "planned"), [(13, 0), (15, 1)])
def test_an_undone_promotion_begins_the_wait_anew(counting: Counting, since: float, planned: int) -> None:
    undone = deed(only(counting.promotion()), days=since, state=ActionState.UNDONE)
    assert len(counting.promotion(40, undone)) == planned


def test_promotion_changes_the_override_and_nothing_else_and_its_undo_gives_it_back(counting: Counting) -> None:
    was = counting.acl()
    change = journalled(only(counting.promotion()))
    outcome = apply(change)
    assert outcome.state is ActionState.APPLIED
    assert counting.rules()[OURS] == {**counting.attached.after["rules"][0], "OverrideAction": {"None": {}}}
    assert counting.rest() == {**was, "Capacity": None, "Rules": [rule for rule in was["Rules"] if rule["Name"] != OURS]}
    assert verify(change, outcome.delta).state is ActionState.VERIFIED
    with pytest.raises(NotNeeded):
        apply(change)
    assert apply(change, resumed=True).delta["rules"] == [OURS]
    assert undo(change, outcome.delta).state is ActionState.UNDONE
    assert counting.acl() == was
    assert undo(change, outcome.delta) == Outcome(ActionState.UNDONE, "was gone already")


def test_a_promotion_of_a_rule_that_was_removed_is_stale(counting: Counting) -> None:
    change = only(counting.promotion())
    counting.put([*RULES, managed_rule(PHP, 90)])
    with pytest.raises(Stale):
        apply(change)


def test_a_promoted_rule_that_was_set_back_or_removed_has_failed(counting: Counting) -> None:
    change = journalled(only(counting.promotion()))
    outcome = apply(change)
    acting = counting.rules()[OURS]
    counting.put([*RULES, {**acting, "OverrideAction": {"Count": {}}}])
    assert verify(change, outcome.delta) == Outcome(ActionState.FAILED, f"somebody set it back to Count: {OURS}")
    counting.put(RULES)
    assert verify(change, outcome.delta).state is ActionState.FAILED


# what this program does not know


def served_acl(**more: Any) -> dict[str, Any]:
    return {"Name": "shop", "Id": "1", "ARN": "arn:acl", "DefaultAction": {"Allow": {}}, "VisibilityConfig": VISIBILITY, "Rules": [], **more}


def served_change() -> Change:
    known = row(WEB_ACLS, account=HOME, region=REGION, arn="arn:acl", id="1", name="shop", waf_scope="REGIONAL", document=canonical(served_acl()))
    return journalled(only(plan(seen((known,), (entry("arn:acl"),)))))


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"QuantumConfig": {"On": True}}, "WebACL.QuantumConfig"),
        ({"Rules": [{**own_rule("new", 1), "Statement": {"QuantumStatement": {}}}]}, "WebACL.Rules[].Statement.QuantumStatement"),
        ({"CustomResponseBodies": {"sorry": {"Content": "no", "ContentType": "TEXT_PLAIN", "Font": "x"}}}, "WebACL.CustomResponseBodies.*.Font"),
    ],
)
def test_what_botocore_does_not_know_is_never_dropped_by_a_write(server: AwsServer, members: dict[str, Any], path: str) -> None:
    server.on("GetWebACL", page(WebACL=served_acl(**members), LockToken="t"))
    with pytest.raises(Held) as why:
        apply(served_change())
    assert path in why.value.why
    assert server.asked("UpdateWebACL") == []


def test_a_web_acl_that_firewall_manager_was_fitted_to_is_held(server: AwsServer) -> None:
    server.on("GetWebACL", page(WebACL=served_acl(RetrofittedByFirewallManager=True), LockToken="t"))
    with pytest.raises(Held, match="Firewall Manager"):
        apply(served_change())


def test_what_is_not_set_is_not_unknown_and_not_written(server: AwsServer) -> None:
    acl = served_acl(QuantumConfig=None, Description="", TokenDomains=[])
    after = served_acl(Rules=served_change().after["rules"])
    server.on("GetWebACL", page(WebACL=acl, LockToken="t"), page(WebACL=after, LockToken="u"))
    server.on("CheckCapacity", page(Capacity=100))
    server.on("UpdateWebACL", page(NextLockToken="u"))
    assert apply(served_change()).state is ActionState.APPLIED
    sent = server.asked("UpdateWebACL")[0].json
    assert set(sent) == {"Name", "Id", "Scope", "DefaultAction", "VisibilityConfig", "Rules", "LockToken"}


def test_a_web_acl_that_is_not_what_was_written_has_failed(server: AwsServer) -> None:
    wrong = served_acl(Rules=served_change().after["rules"], DefaultAction={"Block": {}})
    server.on("GetWebACL", page(WebACL=served_acl(), LockToken="t"), page(WebACL=wrong, LockToken="u"))
    server.on("CheckCapacity", page(Capacity=100))
    server.on("UpdateWebACL", page(NextLockToken="u"))
    outcome = apply(served_change())
    assert (outcome.state, outcome.delta["rules"]) == (ActionState.FAILED, [OURS])
    assert outcome.said == "the web ACL is not what was written: DefaultAction differ"


@pytest.mark.parametrize("answer", [page(Capacity=5001), error("WAFLimitsExceededException"), page()])
def test_a_capacity_that_is_too_much_or_not_told_is_held(server: AwsServer, answer: Any) -> None:
    server.on("GetWebACL", page(WebACL=served_acl(), LockToken="t"))
    server.on("CheckCapacity", answer)
    with pytest.raises(Held, match="of 5000 WCU"):
        apply(served_change())


def test_raw_answers_still_reach_whoever_keeps_them(server: AwsServer) -> None:
    kept: list[str] = []
    server.on("GetWebACL", page(WebACL=served_acl(DefaultAction={"Block": {}}), LockToken="t"))
    with pytest.raises(Stale):
        apply(served_change(), hands(clients=AwsClients(max_attempts=1, raw=lambda answer: kept.append(answer.operation))))
    assert kept == ["GetWebACL"]


def test_the_action_says_what_it_may_and_how_far_it_goes() -> None:
    assert (ACTION.mode(Actions()), ACTION.limit(Actions())) == ("plan", 5)
    assert ACTION.permissions == ("wafv2:UpdateWebACL",)
    assert ACTION.reading == ("wafv2:GetWebACL", "wafv2:CheckCapacity")
