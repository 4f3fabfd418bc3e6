"""reporter/sources/inspector.py against scripted answers."""

from __future__ import annotations

from typing import Any

import pytest

from reporter.core.errors import Denied, NotEnabled, ScopeProblem, Unavailable
from reporter.sources.inspector import SOURCE
from tests.clients.aws_server import Answer, AwsServer, error, page, server
from tests.sources.read_findings import ACCOUNT, EPOCH, FAULTS, INSTANT, OTHER, REGION, STAMP, THIRD, check_fault, read, read_members

__all__ = ["server"]

STATUS, LIST, COVERAGE, CLUSTERS = "POST /status/batch/get", "POST /findings/list", "POST /coverage/list", "POST /cluster/get"
MEMBERS = "POST /members/list"
DIGEST = "sha256:" + "ab" * 32
IMAGE = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/shop/{DIGEST}"
INSTANCE = {"type": "AWS_EC2_INSTANCE", "id": "i-0ABCdef0123456789"}
IMAGE_RESOURCE = {"type": "AWS_ECR_CONTAINER_IMAGE", "id": IMAGE, "details": {"awsEcrContainerImage": {"imageHash": DIGEST, "registry": ACCOUNT}}}
CLUSTER = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/shop"
DEFINITION = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/shop:7"


def finding(name: str = "f1", **changes: Any) -> dict[str, Any]:
    return {
        "findingArn": f"arn:aws:inspector2:{REGION}:{ACCOUNT}:finding/{name}",
        "awsAccountId": ACCOUNT,
        "type": "PACKAGE_VULNERABILITY",
        "severity": "HIGH",
        "status": "ACTIVE",
        "title": "CVE-2026-0001 - openssl",
        "inspectorScore": 7.5,
        "exploitAvailable": "YES",
        "fixAvailable": "PARTIAL",
        "firstObservedAt": EPOCH,
        "lastObservedAt": EPOCH + 60,
        "updatedAt": EPOCH + 120,
        "packageVulnerabilityDetails": {
            "vulnerabilityId": "cve-2026-0001",
            "relatedVulnerabilities": ["CVE-2026-0002", "ALAS-1"],
            "vulnerablePackages": [{"name": "openssl", "version": "3.0.1"}, {"name": "libssl", "version": None}],
        },
        "resources": [INSTANCE],
        "remediation": {"recommendation": {"text": "x"}},
        **changes,
    }


def covered(**changes: Any) -> dict[str, Any]:
    status = {"statusCode": "INACTIVE", "reason": "UNMANAGED_EC2_INSTANCE"}
    return {
        "accountId": ACCOUNT,
        "resourceId": INSTANCE["id"],
        "resourceType": INSTANCE["type"],
        "scanType": "PACKAGE",
        "scanStatus": status,
        **changes,
    }


def account(status: str = "ENABLED") -> Answer:
    parts = {"ec2": {"status": "ENABLED"}, "ecr": {"status": "DISABLED"}}
    return page(accounts=[{"accountId": ACCOUNT, "state": {"status": status}, "resourceState": parts}], failedAccounts=[])


def serve(server: AwsServer, *findings: dict[str, Any], coverage: tuple[dict[str, Any], ...] = ()) -> None:
    server.on(STATUS, account())
    server.on(LIST, page(findings=list(findings)))
    server.on(COVERAGE, page(coveredResources=list(coverage)))
    server.on(CLUSTERS, page(cluster=[]))


def only(server: AwsServer, **changes: Any) -> dict[str, Any]:
    serve(server, finding(**changes))
    rows = read(SOURCE)["inspector_findings"]
    assert len(rows) == 1
    return rows[0]


