"""reporter/sources/organizations.py against scripted answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reporter.core.errors import Unavailable
from reporter.sources.organizations import SOURCE
from tests.clients.aws_server import Answer, AwsServer, error, page, server
from tests.sources.read_findings import ACCOUNT, FAULTS, OTHER, check_fault, read

__all__ = ["server"]

ROOT, UNIT, DEEP = "r-exam", "ou-exam-11111111", "ou-exam-22222222"
DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def account(identifier: str, **changes: Any) -> dict[str, Any]:
    return {"Id": identifier, "Name": f"account {identifier}", "Status": "ACTIVE", "Email": "payments@example.com", **changes}


def by_parent(key: str, children: dict[str, list[dict[str, Any]]]) -> Any:
    return lambda request: page(**{key: children.get(request.json["ParentId"], [])})


def serve(server: AwsServer, *, enabled: tuple[str, ...] = ("SERVICE_CONTROL_POLICY",)) -> None:
    server.on("DescribeOrganization", page(Organization={"Id": "o-example", "MasterAccountId": ACCOUNT}))
    server.on("ListRoots", page(Roots=[{"Id": ROOT, "PolicyTypes": [{"Type": kind, "Status": "ENABLED"} for kind in enabled]}]))
    server.on("ListOrganizationalUnitsForParent", by_parent("OrganizationalUnits", {ROOT: [{"Id": UNIT}], UNIT: [{"Id": DEEP}]}))
    accounts = {ROOT: [account(ACCOUNT)], DEEP: [account(OTHER, State="SUSPENDED")]}
    server.on("ListAccountsForParent", by_parent("Accounts", accounts))
    server.on("ListPolicies", lambda request: page(Policies=[{"Id": f"p-{request.json['Filter'][:3].lower()}", "Name": "FullAWSAccess"}]))
    server.on("ListTargetsForPolicy", page(Targets=[{"TargetId": ROOT, "Type": "ROOT"}, {"TargetId": OTHER, "Type": "ACCOUNT"}]))
    server.on("DescribePolicy", page(Policy={"PolicySummary": {"Id": "p-1"}, "Content": json.dumps(DOCUMENT)}))


def test_accounts_stand_in_their_place_in_the_tree(server: AwsServer) -> None:
    serve(server)
    rows = read(SOURCE, region="global")["organization_accounts"]
    assert [(row["id"], row["status"], row["management"], row["path"]) for row in rows] == [
        (ACCOUNT, "ACTIVE", True, (ROOT, ACCOUNT)),
        (OTHER, "SUSPENDED", False, (ROOT, UNIT, DEEP, OTHER)),
    ]
    assert (rows[0]["account"], rows[0]["region"], rows[0]["name"]) == (ACCOUNT, "global", f"account {ACCOUNT}")


def test_accounts_on_a_second_page_are_read(server: AwsServer) -> None:
    serve(server)
    server.on("ListOrganizationalUnitsForParent", page(OrganizationalUnits=[]))
    server.on("ListAccountsForParent", page(Accounts=[account(ACCOUNT)], NextToken="2"), page(Accounts=[account(OTHER)]))
    assert [row["id"] for row in read(SOURCE, region="global")["organization_accounts"]] == [ACCOUNT, OTHER]


def test_policies_have_a_row_for_each_target_with_their_document(server: AwsServer) -> None:
    serve(server)
    rows = read(SOURCE, region="global")["organization_policies"]
    assert [(row["policy_id"], row["kind"], row["target_id"]) for row in rows] == [
        ("p-ser", "SERVICE_CONTROL_POLICY", OTHER),
        ("p-ser", "SERVICE_CONTROL_POLICY", ROOT),
    ]
    assert json.loads(rows[0]["document"]) == DOCUMENT


def test_resource_control_policies_are_read_where_they_are_enabled(server: AwsServer) -> None:
    serve(server, enabled=("RESOURCE_CONTROL_POLICY",))
    assert {row["kind"] for row in read(SOURCE, region="global")["organization_policies"]} == {"RESOURCE_CONTROL_POLICY"}


def test_where_no_policy_type_is_enabled_there_are_no_policies(server: AwsServer) -> None:
    serve(server, enabled=())
    assert read(SOURCE, region="global")["organization_policies"] == []
    assert server.asked("ListPolicies") == []


def test_a_policy_type_that_is_switched_off_meanwhile_has_no_policies(server: AwsServer) -> None:
    serve(server)
    server.on("ListPolicies", error("PolicyTypeNotEnabledException"))
    assert read(SOURCE, region="global")["organization_policies"] == []


def test_a_policy_without_targets_is_no_row_and_is_not_read(server: AwsServer) -> None:
    serve(server)
    server.on("ListTargetsForPolicy", page(Targets=[]))
    assert read(SOURCE, region="global")["organization_policies"] == []
    assert server.asked("DescribePolicy") == []


@pytest.mark.parametrize("content", [None, "", "{", "[]", '"text"'])
def test_a_policy_whose_document_cannot_be_read_is_broken(server: AwsServer, content: str | None) -> None:
    serve(server)
    server.on("DescribePolicy", page(Policy={"Content": content}))
    with pytest.raises(Unavailable, match="p-ser is no JSON object"):
        read(SOURCE, region="global")


def test_a_caller_in_no_organisation_has_no_rows(server: AwsServer) -> None:
    server.on("DescribeOrganization", error("AWSOrganizationsNotInUseException"))
    assert read(SOURCE, region="global") == {"organization_accounts": [], "organization_policies": []}
    assert len(server.requests) == 1


def test_a_tree_that_goes_round_in_circles_ends(server: AwsServer) -> None:
    serve(server)
    server.on("ListOrganizationalUnitsForParent", by_parent("OrganizationalUnits", {ROOT: [{"Id": UNIT}], UNIT: [{"Id": UNIT}, {"Id": ROOT}]}))
    assert [row["id"] for row in read(SOURCE, region="global")["organization_accounts"]] == [ACCOUNT]


@FAULTS
@pytest.mark.parametrize("key", [permission.removeprefix("organizations:") for permission in SOURCE.permissions])
def test_a_call_that_fails_makes_the_scope_unread(server: AwsServer, key: str, answer: Answer, problem: type[Exception]) -> None:
    serve(server)
    check_fault(server, SOURCE, key, answer, problem)
