from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from reporter.core.errors import Denied, ReporterError, ScheduleError, ScopeProblem, Unavailable
from reporter.core.export import ExportTo
from reporter.core.ledger import Ledger, LedgerRow
from reporter.core.scope import Reach, Scope, ScopeState
from reporter.core.source import Source
from reporter.schedule import Schedule, parse
from reporter.scopes import Access, ScopePlan, access_to, plan_place, plan_scopes
from tests.test_schedule import GOOD

T = TypeVar("T")
A, B, C = "111122223333", "444455556666", "777788889999"
ROLE = f"arn:aws:iam::{B}:role/reporter-read"
TWO = GOOD.replace(f'{{id: "{A}"}}', f'{{id: "{A}"}}, {{id: "{B}", role: "{ROLE}", external_id: word}}')
ALL = TWO.replace("[us-east-1, eu-central-1]", "all")
ORGANIZATION = GOOD.replace(f'accounts: [{{id: "{A}"}}]', "organization: {role: reporter-read, external_id: word}")


def source(name: str, reach: Reach, *, also_global: bool = False) -> Source:
    return Source(name, (), (), reach, lambda _: {}, also_global=also_global)


SOURCES = (
    source("waf", Reach.REGIONAL, also_global=True),
    source("ec2", Reach.REGIONAL),
    source("iam", Reach.GLOBAL),
    source("organizations", Reach.ORGANIZATION),
    source("wp_roles", Reach.TENANT),
)


@dataclass
class Answers:
    """What AWS answers to the three questions; a problem is raised."""

    account: str | ScopeProblem = A
    members: list[str] | ScopeProblem = field(default_factory=lambda: [A, B])
    regions: Mapping[str, list[str] | ScopeProblem] = field(default_factory=dict)
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)

    def caller(self) -> str:
        return _said(self.account)

    def organization_accounts(self) -> list[str]:
        return _said(self.members)

    def enabled_regions(self, account: str, role: str | None, external_id: str | None) -> list[str]:
        self.asked.append((account, role, external_id))
        return _said(self.regions.get(account, ["eu-central-1", "us-east-1"]))


def _said(answer: T | ScopeProblem) -> T:
    if isinstance(answer, ScopeProblem):
        raise answer
    return answer


def planned(text: str, answers: Answers | None = None) -> ScopePlan:
    return plan_scopes(parse(text, "here"), SOURCES, answers or Answers())


def names(plan: ScopePlan) -> list[str]:
    return [f"{scope.account} {scope.region} {scope.source}" for scope in plan.all()]


def test_each_source_is_planned_where_its_reach_says() -> None:
    plan = planned(GOOD)
    assert names(plan) == [
        f"{A} eu-central-1 ec2",
        f"{A} us-east-1 ec2",
        f"{A} global iam",
        f"{A} eu-central-1 waf",
        f"{A} us-east-1 waf",
        f"{A} global waf",
        f"{A} global organizations",
        "main - wp_roles",
    ]
    assert (plan.caller, plan.access, plan.settled) == (A, {A: Access(A)}, ())
    assert [item.name for item in plan.sources] == ["ec2", "iam", "organizations", "waf", "wp_roles"]


def test_every_account_is_asked_for_its_regions_through_its_own_role() -> None:
    answers = Answers()
    plan = planned(TWO, answers)
    assert plan.access == {A: Access(A), B: Access(B, ROLE, "word")}
    assert answers.asked == [(A, None, None), (B, ROLE, "word")]
    assert len([scope for scope in plan.all() if scope.account == B]) == 6


def test_every_tenant_has_its_scopes() -> None:
    other = '  - {name: other, url: "https://workload.us-1.cloudone.trendmicro.com/api", key: "env:OTHER"}\n'
    assert [scope.account for scope, _ in planned(GOOD + other).tenants] == ["main", "other"]


def test_a_region_that_is_enabled_but_not_in_the_schedule_is_a_row_of_its_own() -> None:
    plan = planned(GOOD, Answers(regions={A: ["us-east-1", "eu-west-1", "eu-central-1", "ap-south-1"]}))
    assert [(row.scope, row.state) for row in plan.settled] == [
        (Scope(A, "ap-south-1", "ec2"), ScopeState.SKIPPED),
        (Scope(A, "eu-west-1", "ec2"), ScopeState.SKIPPED),
    ]
    assert "not in the schedule" in plan.settled[0].message
    assert names(plan)[-2:] == [f"{A} ap-south-1 ec2", f"{A} eu-west-1 ec2"]


def test_a_region_of_the_schedule_that_an_account_has_not_enabled_is_one_row_there_and_nothing_is_planned() -> None:
    plan = planned(TWO, Answers(regions={B: ["us-east-1"]}))
    assert plan.settled == (
        LedgerRow(
            Scope(B, "eu-central-1", "ec2"),
            ScopeState.SKIPPED,
            message="the schedule names this region, but it is not enabled in this account: nothing can be there",
        ),
    )
    assert [name for name in names(plan) if name.startswith(f"{B} eu-central-1")] == [f"{B} eu-central-1 ec2"]
    assert {scope.source for scope, _ in plan.aws if scope.account == B} == {"ec2", "iam", "waf"}
    assert {scope.region for scope, _ in plan.aws if scope.account == A} == {"eu-central-1", "us-east-1", "global"}