def test_a_package_finding_becomes_a_row(server: AwsServer) -> None:
    row = only(server)
    assert (row["type"], row["severity"], row["score"]) == ("PACKAGE_VULNERABILITY", "HIGH", 7.5)
    assert (row["vulnerability_id"], row["related_ids"]) == ("CVE-2026-0001", ("ALAS-1", "CVE-2026-0002"))
    assert (row["resource_type"], row["resource_id"], row["image_digest"]) == ("AWS_EC2_INSTANCE", "i-0abcdef0123456789", None)
    assert (row["exploit_available"], row["fix_available"]) == (True, "PARTIAL")
    assert row["packages"] == ("libssl", "openssl 3.0.1")
    assert row["first_observed"] == INSTANT
    assert (row["last_observed"] - INSTANT).total_seconds() == 60
    assert (row["updated_at"] - INSTANT).total_seconds() == 120


def test_only_this_accounts_active_findings_are_asked_for(server: AwsServer) -> None:
    serve(server)
    read(SOURCE)
    asked = server.asked(LIST)[0].json
    assert asked["filterCriteria"] == {
        "awsAccountId": [{"comparison": "EQUALS", "value": ACCOUNT}],
        "findingStatus": [{"comparison": "EQUALS", "value": "ACTIVE"}],
    }
    assert asked["maxResults"] == 100


def test_members_and_closed_findings_that_come_all_the_same_are_left_out(server: AwsServer) -> None:
    serve(server, finding("f1", awsAccountId=OTHER), finding("f2", status="CLOSED"), coverage=(covered(accountId=OTHER),))
    tables = read(SOURCE)
    assert (tables["inspector_findings"], tables["inspector_coverage"]) == ([], [])


def test_a_network_finding_has_no_vulnerability(server: AwsServer) -> None:
    row = only(server, type="NETWORK_REACHABILITY", packageVulnerabilityDetails=None, exploitAvailable=None, inspectorScore=None)
    assert (row["vulnerability_id"], row["related_ids"], row["packages"]) == (None, (), ())


def test_a_vendors_own_id_stays_as_it_is(server: AwsServer) -> None:
    assert only(server, packageVulnerabilityDetails={"vulnerabilityId": "SNYK-x-1"})["vulnerability_id"] == "SNYK-x-1"
    assert only(server, packageVulnerabilityDetails={"vulnerabilityId": None})["vulnerability_id"] is None


def test_an_images_digest_comes_from_its_arn_or_from_its_details(server: AwsServer) -> None:
    assert only(server, resources=[IMAGE_RESOURCE])["image_digest"] == DIGEST
    assert only(server, resources=[{**IMAGE_RESOURCE, "id": "shop:latest"}])["image_digest"] == DIGEST
    assert only(server, resources=[{"type": "AWS_ECR_CONTAINER_IMAGE", "id": "shop:latest"}])["image_digest"] is None


def test_a_finding_with_several_resources_has_a_row_for_each(server: AwsServer) -> None:
    serve(server, finding(resources=[INSTANCE, IMAGE_RESOURCE]))
    assert [row["resource_id"] for row in read(SOURCE)["inspector_findings"]] == [IMAGE, "i-0abcdef0123456789"]


def test_two_pages_are_read_and_a_finding_on_both_is_one_row(server: AwsServer) -> None:
    serve(server)
    server.on(LIST, page(findings=[finding("f1"), finding("f2")], nextToken="2"), page(findings=[finding("f2", title="later"), finding("f3")]))
    assert [row["title"] for row in read(SOURCE)["inspector_findings"]] == ["CVE-2026-0001 - openssl", "later", "CVE-2026-0001 - openssl"]


def test_no_findings_are_no_rows_and_no_calls_for_images(server: AwsServer) -> None:
    serve(server)
    tables = read(SOURCE)
    assert (tables["inspector_findings"], tables["inspector_coverage"], tables["inspector_image_clusters"]) == ([], [], [])
    assert server.asked(CLUSTERS) == []


def test_the_status_says_what_is_scanned(server: AwsServer) -> None:
    serve(server)
    assert read(SOURCE)["inspector_status"] == [{"account": ACCOUNT, "region": REGION, "ec2": "ENABLED", "ecr": "DISABLED", "lambda_": None}]


