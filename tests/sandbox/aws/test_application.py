from __future__ import annotations

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from reporter.sandbox.aws import AwsSandbox
from reporter.sandbox.aws.conformance import NotConforming, conform
from reporter.sandbox.aws.recognise import Asked

from .conftest import HOME, OTHER, REGION, Door
from .samples import guardduty_finding


def logged(aws: Door) -> list[tuple[str, str, str, bool]]:
    return [(row["service"], row["operation"], row["region"], row["write"]) for row in aws.calls()]


def test_every_protocol_is_recognised(aws: Door) -> None:
    aws.client("ecs").create_cluster(clusterName="shop")
    aws.client("wafv2").list_web_acls(Scope="REGIONAL")
    aws.client("guardduty").create_detector(Enable=True)
    aws.client("ec2").describe_instances()
    aws.client("elb").describe_load_balancers()
    aws.client("elbv2").describe_load_balancers()
    aws.client("autoscaling").describe_auto_scaling_groups()
    aws.client("iam").list_roles()
    aws.client("cloudfront").list_distributions()
    aws.client("organizations", "us-east-1").create_organization(FeatureSet="ALL")
    aws.client("sts").get_caller_identity()
    assert logged(aws) == [
        ("ecs", "CreateCluster", REGION, True),
        ("wafv2", "ListWebACLs", REGION, False),
        ("guardduty", "CreateDetector", REGION, True),
        ("ec2", "DescribeInstances", REGION, False),
        ("elb", "DescribeLoadBalancers", REGION, False),
        ("elbv2", "DescribeLoadBalancers", REGION, False),
        ("autoscaling", "DescribeAutoScalingGroups", REGION, False),
        ("iam", "ListRoles", "global", False),
        ("cloudfront", "ListDistributions", "global", False),
        ("organizations", "CreateOrganization", "global", True),
        ("sts", "GetCallerIdentity", "global", False),
    ]


def test_the_many_operations_of_s3_are_told_apart(aws: Door) -> None:
    client = aws.client("s3", region="us-east-1")
    client.create_bucket(Bucket="bucket-of-calls")
    client.put_bucket_policy(Bucket="bucket-of-calls", Policy='{"Statement": []}')
    client.get_bucket_policy(Bucket="bucket-of-calls")
    client.get_bucket_location(Bucket="bucket-of-calls")
    client.put_object(Bucket="bucket-of-calls", Key="a/b", Body=b"1")
    client.list_objects_v2(Bucket="bucket-of-calls")
    client.head_object(Bucket="bucket-of-calls", Key="a/b")
    client.put_public_access_block(Bucket="bucket-of-calls", PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    client.delete_objects(Bucket="bucket-of-calls", Delete={"Objects": [{"Key": "a/b"}]})
    assert [(operation, write) for _, operation, _, write in logged(aws)] == [
        ("CreateBucket", True),
        ("PutBucketPolicy", True),
        ("GetBucketPolicy", False),
        ("GetBucketLocation", False),
        ("PutObject", True),
        ("ListObjectsV2", False),
        ("HeadObject", False),
        ("PutPublicAccessBlock", True),
        ("DeleteObjects", True),
    ]


def test_a_presigned_url_is_recognised(aws: Door) -> None:
    client = aws.client("s3", region="us-east-1")
    client.create_bucket(Bucket="bucket-presigned")
    client.put_object(Bucket="bucket-presigned", Key="k", Body=b"seen")
    config = Config(signature_version="s3v4")
    signer: Any = boto3.client(
        "s3", endpoint_url=aws.endpoint, region_name=REGION, aws_access_key_id="AKIAEXAMPLEEXAMPLE12", aws_secret_access_key="s", config=config
    )
    url = signer.generate_presigned_url("get_object", Params={"Bucket": "bucket-presigned", "Key": "k"})
    assert requests.get(url, timeout=20).content == b"seen"
    assert logged(aws)[-1] == ("s3", "GetObject", REGION, False)


def test_the_log_tells_account_role_and_status(aws: Door) -> None:
    key = aws.assumed(OTHER, "auditor")
    aws.control("DELETE", "/sandbox/calls")
    client = aws.client("guardduty", key=key)
    client.list_detectors()
    with pytest.raises(client.exceptions.BadRequestException):
        client.list_findings(DetectorId="0" * 32)
    role = f"arn:aws:iam::{OTHER}:role/auditor"
    assert [(row["account"], row["role"], row["status"]) for row in aws.calls()] == [(OTHER, role, 200), (OTHER, role, 400)]


def test_deleting_the_log_empties_it(aws: Door) -> None:
    aws.client("ecs").list_clusters()
    aws.control("DELETE", "/sandbox/calls")
    assert aws.calls() == []


@pytest.mark.parametrize(
    ("operation", "write"),
    [
        ("DescribeInstances", False),
        ("BatchGetAccountStatus", False),
        ("AssumeRole", False),
        ("CheckCapacity", False),
        ("SearchResources", False),
        ("SelectResourceConfig", False),
        ("LookupEvents", False),
        ("UpdateWebACL", True),
        ("PutEvaluations", True),
        ("StartConfigRulesEvaluation", True),
        ("", True),
    ],
)
def test_what_is_not_known_to_read_is_a_write(operation: str, write: bool) -> None:
    assert Asked("s", operation, HOME, REGION, REGION, "", "", "json").write is write


def test_an_operation_that_aws_does_not_have_is_logged_as_unrecognised(aws: Door) -> None:
    scope = f"AWS4-HMAC-SHA256 Credential=AKIAEXAMPLEEXAMPLE12/20261124/{REGION}/guardduty/aws4_request, SignedHeaders=host, Signature=0"
    answer = requests.get(aws.endpoint + "/no/such/path", headers={"Authorization": scope}, timeout=20)
    assert (answer.status_code, answer.json()["__type"]) == (501, "NotInTheSandbox")
    assert logged(aws) == [("guardduty", "", REGION, True)]


def test_an_operation_moto_does_not_have_is_refused_once_not_retried(aws: Door) -> None:
    calls = (aws.client("ec2").describe_capacity_block_status, aws.client("macie2").get_usage_totals, aws.client("config").describe_conformance_packs)
    for call in (*calls, aws.client("iam").list_organizations_features, aws.client("cloudfront").list_anycast_ip_lists):
        with pytest.raises(ClientError, match="NotInTheSandbox"):
            call()
    assert [row["status"] for row in aws.calls()] == [501] * 5


def test_a_deterministic_seed_makes_ids_repeat(aws: Door) -> None:
    made = []
    for _ in range(2):
        aws.control("POST", "/moto-api/reset")
        aws.control("POST", "/moto-api/seed?a=42")
        made.append(aws.client("guardduty").create_detector(Enable=True)["DetectorId"])
    assert made[0] == made[1]


def test_a_reset_forgets_seeds_calls_and_faults(aws: Door) -> None:
    aws.seed("macie2", "session", [{"status": "ENABLED"}])
    aws.fault("ecs", "reset")
    aws.control("POST", "/moto-api/reset")
    client = aws.client("macie2")
    with pytest.raises(client.exceptions.AccessDeniedException):
        client.get_macie_session()
    assert aws.client("ecs").list_clusters()["clusterArns"] == []
    assert len(aws.calls()) == 2


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (None, "body"),
        ({"service": "guardduty", "kind": "findings", "account": HOME, "region": REGION}, "items"),
        ({"service": "guardduty", "kind": "secrets", "account": HOME, "region": REGION, "items": []}, "kind"),
        ({"service": "guardduty", "kind": "findings", "region": REGION, "items": []}, "account"),
        ({"service": "guardduty", "kind": "findings", "account": HOME, "region": REGION, "items": {}}, "items"),
    ],
)
def test_a_seed_without_its_parts_is_refused(aws: Door, body: Any, path: str) -> None:
    answer = aws.control("POST", "/sandbox/seed", body)
    assert (answer.status_code, answer.json()["path"]) == (400, path)