def test_what_an_account_has_not_enabled_does_not_make_a_run_incomplete() -> None:
    plan = planned(TWO, Answers(regions={B: ["us-east-1", "sa-east-1"]}))
    ledger = Ledger(row.scope for row in plan.settled)
    for row in plan.settled:
        ledger.record(row)
    assert [row.scope.region for row in ledger] == ["eu-central-1", "sa-east-1"]
    assert ledger.unread() == ()


def test_a_region_that_no_account_has_is_a_mistake_in_the_schedule() -> None:
    text = TWO.replace("[us-east-1, eu-central-1]", "[us-esat-1, eu-central-1]")
    with pytest.raises(ScheduleError, match=r"enabled in no account of the schedule: us-esat-1\n") as caught:
        planned(text, Answers(regions={A: ["us-east-1", "us-east-2", "eu-central-1"], B: ["us-east-1", "us-west-1"]}))
    assert (caught.value.where, caught.value.exit_code) == ("aws.regions", 2)
    assert caught.value.fix == "did you mean us-west-1 or us-east-1 or us-east-2 instead of us-esat-1? Or leave it out, or enable it in an account"


def test_a_region_that_no_account_has_and_that_is_like_none_is_told_with_those_there_are() -> None:
    with pytest.raises(ScheduleError) as caught:
        planned(GOOD.replace("eu-central-1", "me-south-1"), Answers(regions={A: ["us-east-1", "eu-west-1"]}))
    assert caught.value.what == "enabled in no account of the schedule: me-south-1"
    assert caught.value.fix == "enabled are: eu-west-1, us-east-1. Or leave it out, or enable it in an account"


def test_a_region_that_an_account_that_does_not_say_may_have_is_planned_there_and_skipped_elsewhere() -> None:
    text = TWO.replace("[us-east-1, eu-central-1]", "[us-esat-1, eu-central-1]")
    plan = planned(text, Answers(regions={B: Denied("refused")}))
    assert f"{B} us-esat-1 waf" in names(plan)
    assert f"{A} us-esat-1 waf" not in names(plan)
    assert Scope(A, "us-esat-1", "ec2") in [row.scope for row in plan.settled]


def test_an_account_that_names_no_region_at_all_cannot_be_believed() -> None:
    plan = planned(GOOD, Answers(regions={A: []}))
    (row,) = plan.settled
    assert (row.scope, row.state, row.permission) == (Scope(A, "global", "ec2"), ScopeState.UNAVAILABLE, "ec2:DescribeRegions")
    assert row.message.endswith("broken answer: it names no region")
    assert f"{A} us-east-1 ec2" in names(plan)


def test_a_region_that_the_administrator_has_not_enabled_is_read_at_each_member() -> None:
    plan = plan_scopes(parse(ADMINISTERED, "here"), (GUARDDUTY,), Answers(regions={B: ["us-east-1"]}))
    assert Scope(A, "eu-central-1", "guardduty") in set(plan.all())
    assert {scope.region for scope in plan.delegated} == {"us-east-1"}


def test_all_means_what_is_enabled_in_each_account() -> None:
    plan = planned(ALL, Answers(regions={A: ["us-east-1"], B: ["sa-east-1", "eu-west-1"]}))
    assert [name for name in names(plan) if name.endswith("ec2")] == [f"{A} us-east-1 ec2", f"{B} eu-west-1 ec2", f"{B} sa-east-1 ec2"]
    assert plan.settled == ()


def test_no_scope_is_planned_twice() -> None:
    plan = planned(TWO, Answers(regions={A: ["eu-west-1"], B: Denied("refused")}))
    assert len(names(plan)) == len(set(names(plan)))


@pytest.mark.parametrize(
    ("problem", "state", "permission"),
    [
        (Denied("refused", permission="sts:AssumeRole"), ScopeState.DENIED, "sts:AssumeRole"),
        (Unavailable("timeout"), ScopeState.UNAVAILABLE, "ec2:DescribeRegions"),
    ],
)
def test_an_account_that_does_not_say_its_regions_is_a_row_and_still_read_where_they_are_named(
    problem: ScopeProblem, state: ScopeState, permission: str
) -> None:
    plan = planned(TWO, Answers(regions={B: problem}))
    (row,) = plan.settled
    assert row == LedgerRow(
        Scope(B, "global", "ec2"), state, message=f"which regions are enabled could not be asked: {problem.message}", permission=permission
    )
    assert f"{B} us-east-1 ec2" in names(plan)


def test_an_account_that_does_not_say_its_regions_has_only_global_scopes_under_all() -> None:
    plan = planned(ALL, Answers(regions={B: Denied("refused")}))
    assert [name for name in names(plan) if name.startswith(B)] == [f"{B} global iam", f"{B} global waf", f"{B} global ec2"]