@pytest.mark.parametrize("status", ["DISABLED", "SUSPENDED"])
def test_inspector_that_is_off_is_not_enabled(server: AwsServer, status: str) -> None:
    serve(server)
    server.on(STATUS, account(status))
    with pytest.raises(NotEnabled, match=status.lower()):
        read(SOURCE)


def test_a_status_that_does_not_name_the_account_is_broken(server: AwsServer) -> None:
    serve(server)
    server.on(STATUS, page(accounts=[], failedAccounts=[{"accountId": OTHER, "errorCode": "ACCESS_DENIED", "errorMessage": "no"}]))
    with pytest.raises(Unavailable, match="does not name the account"):
        read(SOURCE)


@pytest.mark.parametrize(("code", "problem"), [("ACCESS_DENIED", Denied), ("INTERNAL_ERROR", Unavailable)])
def test_an_account_whose_status_is_refused_is_unread(server: AwsServer, code: str, problem: type[Exception]) -> None:
    serve(server)
    server.on(STATUS, page(accounts=[], failedAccounts=[{"accountId": ACCOUNT, "errorCode": code, "errorMessage": "no"}]))
    with pytest.raises(problem, match=f"{code}: no"):
        read(SOURCE)


def test_coverage_says_why_a_resource_is_not_scanned(server: AwsServer) -> None:
    serve(server, coverage=(covered(), covered(scanType="NETWORK", scanStatus={"statusCode": "ACTIVE"})))
    rows = read(SOURCE)["inspector_coverage"]
    assert [(row["scan_type"], row["scan_status"], row["reason"]) for row in rows] == [
        ("NETWORK", "ACTIVE", None),
        ("PACKAGE", "INACTIVE", "UNMANAGED_EC2_INSTANCE"),
    ]
    assert rows[0]["resource_id"] == "i-0abcdef0123456789"


def test_each_image_is_asked_for_once_and_its_clusters_are_rows(server: AwsServer) -> None:
    serve(server, finding("f1", resources=[IMAGE_RESOURCE]), finding("f2", resources=[IMAGE_RESOURCE]), finding("f3"))
    ecs = {"clusterMetadata": {"awsEcsMetadataDetails": {"detailsGroup": "g", "taskDefinitionArn": DEFINITION}}}
    details = [{**ecs, "runningUnitCount": 2}, {**ecs, "runningUnitCount": 1}, {"clusterMetadata": {"awsEksMetadataDetails": {"namespace": "n"}}}]
    server.on(CLUSTERS, page(cluster=[{"clusterArn": CLUSTER, "clusterDetails": details}]))
    rows = [(row["cluster_arn"], row["task_definition_arn"], row["running_units"]) for row in read(SOURCE)["inspector_image_clusters"]]
    assert rows[1] == (CLUSTER, DEFINITION, 3)
    assert rows[0][:2] == (CLUSTER, None)
    assert [request.json["filter"] for request in server.asked(CLUSTERS)] == [{"resourceId": IMAGE}]


def test_a_cluster_without_details_is_a_row(server: AwsServer) -> None:
    serve(server, finding(resources=[IMAGE_RESOURCE]))
    server.on(CLUSTERS, page(cluster=[{"clusterArn": CLUSTER}]))
    assert [row["cluster_arn"] for row in read(SOURCE)["inspector_image_clusters"]] == [CLUSTER]


def test_an_update_that_is_missing_is_the_last_observation(server: AwsServer) -> None:
    assert (only(server, updatedAt=None)["updated_at"] - INSTANT).total_seconds() == 60
    assert only(server, updatedAt=None, lastObservedAt=None)["updated_at"] == INSTANT


def test_instants_as_text_are_understood(server: AwsServer) -> None:
    assert only(server, firstObservedAt=STAMP)["first_observed"] == INSTANT


@pytest.mark.parametrize(
    "changes", [{"resources": []}, {"resources": None}, {"firstObservedAt": None}, {"firstObservedAt": "soon"}, {"updatedAt": 1e300}, {"severity": 7}]
)
def test_a_finding_without_its_essentials_is_a_broken_answer(server: AwsServer, changes: dict[str, Any]) -> None:
    serve(server, finding(**changes))
    with pytest.raises(Unavailable):
        read(SOURCE)


