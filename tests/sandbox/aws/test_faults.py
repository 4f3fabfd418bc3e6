from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from .conftest import HOME, OTHER, Door

# one operation a wire protocol: (service, method, operation, key of its answer)
CALLS = [
    pytest.param("ecs", "list_clusters", "ListClusters", "clusterArns", id="json"),
    pytest.param("guardduty", "list_detectors", "ListDetectors", "DetectorIds", id="rest-json"),
    pytest.param("iam", "get_account_authorization_details", "GetAccountAuthorizationDetails", "RoleDetailList", id="query"),
    pytest.param("ec2", "describe_regions", "DescribeRegions", "Regions", id="ec2"),
    pytest.param("cloudfront", "list_distributions", "ListDistributions", "DistributionList", id="rest-xml"),
    pytest.param("s3", "list_buckets", "ListBuckets", "Buckets", id="s3"),
]
JSON = {"ecs", "guardduty"}


def refusal(call: Callable[[], Any]) -> tuple[str, int, str]:
    """(code, HTTP status, message)"""
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response
    return error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Message"]


@pytest.mark.parametrize(("service", "method", "operation", "key"), CALLS)
def test_access_denied_names_the_action(aws: Door, service: str, method: str, operation: str, key: str) -> None:
    aws.fault(service, "access_denied")
    code, status, message = refusal(getattr(aws.client(service), method))
    expected = {"ecs": ("AccessDeniedException", 400), "guardduty": ("AccessDeniedException", 403), "ec2": ("UnauthorizedOperation", 403)}
    assert (code, status) == expected.get(service, ("AccessDenied", 403))
    assert f"is not authorized to perform: {service}:{operation}" in message


@pytest.mark.parametrize(("service", "method", "operation", "key"), CALLS)
def test_a_throttle_speaks_the_services_own_words(aws: Door, service: str, method: str, operation: str, key: str) -> None:
    aws.fault(service, "throttle")
    expected = {
        "ecs": ("ThrottlingException", 400),
        "guardduty": ("ThrottlingException", 429),
        "ec2": ("RequestLimitExceeded", 503),
        "s3": ("SlowDown", 503),
    }
    assert refusal(getattr(aws.client(service), method))[:2] == expected.get(service, ("Throttling", 400))


@pytest.mark.parametrize(("service", "method", "operation", "key"), CALLS)
def test_expired_credentials(aws: Door, service: str, method: str, operation: str, key: str) -> None:
    aws.fault(service, "expired")
    codes = {"ecs": "ExpiredTokenException", "guardduty": "ExpiredTokenException", "ec2": "RequestExpired"}
    assert refusal(getattr(aws.client(service), method))[0] == codes.get(service, "ExpiredToken")


@pytest.mark.parametrize(("service", "method", "operation", "key"), CALLS)
@pytest.mark.parametrize("fault", ["malformed", "truncated"])
def test_a_broken_page_never_holds_its_list(aws: Door, service: str, method: str, operation: str, key: str, fault: str) -> None:
    aws.fault(service, fault)
    call = getattr(aws.client(service), method)
    if service in JSON:
        assert key not in call()  # botocore lets a broken JSON body pass as an empty answer
    else:
        with pytest.raises(ClientError if service == "s3" else ResponseParserError):  # botocore makes an error 500 of a broken answer of S3
            call()


@pytest.mark.parametrize(("service", "method", "operation", "key"), CALLS)
def test_a_reset_closes_without_an_answer(aws: Door, service: str, method: str, operation: str, key: str) -> None:
    aws.fault(service, "reset")
    with pytest.raises(ConnectionClosedError):
        getattr(aws.client(service), method)()
    assert [(row["operation"], row["status"]) for row in aws.calls()] == [(operation, 0)]


@pytest.mark.parametrize(("service", "method", "operation", "key"), CALLS)
def test_after_the_fault_the_service_answers_again(aws: Door, service: str, method: str, operation: str, key: str) -> None:
    aws.fault(service, "access_denied", operation=operation)
    refusal(getattr(aws.client(service), method))
    aws.control("DELETE", "/sandbox/faults")
    assert key in getattr(aws.client(service), method)()


@pytest.mark.parametrize("service", ["guardduty", "ec2"])
def test_a_timeout_hangs_until_the_faults_are_deleted(aws: Door, service: str) -> None:
    aws.fault(service, "timeout")
    method = {"guardduty": "list_detectors", "ec2": "describe_regions"}[service]
    with pytest.raises(ReadTimeoutError):
        getattr(aws.client(service, patience=1), method)()
    aws.control("DELETE", "/sandbox/faults")
    assert getattr(aws.client(service), method)()


