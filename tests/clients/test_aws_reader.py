"""What a source sees of AWS: pages, refusals, retries, order."""

from __future__ import annotations

from typing import Any

import pytest

from reporter.core.errors import Denied, NotEnabled, Unavailable
from tests.clients.aws_readers import ACCOUNT, REGION, clients, reader
from tests.clients.aws_server import Answer, AwsServer, error, page, server

__all__ = ["server"]


def test_every_page_is_read_to_the_end(server: AwsServer) -> None:
    server.on("GET /detector", page(detectorIds=["a"], nextToken="2"), page(detectorIds=["b"]))
    asking = reader()
    assert asking.items("guardduty", "list_detectors", "DetectorIds", MaxResults=50) == ["a", "b"]
    assert (asking.calls, asking.retries) == (2, 0)


def test_an_operation_without_a_paginator_goes_on_by_its_token(server: AwsServer) -> None:
    server.on("ListWebACLs", page(WebACLs=[{"Name": "a"}], NextMarker="m"), page(WebACLs=[{"Name": "b"}], NextMarker="n"), page(WebACLs=[]))
    asking = reader()
    assert [acl["Name"] for acl in asking.items("wafv2", "list_web_acls", "WebACLs", Scope="REGIONAL", Limit=1)] == ["a", "b"]
    assert [request.json.get("NextMarker") for request in server.asked("ListWebACLs")] == [None, "m", "n"]
    assert asking.calls == 3


def test_an_operation_without_any_token_is_one_page(server: AwsServer) -> None:
    server.on("DescribeDeliveryChannels", page(DeliveryChannels=[{"name": "default"}]))
    assert reader().items("config", "describe_delivery_channels", "DeliveryChannels") == [{"name": "default"}]


def test_the_same_token_twice_is_a_broken_page(server: AwsServer) -> None:
    server.on("ListWebACLs", page(WebACLs=[], NextMarker="m"))
    with pytest.raises(Unavailable, match="same token twice"):
        reader().items("wafv2", "list_web_acls", "WebACLs", Scope="REGIONAL")


def test_the_same_token_twice_is_a_broken_page_for_botocores_paginator_too(server: AwsServer) -> None:
    server.on("GET /detector", page(detectorIds=["a"], nextToken="2"))
    with pytest.raises(Unavailable, match="PaginationError"):
        reader().items("guardduty", "list_detectors", "DetectorIds")


def test_an_empty_list_is_an_empty_list(server: AwsServer) -> None:
    server.on("GET /detector", page(detectorIds=[]))
    assert reader().items("guardduty", "list_detectors", "DetectorIds") == []


@pytest.mark.parametrize("body", [{}, {"detectorIds": None}, {"message": "fine"}])
def test_a_page_without_its_list_is_broken(server: AwsServer, body: dict[str, Any]) -> None:
    server.on("GET /detector", page(**body))
    with pytest.raises(Unavailable, match="guardduty:ListDetectors in 111122223333 eu-central-1: broken page: it has no DetectorIds"):
        reader().items("guardduty", "list_detectors", "DetectorIds")


def test_an_optional_list_may_be_missing_but_not_what_holds_it(server: AwsServer) -> None:
    xml = '<DistributionList xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><IsTruncated>false</IsTruncated></DistributionList>'
    server.on("GET /2020-05-31/distribution", Answer(xml.encode(), content_type="text/xml"))
    assert reader().items("cloudfront", "list_distributions", "DistributionList.Items", optional=True) == []
    server.on("GET /detector", page())
    with pytest.raises(Unavailable, match=r"it has no Nothing\.Items"):
        reader().items("guardduty", "list_detectors", "Nothing.Items", optional=True)


