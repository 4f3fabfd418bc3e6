"""Readers as they are opened for a plan, against the sandbox: delegated administrators, and which accounts an organisation has."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from reporter.core.errors import Unavailable
from reporter.core.export import ExportTo
from reporter.core.ledger import LedgerRow
from reporter.core.scope import Scope, ScopeState
from reporter.gather import Gathered, discover, gather, read_scope
from reporter.opening import Opener, open_clients
from reporter.schedule import Schedule, parse
from reporter.scopes import Access, ScopePlan, plan_scopes
from tests.clients.aws_server import AwsServer, page, server
from tests.sandbox.aws.conftest import Door, running
from tests.sandbox.aws.samples import guardduty_finding, inspector_finding, macie_finding
from tests.test_schedule import GOOD

__all__ = ["running", "server"]

ADMIN, A, B = "444455556666", "111122223333", "777788889999"
ACCOUNTS = (A, ADMIN, B)
REGIONS = ("eu-central-1", "us-east-1")
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SERVICES = ("guardduty", "inspector", "macie")
LISTED = ", ".join(f'{{id: "{account}", role: "arn:aws:iam::{account}:role/reporter-read"}}' for account in ACCOUNTS)
ALONE = GOOD.replace('{id: "111122223333"}', LISTED).replace("regions:", "max_attempts: 1\n  regions:")
DELEGATED = ALONE.replace("regions:", "delegated_admin: {" + ", ".join(f'{name}: "{ADMIN}"' for name in SERVICES) + "}\n  regions:")


@dataclass
class Organisation:
    """An administrator and two members, with findings of their own in every region."""

    aws: Door
    detectors: dict[tuple[str, str], str] = field(default_factory=dict)

    def pour(self) -> None:
        features = {A: ["RUNTIME_MONITORING", "S3_DATA_EVENTS"], B: ["S3_DATA_EVENTS"], ADMIN: []}
        for at, account in enumerate(ACCOUNTS):
            key = (f"AKIAEXAMPLE{account[-9:]}", "secret", "")
            self.aws.seed("sts", "access_keys", [key[0]], account=account)
            for region in REGIONS:
                settings = [{"Name": name, "Status": "ENABLED"} for name in features[account]]
                made = self.aws.client("guardduty", region=region, key=key).create_detector(Enable=True, Features=settings)
                self.detectors[(account, region)] = made["DetectorId"]
                self._findings(at, account, region)
        for region in REGIONS:
            for account in (A, B):
                self.member(account, region, "Enabled")

    def member(self, account: str, region: str, status: str) -> None:
        """Its relationship with the administrator, in all three services."""
        self.seed("inspector2", "members", [{"accountId": account, "relationshipStatus": status.upper()}], ADMIN, region)
        self.seed("guardduty", "members", [{"AccountId": account, "RelationshipStatus": status}], ADMIN, region)
        self.seed("macie2", "members", [{"accountId": account, "relationshipStatus": status}], ADMIN, region)

    def switch_off(self, account: str, region: str) -> None:
        """All three services, in the account itself."""
        key = self.aws.assumed(account)
        self.aws.client("guardduty", region=region, key=key).delete_detector(DetectorId=self.detectors[(account, region)])
        self.seed("inspector2", "status", [{"ec2": "DISABLED", "ecr": "DISABLED"}], account, region)
        self.seed("macie2", "session", [{"status": "DISABLED"}], account, region)

    def seed(self, service: str, kind: str, items: list[Any], account: str, region: str) -> None:
        self.aws.seed(service, kind, items, account=account, region=region)

    def _findings(self, at: int, account: str, region: str) -> None:
        numbers = range(100 * at, 100 * at + 60)
        image = f"arn:aws:ecr:{region}:{account}:repository/shop/sha256:{at:064x}"
        found = [inspector_finding(number, awsAccountId=account) for number in numbers]
        found.append(inspector_finding(100 * at + 99, awsAccountId=account, resources=[{"id": image, "type": "AWS_ECR_CONTAINER_IMAGE"}]))
        covered = {"accountId": account, "resourceId": f"i-{at:017x}", "resourceType": "AWS_EC2_INSTANCE", "scanType": "PACKAGE"}
        cluster = {"clusterArn": f"arn:aws:ecs:{region}:{account}:cluster/shop", "clusterDetails": []}
        self.seed("guardduty", "findings", [guardduty_finding(number, AccountId=account) for number in numbers], account, region)
        self.seed("macie2", "session", [{"status": "ENABLED"}], account, region)
        self.seed("macie2", "findings", [macie_finding(number, accountId=account) for number in numbers], account, region)
        self.seed("inspector2", "status", [{"ec2": "ENABLED", "ecr": "ENABLED"}], account, region)
        self.seed("inspector2", "findings", found, account, region)
        self.seed("inspector2", "coverage", [{**covered, "scanStatus": {"statusCode": "ACTIVE", "reason": "SUCCESSFUL"}}], account, region)
        self.seed("inspector2", "image_clusters", [{"imageResourceId": image, "clusters": [cluster]}], account, region)

    def calls(self) -> Counter[tuple[str, str, str]]:
        """(operation, account, region) of the three services, as the sandbox was asked."""
        services = {"guardduty", "inspector2", "macie2"}
        return Counter((row["operation"], row["account"], row["region"]) for row in self.aws.calls() if row["service"] in services)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    given = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE12", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": REGIONS[0], "WP_API_KEY": "key"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def organisation(running: Door, monkeypatch: pytest.MonkeyPatch) -> Iterator[Organisation]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", running.endpoint)
    running.control("POST", "/moto-api/reset")
    made = Organisation(running)
    made.pour()
    running.control("DELETE", "/sandbox/calls")
    yield made
    running.control("DELETE", "/sandbox/faults")


def opened(text: str) -> tuple[ScopePlan, Opener]:
    schedule: Schedule = parse(text, "here")
    clients = open_clients(schedule)
    plan = plan_scopes(schedule, [source for source in discover() if source.name in SERVICES], clients)
    return plan, Opener(clients, plan, "reporter-", NOW)


def read(text: str) -> Gathered:
    plan, opener = opened(text)
    return gather(plan, opener, lambda _: None)


def rows(gathered: Gathered) -> dict[tuple[str, str, str], LedgerRow]:
    """Ledger rows of the three services, in eu-central-1 and us-east-1."""
    found = {(row.scope.account, row.scope.region, row.scope.source): row for row in gathered.ledger}
    return {key: row for key, row in found.items() if key[2] in SERVICES}


def same(one: Gathered, other: Gathered) -> None:
    assert one.tables.keys() == other.tables.keys()
    for name, frame in one.tables.items():
        by = list(frame.columns)
        text, theirs = (table.astype(str).sort_values(by, ignore_index=True) for table in (frame, other.tables[name]))
        pd.testing.assert_frame_equal(text, theirs)


def test_an_administrator_gives_the_same_tables_and_states_as_each_account_by_itself(organisation: Organisation) -> None:
    alone, delegated = read(ALONE), read(DELEGATED)
    same(delegated, alone)
    assert {name: len(frame) for name, frame in delegated.tables.items()} == {
        "counts": 6,
        "guardduty_detectors": 6,
        "guardduty_findings": 360,
        "inspector_coverage": 6,
        "inspector_findings": 366,
        "inspector_image_clusters": 6,
        "inspector_status": 6,
        "macie_findings": 360,
        "macie_sessions": 6,
    }
    detail = {key: (row.state, row.rows) for key, row in rows(delegated).items()}
    assert detail == {key: (row.state, row.rows) for key, row in rows(alone).items()}
    assert len(detail) == len(ACCOUNTS) * len(REGIONS) * len(SERVICES)


def test_the_lists_are_read_once_per_region_and_at_the_administrator_only(organisation: Organisation) -> None:
    gathered = read(DELEGATED)
    asked = organisation.calls()
    assert {account for _, account, _ in asked} == {ADMIN}
    for region in REGIONS:
        told = {operation: asked[(operation, ADMIN, region)] for operation, _, place in asked if place == region}
        assert told == {
            "BatchGetAccountStatus": 1,
            "GetClustersForImage": 3,
            "GetDetector": 1,
            "ListCoverageStatistics": 1,
            "GetFindings": 8,  # 180 findings of GuardDuty and of Macie, 50 a call
            "GetMacieSession": 1,
            "GetMemberDetectors": 1,
            "ListCoverage": 1,
            "ListDetectors": 1,
            "ListFindings": 4 + 2 + 4,
            "ListMembers": 1 + 1 + 1,
        }
    counted = {key: row.calls for key, row in rows(gathered).items()}
    assert sum(counted.values()) == sum(asked.values())
    assert {account for (account, _, _), calls in counted.items() if calls} == {ADMIN}


def test_without_a_delegated_administrator_every_account_is_read_by_itself(organisation: Organisation) -> None:
    gathered = read(ALONE)
    asked = organisation.calls()
    assert {account for _, account, _ in asked} == set(ACCOUNTS)
    assert not {"ListMembers", "GetMemberDetectors"} & {operation for operation, _, _ in asked}
    assert all(row.calls for row in rows(gathered).values())


def callers(organisation: Organisation) -> set[tuple[str, str]]:
    """(account, region) in which the three services were asked."""
    return {(account, region) for _, account, region in organisation.calls()}


@pytest.mark.parametrize("relationship", ["Removed", "Invited"])
def test_an_account_that_is_no_member_is_read_with_its_own_role_and_its_rows_are_its_own(organisation: Organisation, relationship: str) -> None:
    organisation.member(A, "us-east-1", relationship)
    gathered = read(DELEGATED)
    assert callers(organisation) == {(ADMIN, "eu-central-1"), (ADMIN, "us-east-1"), (A, "us-east-1")}
    found = rows(gathered)
    assert {row.state for row in found.values()} == {ScopeState.OK}
    assert {key for key, row in found.items() if row.calls and key[0] != ADMIN} == {(A, "us-east-1", source) for source in SERVICES}
    same(gathered, read(ALONE))


def test_an_account_that_is_no_member_and_has_its_own_service_off_is_not_enabled(organisation: Organisation) -> None:
    organisation.member(A, "us-east-1", "Removed")
    organisation.switch_off(A, "us-east-1")
    gathered = read(DELEGATED)
    off = {key: row.message for key, row in rows(gathered).items() if row.state is ScopeState.NOT_ENABLED}
    assert off == {
        (A, "us-east-1", "guardduty"): f"GuardDuty has no detector in {A} us-east-1",
        (A, "us-east-1", "inspector"): f"Inspector is disabled in {A} us-east-1",
        (A, "us-east-1", "macie"): f"Macie is not enabled in {A} us-east-1",
    }
    assert not gathered.ledger.unread()
    same(gathered, read(ALONE))


def test_a_member_of_inspector_that_has_it_off_says_so_itself(organisation: Organisation) -> None:
    organisation.seed("inspector2", "status", [{"ec2": "DISABLED", "ecr": "DISABLED"}], A, "us-east-1")
    row = rows(read(DELEGATED))[(A, "us-east-1", "inspector")]
    assert (row.state, row.message, row.calls) == (ScopeState.NOT_ENABLED, f"Inspector is disabled in {A} us-east-1", 1)


NOBODY = "222233334444"
MORE = DELEGATED.replace(f'{{id: "{A}"', f'{{id: "{NOBODY}", role: "arn:aws:iam::{NOBODY}:role/r"}}, {{id: "{A}"')


def test_an_account_that_the_administrator_does_not_list_is_what_it_says_itself(organisation: Organisation) -> None:
    organisation.seed("macie2", "session", [{"status": "ENABLED"}], NOBODY, "us-east-1")
    organisation.seed("macie2", "findings", [macie_finding(1, accountId=NOBODY)], NOBODY, "us-east-1")
    gathered = read(MORE)
    found = {key[1:]: (row.state, row.rows) for key, row in rows(gathered).items() if key[0] == NOBODY}
    assert found.pop(("us-east-1", "macie")) == (ScopeState.OK, 2)
    assert set(found.values()) == {(ScopeState.NOT_ENABLED, 0)}
    assert all(row.calls for key, row in rows(gathered).items() if key[0] == NOBODY)
    assert {row.state for key, row in rows(gathered).items() if key[0] != NOBODY} == {ScopeState.OK}
    frame = gathered.tables["macie_findings"]
    assert list(frame.loc[frame["account"] == NOBODY, "finding_id"]) == [macie_finding(1)["id"]]


def test_an_account_that_is_no_member_and_cannot_be_read_is_denied(organisation: Organisation) -> None:
    organisation.member(A, "us-east-1", "Removed")
    for service in ("guardduty", "inspector2", "macie2"):
        organisation.aws.fault(service, "access_denied", account=A)
    found = {key: (row.state, row.permission) for key, row in rows(read(DELEGATED)).items() if row.state is not ScopeState.OK}
    assert found == {
        (A, "us-east-1", "guardduty"): (ScopeState.DENIED, "guardduty:ListDetectors"),
        (A, "us-east-1", "inspector"): (ScopeState.DENIED, "inspector2:BatchGetAccountStatus"),
        (A, "us-east-1", "macie"): (ScopeState.DENIED, "macie2:GetMacieSession"),
    }


def test_a_paused_member_of_macie_is_paused(organisation: Organisation) -> None:
    organisation.seed("macie2", "members", [{"accountId": A, "relationshipStatus": "Paused"}], ADMIN, "us-east-1")
    row = rows(read(DELEGATED))[(A, "us-east-1", "macie")]
    assert (row.state, row.message) == (ScopeState.NOT_ENABLED, f"Macie is paused in {A} us-east-1")


@pytest.mark.parametrize(
    ("source", "service", "operation", "permission"),
    [
        ("guardduty", "guardduty", "ListFindings", "guardduty:ListFindings"),
        ("inspector", "inspector2", "ListFindings", "inspector2:ListFindings"),
        ("inspector", "inspector2", "BatchGetAccountStatus", "inspector2:BatchGetAccountStatus"),
        ("macie", "macie2", "ListFindings", "macie2:ListFindings"),
    ],
)
def test_what_the_administrator_is_denied_is_denied_for_every_member(
    organisation: Organisation, source: str, service: str, operation: str, permission: str
) -> None:
    organisation.aws.fault(service, "access_denied", operation=operation, account=ADMIN, region="us-east-1")
    found = rows(read(DELEGATED))
    for account in ACCOUNTS:
        row = found[(account, "us-east-1", source)]
        assert (row.state, row.permission, row.rows) == (ScopeState.DENIED, permission, 0)
        assert f"in {ADMIN} us-east-1" in row.message
    assert {row.state for key, row in found.items() if key[1:] != ("us-east-1", source)} == {ScopeState.OK}


@pytest.mark.parametrize(
    ("source", "service", "operation"),
    [
        ("guardduty", "guardduty", "ListMembers"),
        ("guardduty", "guardduty", "GetMemberDetectors"),
        ("inspector", "inspector2", "ListMembers"),
        ("macie", "macie2", "ListMembers"),
    ],
)
def test_an_administrator_that_may_not_see_its_members_still_has_its_own_rows(
    organisation: Organisation, source: str, service: str, operation: str
) -> None:
    organisation.aws.fault(service, "access_denied", operation=operation)
    found = rows(read(DELEGATED))
    for region in REGIONS:
        assert found[(ADMIN, region, source)].state is ScopeState.OK
        denied = {(found[(account, region, source)].state, found[(account, region, source)].permission) for account in (A, B)}
        assert denied == {(ScopeState.DENIED, f"{service}:{operation}")}


@pytest.mark.parametrize(("service", "source"), [("guardduty", "guardduty"), ("inspector2", "inspector"), ("macie2", "macie")])
def test_an_administrator_that_has_the_service_off_leaves_its_members_read_alone(organisation: Organisation, service: str, source: str) -> None:
    organisation.aws.fault(service, "not_enabled", account=ADMIN)
    gathered = read(DELEGATED)
    found = {key: row for key, row in rows(gathered).items() if key[2] == source}
    assert {key[0]: row.state for key, row in found.items()} == {ADMIN: ScopeState.NOT_ENABLED, A: ScopeState.OK, B: ScopeState.OK}
    assert all(row.calls for row in found.values())
    same(gathered, read(ALONE))


def test_an_image_whose_clusters_cannot_be_asked_for_is_its_own_accounts_problem(organisation: Organisation) -> None:
    organisation.aws.fault("inspector2", "access_denied", operation="GetClustersForImage", region="us-east-1", times=1)
    states = [row.state for key, row in rows(read(DELEGATED)).items() if key[2] == "inspector"]
    assert Counter(states) == {ScopeState.DENIED: 1, ScopeState.OK: 5}


def test_a_role_of_the_administrator_that_cannot_be_assumed_denies_every_member(organisation: Organisation) -> None:
    plan, _ = opened(DELEGATED)
    organisation.seed("sts", "refused_roles", [f"arn:aws:iam::{ADMIN}:role/reporter-read"], ADMIN, "global")
    fresh = Opener(open_clients(parse(DELEGATED, "here")), plan, "reporter-", NOW)
    source = next(source for source in plan.sources if source.name == "macie")
    row, found = read_scope(Scope(A, "us-east-1", "macie"), source, fresh)
    assert (row.state, row.permission, found) == (ScopeState.DENIED, "sts:AssumeRole", {})


def test_one_reader_of_the_administrator_is_behind_those_of_all_its_members(organisation: Organisation) -> None:
    plan, opener = opened(DELEGATED)
    source = next(source for source in plan.sources if source.name == "macie")
    administrator = opener(Scope(ADMIN, "us-east-1", "macie"), source)
    assert (administrator.members, administrator.administrator) == ((A, B), None)
    for account in (A, B):
        assert opener(Scope(account, "us-east-1", "macie"), source).administrator is administrator
    assert opener(Scope(ADMIN, "eu-central-1", "macie"), source) is not administrator


def test_accounts_of_an_organisation_are_active_by_their_state_or_else_their_status(server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    accounts = [
        {"Id": B, "Status": "ACTIVE"},
        {"Id": A, "State": "ACTIVE"},
        {"Id": "222233334444", "State": "PENDING_CLOSURE", "Status": "ACTIVE"},
        {"Id": "333344445555", "Status": "SUSPENDED"},
    ]
    server.on("ListAccounts", page(Accounts=accounts))
    assert open_clients(parse(GOOD, "here")).organization_accounts() == [A, B]


def test_an_account_without_state_and_status_cannot_be_believed(server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    server.on("ListAccounts", page(Accounts=[{"Id": A}]))
    with pytest.raises(Unavailable, match="ListAccounts: an answer without Status"):
        open_clients(parse(GOOD, "here")).organization_accounts()


def test_the_reader_of_inspector_is_told_where_it_exports_to_and_no_other_reader_is() -> None:
    to = ExportTo("acme-inspector", f"arn:aws:kms:us-east-1:{A}:key/abcd", "inspector", 60)
    sources = {source.name: source for source in discover()}
    plan = ScopePlan(A, {A: Access(A, exports=(("us-east-1", to),))}, (), (), ())
    opener = Opener(open_clients(parse(GOOD, "here")), plan, "reporter-", NOW)
    found = {(name, region): opener(Scope(A, region, name), sources[name]).export for name in ("inspector", "ec2") for region in REGIONS}
    assert {key: value for key, value in found.items() if value is not None} == {("inspector", "us-east-1"): to}