@FAULTS
@pytest.mark.parametrize("key", [STATUS, LIST, COVERAGE, CLUSTERS])
def test_a_call_that_fails_makes_the_scope_unread(server: AwsServer, key: str, answer: Answer, problem: type[Exception]) -> None:
    serve(server, finding(resources=[IMAGE_RESOURCE]), coverage=(covered(),))
    check_fault(server, SOURCE, key, answer, problem)


def standing(identifier: str, status: str = "ENABLED") -> dict[str, Any]:
    return {"accountId": identifier, "state": {"status": status}, "resourceState": {"ec2": {"status": status}, "ecr": {"status": status}}}


def serve_members(server: AwsServer, *findings: dict[str, Any], coverage: tuple[dict[str, Any], ...] = ()) -> None:
    serve(server, *findings, coverage=coverage)
    server.on(MEMBERS, page(members=[member(OTHER), member(THIRD)]))
    server.on(STATUS, page(accounts=[standing(one) for one in (ACCOUNT, OTHER, THIRD)], failedAccounts=[]))


def member(account: str, status: str = "ENABLED") -> dict[str, str]:
    return {"accountId": account, "relationshipStatus": status, "delegatedAdminAccountId": ACCOUNT}


def arns(found: Any) -> list[str]:
    assert isinstance(found, dict), found
    return [row["arn"].rsplit("/", 1)[1] for row in found["inspector_findings"]]


def test_each_member_takes_its_own_entries_of_one_list(server: AwsServer) -> None:
    theirs = (covered(), covered(accountId=OTHER), covered(accountId="222233334444"))
    serve_members(server, finding("f1"), finding("f2", awsAccountId=OTHER), finding("f3", awsAccountId="222233334444"), coverage=theirs)
    found = read_members(SOURCE, OTHER, THIRD)
    assert {account: arns(one) for account, one in found.items()} == {ACCOUNT: ["f1"], OTHER: ["f2"], THIRD: []}
    theirs_only = found[OTHER]
    assert isinstance(theirs_only, dict)
    assert [row["account"] for name, rows in theirs_only.items() if name != "inspector_image_clusters" for row in rows] == [OTHER] * 4
    assert len(server.asked(MEMBERS)) == len(server.asked(STATUS)) == len(server.asked(LIST)) == len(server.asked(COVERAGE)) == 1
    assert server.asked(STATUS)[0].json["accountIds"] == [ACCOUNT, OTHER, THIRD]
    assert server.asked(MEMBERS)[0].json == {"onlyAssociated": True, "maxResults": 50}
    assert server.asked(LIST)[0].json["filterCriteria"] == {"findingStatus": [{"comparison": "EQUALS", "value": "ACTIVE"}]}


def test_instances_are_counted_by_inspector_itself_for_each_account(server: AwsServer) -> None:
    serve_members(server)
    server.on("POST /coverage/statistics/list", page(totalCounts=3, countsByGroup=[{"groupKey": OTHER, "count": 3}]))
    found = read_members(SOURCE, OTHER)
    counts = {account: one["counts"][0]["items"] for account, one in found.items() if isinstance(one, dict)}
    assert counts == {ACCOUNT: 0, OTHER: 3}
    instances = {"resourceType": [{"comparison": "EQUALS", "value": "AWS_EC2_INSTANCE"}]}
    assert server.asked("POST /coverage/statistics/list")[0].json == {"filterCriteria": instances, "groupBy": "ACCOUNT_ID"}


def test_a_count_that_inspector_refuses_is_said_and_takes_nothing_from_the_rest(server: AwsServer) -> None:
    serve(server, finding("f1"))
    server.on("POST /coverage/statistics/list", error("AccessDeniedException", "no", 403))
    tables = read(SOURCE)
    (row,) = tables["counts"]
    assert (row["items"], "grant inspector2:ListCoverageStatistics" in row["message"]) == (None, True)
    assert len(tables["inspector_findings"]) == 1