def test_a_body_that_is_no_json_is_refused(aws: Door) -> None:
    answer = requests.post(aws.endpoint + "/sandbox/seed", data=b"{", timeout=20)
    assert (answer.status_code, answer.json()["path"]) == (400, "")


def test_a_refused_seed_leaves_nothing(aws: Door) -> None:
    detector = aws.client("guardduty").create_detector(Enable=True)["DetectorId"]
    assert aws.refused_seed("guardduty", "findings", [guardduty_finding(1), guardduty_finding(2, Colour="red")]) == "items[1].Colour"
    assert aws.client("guardduty").list_findings(DetectorId=detector)["FindingIds"] == []


def test_control_routes_that_do_not_exist_say_so(aws: Door) -> None:
    assert aws.control("GET", "/sandbox/nothing").status_code == 404


def test_numbers_that_json_cannot_hold_are_refused() -> None:
    with pytest.raises(NotConforming, match=r"item\.Severity: not a finite number"):
        conform("guardduty", "Finding", guardduty_finding(1, Severity=float("nan")), "item")


def test_many_threads_get_their_own_answers(aws: Door) -> None:
    for number in range(20):
        aws.client("ecs").create_cluster(clusterName=f"c{number}")
    client = aws.client("ecs")
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda n: client.describe_clusters(clusters=[f"c{n}"])["clusters"][0]["clusterName"], range(20)))
    assert names == [f"c{number}" for number in range(20)]


def test_the_endpoint_is_known_only_while_it_runs() -> None:
    sandbox = AwsSandbox()
    with pytest.raises(RuntimeError):
        _ = sandbox.endpoint
    assert sandbox.start() == sandbox.endpoint
    sandbox.stop()
    sandbox.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_of_its_own_says_where_it_is_and_ends_cleanly(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-m", "reporter.sandbox.aws", "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        endpoint = json.loads(process.stdout.readline())["endpoint"]
        assert requests.get(endpoint + "/sandbox/calls", timeout=20).json() == []
        process.send_signal(number)
        assert process.wait(timeout=20) == 0
