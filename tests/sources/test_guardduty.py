"""reporter/sources/guardduty.py against scripted answers, in the wire's own casing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reporter.clients.aws_raw import RawAnswer
from reporter.core.errors import NotEnabled, Unavailable
from reporter.sources.guardduty import SOURCE
from tests.clients.aws_server import Answer, AwsServer, Request, page, server
from tests.sources.read_findings import ACCOUNT, FAULTS, INSTANT, OTHER, REGION, STAMP, THIRD, check_fault, read, read_members

__all__ = ["server"]

LIST = "POST /detector/d1/findings"
GET = "POST /detector/d1/findings/get"
CLUSTER = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/shop"
TASK = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/shop/0123456789abcdef0123456789abcdef"


def finding(identifier: str = "f1", **changes: Any) -> dict[str, Any]:
    return {
        "accountId": ACCOUNT,
        "arn": f"arn:aws:guardduty:{REGION}:{ACCOUNT}:detector/d1/finding/{identifier}",
        "id": identifier,
        "type": "Backdoor:EC2/C&CActivity.B!DNS",
        "severity": 8.0,
        "title": "queries a domain",
        "description": "Instance asked for evil.example from 198.51.100.7",
        "createdAt": STAMP,
        "updatedAt": STAMP,
        "region": REGION,
        "schemaVersion": "2.0",
        "resource": {"resourceType": "Instance", "instanceDetails": {"instanceId": "i-0ABCdef0123456789"}},
        "service": {"archived": False, "action": {"actionType": "DNS_REQUEST"}, "detectorId": "d1"},
        **changes,
    }


def serve(server: AwsServer, *findings: dict[str, Any]) -> None:
    server.on("GET /detector", page(detectorIds=["d1"]))
    features = [{"name": "S3_DATA_EVENTS", "status": "DISABLED"}, {"name": "RUNTIME_MONITORING", "status": "ENABLED"}]
    server.on("GET /detector/d1", page(status="ENABLED", serviceRole="r", features=features))
    server.on(LIST, page(findingIds=[one["id"] for one in findings]))
    by_id = {one["id"]: one for one in findings}
    server.on(GET, lambda request: page(findings=[by_id[i] for i in request.json["findingIds"] if i in by_id]))


def only(server: AwsServer, **changes: Any) -> dict[str, Any]:
    serve(server, finding(**changes))
    rows = read(SOURCE)["guardduty_findings"]
    assert len(rows) == 1
    return rows[0]


def test_a_finding_becomes_a_row(server: AwsServer) -> None:
    row = only(server)
    assert row["finding_id"] == "f1"
    assert (row["account"], row["region"], row["type"]) == (ACCOUNT, REGION, "Backdoor:EC2/C&CActivity.B!DNS")
    assert (row["severity"], row["score"], row["resource_type"]) == ("HIGH", 8.0, "Instance")
    assert row["instance_ids"] == ("i-0abcdef0123456789",)
    assert (row["sample"], row["archived"]) == (False, False)
    assert row["created_at"] == row["updated_at"] == INSTANT


def test_the_detector_is_a_row_with_its_enabled_features(server: AwsServer) -> None:
    serve(server)
    assert read(SOURCE)["guardduty_detectors"] == [
        {"account": ACCOUNT, "region": REGION, "detector_id": "d1", "status": "ENABLED", "features": ("RUNTIME_MONITORING",)}
    ]


def test_no_findings_are_no_rows(server: AwsServer) -> None:
    serve(server)
    assert read(SOURCE)["guardduty_findings"] == []
    assert server.asked(GET) == []


def test_no_detector_is_not_enabled(server: AwsServer) -> None:
    server.on("GET /detector", page(detectorIds=[]))
    with pytest.raises(NotEnabled, match=f"no detector in {ACCOUNT} {REGION}"):
        read(SOURCE)


def test_a_suspended_detector_is_not_enabled(server: AwsServer) -> None:
    server.on("GET /detector", page(detectorIds=["d1"]))
    server.on("GET /detector/d1", page(status="DISABLED", serviceRole="r"))
    with pytest.raises(NotEnabled, match="suspended"):
        read(SOURCE)


def test_all_pages_of_ids_are_fetched_fifty_at_a_time_in_order(server: AwsServer) -> None:
    findings = [finding(f"f{number:03}") for number in range(120)]
    serve(server, *findings)
    ids = [one["id"] for one in findings]
    server.on(LIST, page(findingIds=ids[:50], nextToken="2"), page(findingIds=ids[50:100], nextToken="3"), page(findingIds=ids[100:]))
    assert [row["finding_id"] for row in read(SOURCE)["guardduty_findings"]] == ids
    assert sorted(len(request.json["findingIds"]) for request in server.asked(GET)) == [20, 50, 50]


def test_archived_findings_are_asked_for_and_listed(server: AwsServer) -> None:
    assert only(server, service={"archived": True})["archived"] is True
    assert server.asked(LIST)[0].json["findingCriteria"] == {"criterion": {"accountId": {"equals": [ACCOUNT]}}}


def test_a_members_finding_is_left_to_the_members_own_scope(server: AwsServer) -> None:
    serve(server, finding("f1"), finding("f2", accountId=OTHER))
    assert [row["finding_id"] for row in read(SOURCE)["guardduty_findings"]] == ["f1"]


@pytest.mark.parametrize(
    ("value", "sample"),
    [('{"sample": true}', True), ('{"sample": "true"}', False), ("{}", False), ("[]", False), ('{"sample": tr', False), ("", False), (None, False)],
)
def test_a_sample_is_known_by_its_additional_info(server: AwsServer, value: str | None, sample: bool) -> None:
    assert only(server, service={"additionalInfo": {"value": value, "type": "default"}})["sample"] is sample


def test_a_samples_placeholder_instance_is_no_instance(server: AwsServer) -> None:
    service = {"additionalInfo": {"value": '{"sample": true}', "type": "default"}}
    assert only(server, service=service, resource={"instanceDetails": {"instanceId": "i-99999999"}})["instance_ids"] == ()
    assert only(server, resource={"instanceDetails": {"instanceId": "i-99999999"}})["instance_ids"] == ("i-99999999",)


@pytest.mark.parametrize(
    ("score", "word"),
    [(10, "CRITICAL"), (9.0, "CRITICAL"), (8.9, "HIGH"), (7, "HIGH"), (6.9, "MEDIUM"), (4, "MEDIUM"), (3.9, "LOW"), (1, "LOW"), (0, "LOW")],
)
def test_the_severity_word_follows_the_score(server: AwsServer, score: float, word: str) -> None:
    assert only(server, severity=score)["severity"] == word


def test_an_ecs_finding_names_its_cluster_and_task(server: AwsServer) -> None:
    row = only(server, resource={"resourceType": "ECSCluster", "ecsClusterDetails": {"arn": CLUSTER, "taskDetails": {"arn": TASK}}})
    assert (row["instance_ids"], row["ecs_clusters"], row["ecs_tasks"]) == ((), (CLUSTER,), (TASK,))


def test_a_containers_finding_names_its_instance(server: AwsServer) -> None:
    details = {"resourceType": "Container", "containerDetails": {"id": "c"}, "instanceDetails": {"instanceId": "i-0123456789abcdef0"}}
    assert only(server, resource=details)["instance_ids"] == ("i-0123456789abcdef0",)


def test_an_attack_sequence_names_every_instance_cluster_and_task_among_its_resources(server: AwsServer) -> None:
    resources = [
        {"uid": f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-0AAAAAAAAAAAAAAAA", "resourceType": "EC2_INSTANCE", "data": {"ec2Instance": {}}},
        {"uid": "opaque", "name": "i-0bbbbbbbbbbbbbbbb", "resourceType": "EC2_INSTANCE", "data": {}},
        {"uid": CLUSTER, "resourceType": "ECS_CLUSTER", "data": {"ecsCluster": {"ec2InstanceUids": ["i-0cccccccccccccccc"]}}},
        {"uid": TASK, "resourceType": "ECS_TASK", "data": {"ecsTask": {}}},
        {
            "uid": "x",
            "resourceType": "AUTOSCALING_AUTO_SCALING_GROUP",
            "data": {"autoscalingAutoScalingGroup": {"ec2InstanceUids": ["i-0dddddddddddddddd"]}},
        },
        {"uid": "arn:aws:s3:::b-i-0eeeeeeeeeeeeeeee", "resourceType": "S3_BUCKET", "data": {"s3Bucket": {}}},
    ]
    service = {"detection": {"sequence": {"uid": "s", "description": "d", "signals": [], "resources": resources}}}
    row = only(server, resource={"resourceType": "AttackSequence"}, service=service)
    assert row["instance_ids"] == ("i-0aaaaaaaaaaaaaaaa", "i-0bbbbbbbbbbbbbbbb", "i-0cccccccccccccccc", "i-0dddddddddddddddd")
    assert (row["ecs_clusters"], row["ecs_tasks"]) == ((CLUSTER,), (TASK,))


def test_nulls_for_whole_parts_are_nothing(server: AwsServer) -> None:
    resource = {"resourceType": "Instance", "instanceDetails": {"instanceId": "i-0123456789abcdef0", "platform": None}, "ecsClusterDetails": None}
    assert only(server, resource=resource, service={"action": {}, "evidence": None, "detection": None})["ecs_tasks"] == ()


def test_a_finding_that_expired_since_it_was_listed_is_left_out(server: AwsServer) -> None:
    serve(server, finding("f1"))
    server.on(LIST, page(findingIds=["f1", "gone"]))
    assert [row["finding_id"] for row in read(SOURCE)["guardduty_findings"]] == ["f1"]


def test_a_whole_page_that_does_not_come_is_a_broken_answer(server: AwsServer) -> None:
    serve(server)
    server.on(LIST, page(findingIds=["f1", "f2"]))
    with pytest.raises(Unavailable, match="none of 2 listed findings came"):
        read(SOURCE)


def test_a_finding_listed_twice_is_one_row(server: AwsServer) -> None:
    serve(server, finding("f1"))
    server.on(LIST, page(findingIds=["f1"], nextToken="2"), page(findingIds=["f1"]))
    assert len(read(SOURCE)["guardduty_findings"]) == 1


@pytest.mark.parametrize("changes", [{"updatedAt": "yesterday"}, {"createdAt": None}, {"severity": None}, {"type": ""}, {"accountId": None}])
def test_a_finding_without_its_essentials_is_a_broken_answer(server: AwsServer, changes: dict[str, Any]) -> None:
    serve(server, finding(**changes))
    with pytest.raises(Unavailable):
        read(SOURCE)


def test_personal_data_never_reaches_the_record(server: AwsServer) -> None:
    action = {"actionType": "NETWORK_CONNECTION", "networkConnectionAction": {"remoteIpDetails": {"ipAddressV4": "198.51.100.7"}}}
    sequence = {
        "actors": [{"id": "alice"}],
        "endpoints": [{"ip": "198.51.100.7"}],
        "description": "alice",
        "signals": [{"description": "alice"}],
        "uid": "s",
    }
    service = {
        "action": action,
        "detection": {"sequence": sequence, "anomaly": {"profiles": {"alice": {}}}},
        "runtimeDetails": {"process": {"name": "alice"}},
    }
    serve(
        server,
        finding(service=service, resource={"accessKeyDetails": {"userName": "alice"}, "instanceDetails": {"instanceId": "i-0123456789abcdef0"}}),
    )
    kept: list[RawAnswer] = []
    read(SOURCE, raw=kept)
    stored = b"".join(answer.body for answer in kept)
    assert b"alice" not in stored
    assert b"198.51.100.7" not in stored
    assert b"i-0123456789abcdef0" in stored


def test_the_record_is_the_same_however_the_threads_run(server: AwsServer) -> None:
    serve(server, *[finding(f"f{number:03}") for number in range(220)])
    first: list[RawAnswer] = []
    second: list[RawAnswer] = []
    read(SOURCE, raw=first)
    read(SOURCE, raw=second)
    assert first == second
    assert [answer.sequence for answer in first] == list(range(len(first)))


@FAULTS
@pytest.mark.parametrize("key", ["GET /detector", "GET /detector/d1", LIST, GET])
def test_a_call_that_fails_makes_the_scope_unread(server: AwsServer, key: str, answer: Answer, problem: type[Exception]) -> None:
    serve(server, finding())
    check_fault(server, SOURCE, key, answer, problem)


def test_one_failing_page_of_many_makes_the_scope_unread(server: AwsServer) -> None:
    findings = {f"f{number:03}": finding(f"f{number:03}") for number in range(120)}
    serve(server, *findings.values())

    def second_page_breaks(request: Request) -> Answer:
        ids = request.json["findingIds"]
        body = json.dumps({"findings": [findings[i] for i in ids]}).encode()
        return Answer(body[:-5] if "f050" in ids else body)

    server.on(GET, second_page_breaks)
    with pytest.raises(Unavailable, match="broken page"):
        read(SOURCE)


MEMBERS = "GET /detector/d1/member"
DETECTORS = "POST /detector/d1/member/detector/get"


def serve_members(server: AwsServer, *findings: dict[str, Any], told: tuple[str, ...] = (OTHER, THIRD), refused: tuple[str, ...] = ()) -> None:
    serve(server, *findings)
    members = [{"accountId": account, "detectorId": f"of-{account}", "relationshipStatus": "Enabled"} for account in (OTHER, THIRD)]
    server.on(MEMBERS, page(members=members))
    sources = {"cloudTrail": {"status": "ENABLED"}, "dnsLogs": {"status": "DISABLED"}, "s3Logs": {"status": "ENABLED"}}
    features = [{"name": "S3_DATA_EVENTS", "status": "ENABLED"}, {"name": "RUNTIME_MONITORING", "status": "DISABLED"}]
    server.on(
        DETECTORS,
        page(
            members=[{"accountId": account, "dataSources": sources, "features": features} for account in told],
            unprocessedAccounts=[{"accountId": account, "result": "cannot be accessed"} for account in refused],
        ),
    )


def rows_of(found: Any, table: str = "guardduty_findings") -> list[dict[str, Any]]:
    assert isinstance(found, dict), found
    rows: list[dict[str, Any]] = found[table]
    return rows


def test_each_member_takes_its_own_findings_of_one_list(server: AwsServer) -> None:
    serve_members(server, finding("f1"), finding("f2", accountId=OTHER), finding("f3", accountId="222233334444"))
    found = read_members(SOURCE, OTHER, THIRD)
    assert {account: [row["finding_id"] for row in rows_of(one)] for account, one in found.items()} == {ACCOUNT: ["f1"], OTHER: ["f2"], THIRD: []}
    assert {row["account"] for row in rows_of(found[OTHER])} == {OTHER}
    assert len(server.asked(LIST)) == len(server.asked(MEMBERS)) == len(server.asked(DETECTORS)) == 1
    assert "findingCriteria" not in server.asked(LIST)[0].json


def test_a_members_detector_is_a_row_with_its_features_the_foundational_ones_included(server: AwsServer) -> None:
    serve_members(server)
    assert rows_of(read_members(SOURCE, OTHER)[OTHER], "guardduty_detectors") == [
        {"account": OTHER, "region": REGION, "detector_id": f"of-{OTHER}", "status": "ENABLED", "features": ("CLOUD_TRAIL", "S3_DATA_EVENTS")}
    ]


def test_a_finding_of_one_member_that_cannot_be_believed_is_that_members_problem(server: AwsServer) -> None:
    serve_members(server, finding("f1"), finding("f2", accountId=OTHER, severity=None), finding("f3", accountId=THIRD))
    found = read_members(SOURCE, OTHER, THIRD)
    assert isinstance(found[OTHER], Unavailable)
    assert [row["finding_id"] for account in (ACCOUNT, THIRD) for row in rows_of(found[account])] == ["f1", "f3"]


def test_a_finding_of_nobody_makes_all_of_them_unavailable(server: AwsServer) -> None:
    serve_members(server, finding("f1"), finding("f2", accountId=None))
    assert {type(one) for one in read_members(SOURCE, OTHER, THIRD).values()} == {Unavailable}


@pytest.mark.parametrize(("refused", "said"), [((OTHER,), f"not told for {OTHER}: cannot be accessed"), ((), f"not told for {OTHER}: broken answer")])
def test_a_member_whose_detector_is_not_told_is_unavailable(server: AwsServer, refused: tuple[str, ...], said: str) -> None:
    serve_members(server, told=(THIRD,), refused=refused)
    found = read_members(SOURCE, OTHER, THIRD)
    assert isinstance(found[OTHER], Unavailable)
    assert said in str(found[OTHER])
    assert rows_of(found[THIRD]) == []


@pytest.mark.parametrize("status", ["Created", "Invited", "Disabled", "Removed", "Resigned", "EmailVerificationFailed"])
def test_a_relationship_that_is_not_enabled_is_no_membership(server: AwsServer, status: str) -> None:
    serve_members(server, finding("f1"), finding("f2", accountId=OTHER))
    server.on(MEMBERS, page(members=[{"accountId": OTHER, "detectorId": "d", "relationshipStatus": status}]))
    check_read_alone(server)


def test_an_account_that_is_not_listed_is_no_member(server: AwsServer) -> None:
    serve_members(server, finding("f1"), finding("f2", accountId=OTHER))
    server.on(MEMBERS, page(members=[]))
    check_read_alone(server)


def check_read_alone(server: AwsServer) -> None:
    found = read_members(SOURCE, OTHER, alone=(OTHER,))[OTHER]
    assert [row["finding_id"] for row in rows_of(found)] == ["f2"]
    assert rows_of(found, "guardduty_detectors")[0]["detector_id"] == "d1"
    own = {"criterion": {"accountId": {"equals": [OTHER]}}}
    assert [request.json.get("findingCriteria") for request in server.asked(LIST)] == [None, own]
    assert server.asked(DETECTORS) == []
    assert len(server.asked(MEMBERS)) == 1


def test_an_account_that_is_no_member_and_has_no_detector_is_not_enabled(server: AwsServer) -> None:
    serve_members(server)
    server.on(MEMBERS, page(members=[]))
    server.on("GET /detector", page(detectorIds=["d1"]), page(detectorIds=[]))
    found = read_members(SOURCE, OTHER, alone=(OTHER,))
    assert isinstance(found[OTHER], NotEnabled)
    assert str(found[OTHER]) == f"GuardDuty has no detector in {OTHER} {REGION}"
    assert rows_of(found[ACCOUNT]) == []


def test_the_members_of_an_administrator_without_a_detector_are_read_alone(server: AwsServer) -> None:
    serve_members(server)
    server.on("GET /detector", page(detectorIds=[]), page(detectorIds=["d1"]))
    found = read_members(SOURCE, OTHER, alone=(OTHER,))
    assert isinstance(found[ACCOUNT], NotEnabled)
    assert rows_of(found[OTHER]) == []
    assert server.asked(MEMBERS) == []


def test_an_enabled_member_without_a_detector_cannot_be_believed(server: AwsServer) -> None:
    serve_members(server)
    members = [{"accountId": OTHER, "relationshipStatus": "Enabled"}, {"accountId": THIRD, "detectorId": "d", "relationshipStatus": "Enabled"}]
    server.on(MEMBERS, page(members=members))
    found = read_members(SOURCE, OTHER, THIRD)
    assert isinstance(found[OTHER], Unavailable)
    assert "an answer without DetectorId" in str(found[OTHER])
    assert rows_of(found[THIRD]) == []


def test_members_are_listed_to_the_last_page_and_their_detectors_asked_for_fifty_at_a_time(server: AwsServer) -> None:
    accounts = [f"{number:012}" for number in range(1, 61)]
    members = [{"accountId": account, "detectorId": "d", "relationshipStatus": "enabled"} for account in accounts]
    serve(server)
    server.on(MEMBERS, page(members=members[:50], nextToken="2"), page(members=members[50:]))
    server.on(DETECTORS, lambda request: page(members=[{"accountId": one, "dataSources": {}} for one in request.json["accountIds"]]))
    found = read_members(SOURCE, *accounts)
    assert all(rows_of(found[account], "guardduty_detectors") for account in accounts)
    assert [len(request.json["accountIds"]) for request in server.asked(DETECTORS)] == [50, 10]