@pytest.mark.parametrize("code", ["AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "SubscriptionRequiredException"])
def test_a_refusal_is_denied_and_names_the_permission(server: AwsServer, code: str) -> None:
    server.on("GET /detector", error(code, "no", 403))
    with pytest.raises(Denied, match=f"guardduty:ListDetectors in {ACCOUNT} {REGION}: {code}: no") as caught:
        reader().items("guardduty", "list_detectors", "DetectorIds")
    assert caught.value.permission == "guardduty:ListDetectors"


def test_a_denied_second_page_is_denied_not_half_a_list(server: AwsServer) -> None:
    server.on("GET /detector", page(detectorIds=["a"], nextToken="2"), error("AccessDeniedException", status=403))
    with pytest.raises(Denied):
        reader().items("guardduty", "list_detectors", "DetectorIds")


@pytest.mark.parametrize("code", ["ExpiredTokenException", "ExpiredToken", "RequestExpired"])
def test_expired_credentials_are_denied_with_no_permission_to_grant(server: AwsServer, code: str) -> None:
    server.on("GET /detector", error(code, "The security token included in the request is expired", 403))
    with pytest.raises(Denied, match="credentials are expired") as caught:
        reader().call("guardduty", "list_detectors")
    assert caught.value.permission == ""


@pytest.mark.parametrize("code", ["UnrecognizedClientException", "InvalidClientTokenId", "SignatureDoesNotMatch"])
def test_a_key_that_aws_does_not_know_is_denied(server: AwsServer, code: str) -> None:
    server.on("GET /detector", error(code, "invalid", 403))
    with pytest.raises(Denied, match="does not accept the credentials"):
        reader().call("guardduty", "list_detectors")


def test_no_credentials_at_all_are_denied_before_anything_is_sent(server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    asking = reader()
    with pytest.raises(Denied, match="no usable AWS credentials"):
        asking.call("guardduty", "list_detectors")
    assert (server.requests, asking.calls) == ([], 0)


def test_a_profile_that_does_not_exist_is_denied(server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(Denied, match="nobody"):
        reader().call("guardduty", "list_detectors")


def test_a_throttle_that_outlasts_the_retries_is_unavailable_and_counted(server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    server.on("GET /detector", error("ThrottlingException", "Rate exceeded", 429))
    asking = reader(max_attempts=3)
    with pytest.raises(Unavailable, match="ThrottlingException"):
        asking.call("guardduty", "list_detectors")
    assert (asking.calls, asking.retries, len(server.requests)) == (1, 2, 3)


def test_a_throttle_that_ends_is_a_retry(server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    server.on("GET /detector", error("ThrottlingException", "Rate exceeded", 429), page(detectorIds=["a"]))
    asking = reader(max_attempts=3)
    assert asking.items("guardduty", "list_detectors", "DetectorIds") == ["a"]
    assert (asking.calls, asking.retries) == (1, 1)


def test_a_server_that_hangs_is_unavailable(server: AwsServer) -> None:
    server.on("GET /detector", Answer(b"", fault="hang"))
    asking = reader(read_timeout=0.2)
    with pytest.raises(Unavailable, match="ReadTimeoutError"):
        asking.call("guardduty", "list_detectors")
    assert (asking.calls, asking.retries) == (1, 0)


def test_resets_that_outlast_the_retries_are_counted(server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    server.on("GET /detector", Answer(b"", fault="reset"))
    asking = reader(max_attempts=3)
    with pytest.raises(Unavailable, match="ConnectionClosedError"):
        asking.call("guardduty", "list_detectors")
    assert (asking.calls, asking.retries) == (1, 2)


def test_nobody_at_the_address_is_unavailable(server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(Unavailable, match="EndpointConnectionError"):
        reader().call("guardduty", "list_detectors")


def test_an_absent_thing_is_an_empty_answer(server: AwsServer) -> None:
    server.on("DescribeOrganization", error("AWSOrganizationsNotInUseException"))
    server.on("ListAccounts", error("AWSOrganizationsNotInUseException"))
    absent = ("AWSOrganizationsNotInUseException",)
    assert reader().call("organizations", "describe_organization", absent=absent) == {}
    assert reader().items("organizations", "list_accounts", "Accounts", absent=absent) == []


def test_a_service_that_is_off_is_not_enabled(server: AwsServer) -> None:
    server.on("DescribeOrganization", error("AWSOrganizationsNotInUseException", "not in use"))
    with pytest.raises(NotEnabled, match="not in use"):
        reader().call("organizations", "describe_organization", off=("AWSOrganizationsNotInUseException",))


def test_a_call_can_go_to_another_region(server: AwsServer) -> None:
    server.on("GET /detector", page(detectorIds=[]))
    reader().call("guardduty", "list_detectors", region="us-west-2")
    assert server.requests[0].region == "us-west-2"


def test_a_global_scope_asks_in_us_east_1(server: AwsServer) -> None:
    server.on("DescribeOrganization", page(Organization={"Id": "o-1"}))
    clients().reader(ACCOUNT, "global", "organizations").call("organizations", "describe_organization")
    assert server.requests[0].region == "us-east-1"


def test_map_keeps_the_order_of_the_items(server: AwsServer) -> None:
    server.on("GET /detector/a", page(status="A"))
    server.on("GET /detector/b", page(status="B"))
    asking = reader()
    assert asking.map(lambda d: asking.call("guardduty", "get_detector", DetectorId=d)["Status"], ["b", "a", "b"]) == ["B", "A", "B"]
    assert asking.map(str, []) == []


def test_map_raises_the_first_error_in_the_order_of_the_items(server: AwsServer) -> None:
    server.on("GET /detector/a", error("AccessDeniedException", status=403))
    server.on("GET /detector/b", page(status="B"))
    asking = reader()
    with pytest.raises(Denied):
        asking.map(lambda d: asking.call("guardduty", "get_detector", DetectorId=d), ["b", "a", "b"])


def test_a_request_that_is_not_valid_is_unavailable_and_says_why(server: AwsServer) -> None:
    with pytest.raises(Unavailable, match="ParamValidationError"):
        reader().call("guardduty", "get_detector", DetectorId=7)