def test_not_enabled_is_told_in_each_services_own_way(aws: Door) -> None:
    detector = aws.client("guardduty").create_detector(Enable=True)["DetectorId"]
    aws.seed("inspector2", "status", [{"ec2": "ENABLED"}])
    aws.seed("macie2", "session", [{"status": "ENABLED"}])
    for service in ("guardduty", "inspector2", "macie2", "config", "organizations", "ecs"):
        aws.fault(service, "not_enabled")
    assert aws.client("guardduty").list_detectors()["DetectorIds"] == []
    assert refusal(lambda: aws.client("guardduty").list_findings(DetectorId=detector))[0] == "BadRequestException"
    account = aws.client("inspector2").batch_get_account_status()["accounts"][0]
    assert (account["accountId"], account["state"]["status"], account["resourceState"]["ec2"]["status"]) == (HOME, "DISABLED", "DISABLED")
    assert refusal(aws.client("inspector2").list_findings)[:2] == ("AccessDeniedException", 403)
    assert refusal(aws.client("macie2").get_macie_session) == ("AccessDeniedException", 403, "Macie is not enabled.")
    assert aws.client("config").describe_configuration_recorders()["ConfigurationRecorders"] == []
    assert aws.client("config").describe_configuration_recorder_status()["ConfigurationRecordersStatus"] == []
    assert aws.client("config").describe_config_rules()["ConfigRules"] == []
    assert refusal(aws.client("organizations").describe_organization)[0] == "AWSOrganizationsNotInUseException"
    assert refusal(aws.client("ecs").list_clusters)[0] == "OptInRequired"


def test_a_fault_hits_only_its_account_region_and_operation(aws: Door) -> None:
    there = aws.assumed(OTHER)
    aws.fault("guardduty", "access_denied", account=OTHER, region="eu-west-1", operation="ListDetectors")
    assert refusal(aws.client("guardduty", "eu-west-1", there).list_detectors)[0] == "AccessDeniedException"
    assert aws.client("guardduty", "eu-west-1").list_detectors()
    assert aws.client("guardduty", "eu-central-1", there).list_detectors()
    assert aws.client("guardduty", "eu-west-1", there).create_detector(Enable=True)


def test_the_denied_role_is_named(aws: Door) -> None:
    aws.fault("guardduty", "access_denied")
    message = refusal(aws.client("guardduty", key=aws.assumed(OTHER)).list_detectors)[2]
    assert f"User: arn:aws:sts::{OTHER}:assumed-role/reader/session" in message


@pytest.mark.parametrize("region", ["global", "us-east-1"])
@pytest.mark.parametrize(("service", "method"), [("iam", "list_roles"), ("cloudfront", "list_distributions"), ("sts", "get_caller_identity")])
def test_account_wide_services_are_hit_under_either_name_of_their_region(aws: Door, region: str, service: str, method: str) -> None:
    aws.fault(service, "access_denied", region=region)
    assert refusal(getattr(aws.client(service, "us-east-1"), method))[0] == "AccessDenied"


def test_a_counted_fault_is_used_up(aws: Door) -> None:
    aws.fault("guardduty", "throttle", times=2)
    client = aws.client("guardduty")
    assert [refusal(client.list_detectors)[0] for _ in range(2)] == ["ThrottlingException"] * 2
    assert client.list_detectors()["DetectorIds"] == []


def test_faults_in_order_the_first_that_fits(aws: Door) -> None:
    aws.fault("ecs", "throttle", times=1)
    aws.fault("ecs", "access_denied")
    client = aws.client("ecs")
    assert [refusal(client.list_clusters)[0] for _ in range(2)] == ["ThrottlingException", "AccessDeniedException"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "faults"),
        ([5], "faults[0]"),
        ([{"service": "ecs", "fault": "sabotage"}], "faults[0].fault"),
        ([{"fault": "reset"}], "faults[0].service"),
        ([{"service": "ecs", "fault": "reset", "when": "now"}], "faults[0].when"),
        ([{"service": "ecs", "fault": "reset", "times": "2"}], "faults[0].times"),
        ([{"service": "ecs", "fault": "reset", "region": 1}], "faults[0].region"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(aws: Door, body: Any, path: str) -> None:
    answer = aws.control("POST", "/sandbox/faults", body)
    assert (answer.status_code, answer.json()["path"]) == (400, path)
    assert aws.client("ecs").list_clusters()["clusterArns"] == []


@pytest.mark.parametrize(("service", "method", "operation", "key"), CALLS)
def test_a_500_can_hide_a_true_answer(aws: Door, service: str, method: str, operation: str, key: str) -> None:
    aws.fault(service, "done_then_500", times=1)
    assert refusal(getattr(aws.client(service), method))[:2] == ("InternalFailure", 500)
    assert key in getattr(aws.client(service), method)()


def test_what_is_answered_with_500_may_have_taken_effect(aws: Door) -> None:
    client = aws.client("guardduty")
    aws.fault("guardduty", "done_then_500", operation="CreateDetector", times=1)
    assert refusal(lambda: client.create_detector(Enable=True))[:2] == ("InternalFailure", 500)
    assert len(client.list_detectors()["DetectorIds"]) == 1