def test_an_account_without_members_asks_for_none(server: AwsServer) -> None:
    serve(server)
    read(SOURCE)
    assert server.asked(MEMBERS) == []


def test_members_are_listed_to_the_last_page_and_status_is_asked_for_a_hundred_accounts_at_a_time(server: AwsServer) -> None:
    accounts = [f"{number:012}" for number in range(1, 131)]
    serve(server)
    members = [member(account) for account in accounts]
    server.on(MEMBERS, *(page(members=members[at : at + 50], nextToken=str(at)) for at in (0, 50)), page(members=members[100:]))
    server.on(STATUS, lambda request: page(accounts=[standing(one) for one in request.json["accountIds"]], failedAccounts=[]))
    assert all(arns(one) == [] for one in read_members(SOURCE, *accounts).values())
    assert [len(request.json["accountIds"]) for request in server.asked(STATUS)] == [100, 31]


STRANGERS = [[member(OTHER, status), member(THIRD)] for status in ("CREATED", "INVITED", "DISABLED", "REGION_DISABLED", "ACCOUNT_SUSPENDED")]


@pytest.mark.parametrize("members", [*STRANGERS, [member(THIRD)]])
def test_an_account_that_is_no_member_is_read_alone(server: AwsServer, members: list[dict[str, str]]) -> None:
    serve_members(server, finding("f1"), finding("f2", awsAccountId=OTHER), finding("f3", awsAccountId=THIRD))
    server.on(MEMBERS, page(members=members))
    found = read_members(SOURCE, OTHER, THIRD, alone=(OTHER,))
    assert {account: arns(one) for account, one in found.items()} == {ACCOUNT: ["f1"], OTHER: ["f2"], THIRD: ["f3"]}
    assert [request.json["accountIds"] for request in server.asked(STATUS)] == [[ACCOUNT, THIRD], [OTHER]]
    own = {"comparison": "EQUALS", "value": OTHER}
    assert [request.json["filterCriteria"].get("awsAccountId") for request in server.asked(LIST)] == [None, [own]]
    assert len(server.asked(MEMBERS)) == 1


@pytest.mark.parametrize("status", ["DISABLED", "SUSPENDED"])
def test_a_member_that_is_off_at_the_administrator_is_read_alone(server: AwsServer, status: str) -> None:
    serve_members(server, finding("f1"), finding("f2", awsAccountId=OTHER))
    seen = [standing(ACCOUNT), standing(OTHER, status), standing(THIRD)]
    server.on(STATUS, page(accounts=seen, failedAccounts=[]), page(accounts=[standing(OTHER)], failedAccounts=[]))
    found = read_members(SOURCE, OTHER, THIRD, alone=(OTHER,))
    assert {account: arns(one) for account, one in found.items()} == {ACCOUNT: ["f1"], OTHER: ["f2"], THIRD: []}


@pytest.mark.parametrize("code", ["ACCESS_DENIED", "INTERNAL_ERROR"])
def test_a_member_whose_status_fails_at_the_administrator_is_read_alone(server: AwsServer, code: str) -> None:
    serve_members(server, finding("f1"), finding("f2", awsAccountId=THIRD))
    failed = {"accountId": THIRD, "errorCode": code, "errorMessage": "not associated"}
    seen = [standing(ACCOUNT), standing(OTHER)]
    server.on(STATUS, page(accounts=seen, failedAccounts=[failed]), page(accounts=[standing(THIRD)], failedAccounts=[]))
    found = read_members(SOURCE, OTHER, THIRD, alone=(THIRD,))
    assert {account: arns(one) for account, one in found.items()} == {ACCOUNT: ["f1"], OTHER: [], THIRD: ["f2"]}


def test_a_member_that_the_status_does_not_name_is_unavailable(server: AwsServer) -> None:
    serve_members(server)
    server.on(STATUS, page(accounts=[standing(ACCOUNT), standing(THIRD)], failedAccounts=[]))
    found = read_members(SOURCE, OTHER, THIRD)
    assert isinstance(found[OTHER], Unavailable)
    assert f"does not name the account {OTHER}" in str(found[OTHER])
    assert (arns(found[ACCOUNT]), arns(found[THIRD])) == ([], [])