def test_the_accounts_of_an_organisation_are_read_through_one_role_name_except_our_own() -> None:
    plan = planned(ORGANIZATION, Answers(members=[B, A, C]))
    assert plan.access == {
        A: Access(A, None, "word"),
        B: Access(B, ROLE, "word"),
        C: Access(C, f"arn:aws:iam::{C}:role/reporter-read", "word"),
    }
    assert list(dict.fromkeys(scope.account for scope, _ in plan.aws)) == [A, B, C]


@pytest.mark.parametrize(
    ("problem", "fix"),
    [
        (Denied("refused", permission="organizations:ListAccounts"), "grant organizations:ListAccounts"),
        (Unavailable("timeout"), "organizations:ListA"),
    ],
)
def test_an_organisation_that_cannot_be_listed_ends_the_run_with_what_to_grant(problem: ScopeProblem, fix: str) -> None:
    with pytest.raises(ReporterError, match="accounts cannot be listed") as caught:
        planned(ORGANIZATION, Answers(members=problem))
    assert fix in caught.value.fix
    assert caught.value.exit_code == 1


def test_a_caller_that_is_not_known_ends_the_run() -> None:
    with pytest.raises(ReporterError, match="does not say who is calling: expired"):
        planned(GOOD, Answers(account=Denied("expired")))


def test_an_account_without_a_role_must_be_the_callers_own() -> None:
    with pytest.raises(ScheduleError, match=f"account {A} has no role, and the current credentials belong to account {C}") as caught:
        planned(GOOD, Answers(account=C))
    assert f"arn:aws:iam::{A}:role/" in caught.value.fix


def test_the_order_of_sources_and_accounts_does_not_matter() -> None:
    schedule: Schedule = parse(TWO, "here")
    turned = schedule.model_copy(update={"aws": schedule.aws.model_copy(update={"accounts": schedule.aws.accounts[::-1]})})
    assert plan_scopes(schedule, SOURCES, Answers()) == plan_scopes(turned, reversed(SOURCES), Answers())


ADMINISTERED = TWO.replace("regions:", f'delegated_admin: {{guardduty: "{B}"}}\n  regions:')
GUARDDUTY = source("guardduty", Reach.REGIONAL)


def test_every_scope_of_a_service_names_the_delegated_administrators_where_it_is_read() -> None:
    plan = plan_scopes(parse(ADMINISTERED, "here"), (*SOURCES, GUARDDUTY), Answers())
    assert plan.delegated == {
        Scope(account, region, "guardduty"): Scope(B, region, "guardduty") for account in (A, B) for region in ("eu-central-1", "us-east-1")
    }


def test_a_region_that_only_a_member_has_is_read_there_alone() -> None:
    text = ADMINISTERED.replace("[us-east-1, eu-central-1]", "all")
    plan = plan_scopes(parse(text, "here"), (GUARDDUTY,), Answers(regions={A: ["sa-east-1", "us-east-1"], B: ["us-east-1"]}))
    assert Scope(A, "sa-east-1", "guardduty") in set(plan.all())
    assert {scope.region for scope in plan.delegated} == {"us-east-1"}


def test_a_delegated_administrator_that_no_account_of_the_schedule_is_cannot_be_read() -> None:
    with pytest.raises(ScheduleError, match=f"delegated administrator {C} is not among the accounts"):
        planned(ADMINISTERED.replace(f'guardduty: "{B}"', f'guardduty: "{C}"'))


def test_one_account_is_read_as_the_schedule_says_and_no_other_one_is() -> None:
    assert access_to(parse(TWO, "here"), Answers(), B) == (A, Access(B, ROLE, "word"))
    assert access_to(parse(ORGANIZATION, "here"), Answers(), B) == (A, Access(B, ROLE, "word"))
    for text in (TWO, ORGANIZATION):
        with pytest.raises(ReporterError, match=f"account {C} is none of those that the schedule names"):
            access_to(parse(text, "here"), Answers(), C)


def test_a_question_about_one_place_needs_its_scopes_and_the_tenants() -> None:
    plan = plan_place(parse(TWO, "here"), SOURCES, A, Access(B, ROLE), "eu-central-1")
    assert sorted(map(str, plan.all())) == ["ec2 in 444455556666 eu-central-1", "waf in 444455556666 eu-central-1", "wp_roles in main -"]
    assert plan.access == {B: Access(B, ROLE)}


def test_inspector_exports_where_the_schedule_says_so_of_account_and_region() -> None:
    to = f'{{bucket: acme-inspector, key_arn: "arn:aws:kms:us-east-1:{A}:key/abcd", accounts: ["{B}"], patience: 30m}}'
    plan = plan_scopes(parse(TWO.replace("regions:", f"inspector_export: {{us-east-1: {to}}}\n  regions:"), "here"), SOURCES, Answers())
    assert plan.access[B].export("us-east-1", "inspector") == ExportTo("acme-inspector", f"arn:aws:kms:us-east-1:{A}:key/abcd", "inspector", 1800)
    nowhere = (plan.access[A].export("us-east-1", "inspector"), plan.access[B].export("eu-central-1", "inspector"))
    assert (*nowhere, plan.access[B].export("us-east-1", "macie")) == (None, None, None)