@pytest.mark.parametrize("status", ["DISABLED", "SUSPENDED"])
def test_a_member_that_is_off_by_its_own_answer_is_not_enabled(server: AwsServer, status: str) -> None:
    serve_members(server)
    server.on(STATUS, page(accounts=[standing(one, status if one == OTHER else "ENABLED") for one in (ACCOUNT, OTHER, THIRD)], failedAccounts=[]))
    found = read_members(SOURCE, OTHER, THIRD, alone=(OTHER,))
    assert isinstance(found[OTHER], NotEnabled)
    assert str(found[OTHER]) == f"Inspector is {status.lower()} in {OTHER} {REGION}"


def test_lists_that_are_denied_are_denied_for_the_members_only(server: AwsServer) -> None:
    serve_members(server, finding("f2", awsAccountId=OTHER))
    server.on(MEMBERS, page(members=[member(THIRD)]))
    server.on(LIST, error("AccessDeniedException", "no", 403), page(findings=[finding("f2", awsAccountId=OTHER)]))
    found = read_members(SOURCE, OTHER, THIRD, alone=(OTHER,))
    assert {account: type(one) for account, one in found.items() if isinstance(one, ScopeProblem)} == {ACCOUNT: Denied, THIRD: Denied}
    assert arns(found[OTHER]) == ["f2"]


def test_the_members_of_an_administrator_that_has_inspector_off_are_read_alone(server: AwsServer) -> None:
    serve_members(server, finding("f2", awsAccountId=OTHER))
    server.on(MEMBERS, error("AccessDeniedException", "Inspector is not enabled", 403))
    server.on(STATUS, page(accounts=[standing(ACCOUNT, "DISABLED")], failedAccounts=[]), page(accounts=[standing(OTHER)], failedAccounts=[]))
    found = read_members(SOURCE, OTHER, alone=(OTHER,))
    assert isinstance(found[ACCOUNT], NotEnabled)
    assert arns(found[OTHER]) == ["f2"]
    assert len(server.asked(LIST)) == 1


def test_members_that_may_not_be_listed_are_denied_and_the_administrator_has_its_own_rows(server: AwsServer) -> None:
    serve_members(server, finding("f1"))
    server.on(MEMBERS, error("AccessDeniedException", "no", 403))
    found = read_members(SOURCE, OTHER, THIRD)
    assert arns(found[ACCOUNT]) == ["f1"]
    for account in (OTHER, THIRD):
        problem = found[account]
        assert isinstance(problem, Denied)
        assert problem.permission == "inspector2:ListMembers"
    assert [request.json["accountIds"] for request in server.asked(STATUS)] == [[ACCOUNT]]


def test_a_member_without_a_relationship_cannot_be_believed(server: AwsServer) -> None:
    serve_members(server)
    server.on(MEMBERS, page(members=[{"accountId": OTHER}, member(THIRD)]))
    found = read_members(SOURCE, OTHER, THIRD)
    assert {account for account, one in found.items() if isinstance(one, Unavailable)} == {OTHER, THIRD}


def test_a_finding_of_nobody_makes_all_of_them_unavailable(server: AwsServer) -> None:
    serve_members(server, finding("f1"), finding("f2", awsAccountId=None))
    assert {type(one) for one in read_members(SOURCE, OTHER, THIRD).values()} == {Unavailable}


def test_a_finding_of_one_member_that_cannot_be_believed_is_that_members_problem(server: AwsServer) -> None:
    serve_members(server, finding("f1"), finding("f2", awsAccountId=OTHER, resources=[]))
    found = read_members(SOURCE, OTHER, THIRD)
    assert isinstance(found[OTHER], Unavailable)
    assert (arns(found[ACCOUNT]), arns(found[THIRD])) == (["f1"], [])
