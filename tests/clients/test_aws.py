"""reporter/clients/aws.py and aws_reader.py against an HTTP server."""

from __future__ import annotations

import io
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError

from reporter.clients.aws import AwsClients, AwsReader
from reporter.clients.aws_raw import RawAnswer
from reporter.core.clock import iso
from reporter.core.errors import Denied, NotEnabled, Unavailable
from tests.clients.aws_server import HTML, Answer, AwsServer, Request, aws_environment, error, page, server

__all__ = ["server"]

ACCOUNT = "111122223333"
REGION = "eu-central-1"
ROLE = "arn:aws:iam::111122223333:role/reporter-read"
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def clients(**settings: Any) -> AwsClients:
    return AwsClients(**{"read_timeout": 5, "connect_timeout": 5, "max_attempts": 1, **settings})


def reader(source: str = "guardduty", **settings: Any) -> AwsReader:
    return clients(**settings).reader(ACCOUNT, REGION, source, None, None, NOW, "reporter-", ())


def sts(answer: str, name: str) -> Answer:
    body = f'<{name}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{name}Result>{answer}</{name}Result></{name}Response>'
    return Answer(body.encode(), content_type="text/xml")


def credentials(key: str, lives: timedelta) -> Answer:
    expires = iso(datetime.now(UTC) + lives)
    inner = f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>"
    return sts(f"<Credentials>{inner}<Expiration>{expires}</Expiration></Credentials>", "AssumeRole")


def refusal(code: str, message: str = "refused", status: int = 403) -> Answer:
    return Answer(f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>".encode(), status, "text/xml")


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


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b'{"detectorIds": ["a"', 200),
        Answer(b'{"detectorIds": ["a"]} trailing', 200),
        Answer(b'["a"]', 200),
        Answer(b"null", 200),
        Answer(b"", 200),
        Answer(b'{"detectorIds": "a"}', 200),
        Answer(b'{"detectorIds": 7}', 200),
        Answer(b'{"detectorIds": {}}', 200),
        Answer(b'\xff{"detectorIds": []}', 200),
        Answer(HTML, 200, "text/html"),
        Answer(HTML, 404, "text/html"),
        Answer(HTML, 403, "text/html"),
        Answer(b"<!doctype html><html></html>", 500, "text/html"),
        Answer(b'{"message": "Not yet implemented"}', 404),
        Answer(b"{}", 503),
        Answer(b'{"detectorIds": ["a"]}', fault="cut"),
        Answer(b"", fault="reset"),
    ],
    ids=lambda answer: f"{answer.status}-{answer.fault or answer.body[:22]!r}",
)
def test_what_is_no_whole_answer_is_unavailable(server: AwsServer, answer: Answer) -> None:
    server.on("GET /detector", answer)
    with pytest.raises(Unavailable, match=f"guardduty:ListDetectors in {ACCOUNT} {REGION}"):
        reader().items("guardduty", "list_detectors", "DetectorIds")


@pytest.mark.parametrize(
    "body",
    [
        b"<html></html>",
        b"<!doctype html><html><body/></html>",
        b"",
        b"<DescribeInstancesResponse><reservationSet>",
        b'<?xml version="1.0"?><OtherResponse><reservationSet/></OtherResponse>',
        b"not a document",
    ],
)
def test_broken_xml_is_unavailable_never_an_empty_page(server: AwsServer, body: bytes) -> None:
    server.on("DescribeInstances", Answer(body, content_type="text/xml"))
    with pytest.raises(Unavailable, match="broken page"):
        reader("ec2").items("ec2", "describe_instances", "Reservations")


def test_a_query_answer_without_its_result_is_unavailable(server: AwsServer) -> None:
    server.on("ListRoles", Answer(b"<ListRolesResponse/>", content_type="text/xml"))
    with pytest.raises(Unavailable, match="broken page"):
        reader("iam").items("iam", "list_roles", "Roles")


@pytest.mark.parametrize("body", [b"<html><body/></html>", b"", b"<ListAllMyBucketsResult><Buckets>"])
def test_a_broken_bucket_list_is_unavailable(server: AwsServer, body: bytes) -> None:
    server.on("GET /", Answer(body, content_type="application/xml"))
    with pytest.raises(Unavailable, match="s3:ListBuckets in"):
        reader("s3").items("s3", "list_buckets", "Buckets")


def test_xml_with_a_declaration_and_a_comment_is_read(server: AwsServer) -> None:
    xml = b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- x -->\n<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationSet/></DescribeInstancesResponse>'
    server.on("DescribeInstances", Answer(xml, content_type="text/xml"))
    assert reader("ec2").items("ec2", "describe_instances", "Reservations") == []


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


def test_no_more_calls_at_once_than_the_budget_of_an_account_and_service(server: AwsServer) -> None:
    lock, running, most = threading.Lock(), 0, 0
    together = threading.Barrier(2, timeout=5)

    def busy(request: Request) -> Answer:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait()
        with lock:
            running -= 1
        return page(detectorIds=[])

    server.on("GET /detector", busy)
    shared = clients(concurrency=2)
    readers = [shared.reader(ACCOUNT, region, "guardduty") for region in ("eu-central-1", "us-east-1", "us-west-2")]
    threads = [threading.Thread(target=lambda r=r: r.map(lambda _: r.call("guardduty", "list_detectors"), range(2))) for r in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (most, len(server.requests)) == (2, 6)


def test_raw_answers_are_kept_as_received_and_numbered_in_order(server: AwsServer) -> None:
    server.on("GET /detector", Answer(b'{ "detectorIds": [] }'))
    server.on("GET /detector/a", page(status="A"))
    server.on("GET /detector/b", page(status="B"))
    kept: list[RawAnswer] = []
    asking = reader(raw=kept.append)
    asking.call("guardduty", "list_detectors")
    asking.map(lambda d: asking.call("guardduty", "get_detector", DetectorId=d), ["b", "a", "b", "a"])
    assert kept[0] == RawAnswer(ACCOUNT, REGION, "guardduty", "guardduty", "ListDetectors", 0, b'{ "detectorIds": [] }', "application/json")
    assert [(answer.sequence, answer.body) for answer in kept[1:]] == [
        (1, b'{"status": "B"}'),
        (2, b'{"status": "A"}'),
        (3, b'{"status": "B"}'),
        (4, b'{"status": "A"}'),
    ]


def test_answers_hold_no_raw_bytes(server: AwsServer) -> None:
    server.on("GET /detector", page(detectorIds=[]))
    assert set(reader().call("guardduty", "list_detectors")) == {"DetectorIds", "ResponseMetadata"}


def test_what_a_source_redacts_never_reaches_the_record(server: AwsServer) -> None:
    body = b'{"findings": [{"service": {"action": {"ip": "198.51.100.7"}, "count": 1}, "id": "f"}], "a": {"b": 1}}'
    server.on("POST /detector/d/findings/get", Answer(body))
    kept: list[RawAnswer] = []
    asking = clients(raw=kept.append).reader(ACCOUNT, REGION, "guardduty", redacts=("findings[].service.action", "a.b", "none[].x", "findings.y"))
    answer = asking.call("guardduty", "get_findings", DetectorId="d", FindingIds=["f"])
    assert kept[0].body == b'{"a":{},"findings":[{"id":"f","service":{"count":1}}]}'
    assert answer["Findings"][0]["Id"] == "f"


def test_a_role_is_assumed_with_its_external_id(server: AwsServer) -> None:
    server.on("AssumeRole", credentials("ASIAROLE", timedelta(hours=1)))
    server.on("GET /detector", page(detectorIds=[]))
    clients().reader(ACCOUNT, REGION, "guardduty", ROLE, "shared-secret").call("guardduty", "list_detectors")
    asked = server.asked("AssumeRole")[0].body.decode()
    assert "RoleSessionName=workload-compliance-reporter" in asked
    assert "ExternalId=shared-secret" in asked
    assert "ASIAROLE" in server.asked("GET /detector")[0].headers["authorization"]


def test_an_assumed_role_is_shared_by_all_readers_of_the_account(server: AwsServer) -> None:
    server.on("AssumeRole", credentials("ASIAROLE", timedelta(hours=1)))
    server.on("GET /detector", page(detectorIds=[]))
    shared = clients()
    for region in (REGION, "us-west-2"):
        shared.reader(ACCOUNT, region, "guardduty", ROLE).call("guardduty", "list_detectors")
    assert len(server.asked("AssumeRole")) == 1
    shared.release(ACCOUNT)
    shared.reader(ACCOUNT, REGION, "guardduty", ROLE).call("guardduty", "list_detectors")
    assert len(server.asked("AssumeRole")) == 2


def test_an_assumed_roles_credentials_are_renewed_before_they_expire(server: AwsServer) -> None:
    server.on("AssumeRole", credentials("ASIAFIRST", timedelta(minutes=2)), credentials("ASIASECOND", timedelta(hours=1)))
    server.on("GET /detector", page(detectorIds=[]))
    asking = clients().reader(ACCOUNT, REGION, "guardduty", ROLE)
    asking.call("guardduty", "list_detectors")
    asking.call("guardduty", "list_detectors")
    keys = [request.headers["authorization"].split("Credential=")[1].split("/")[0] for request in server.asked("GET /detector")]
    assert keys == ["ASIAFIRST", "ASIASECOND"]


def test_a_role_that_cannot_be_assumed_is_denied(server: AwsServer) -> None:
    server.on("AssumeRole", refusal("AccessDenied", "User: x is not authorized to perform: sts:AssumeRole"))
    with pytest.raises(Denied, match=f"cannot assume {ROLE} in {ACCOUNT}: AccessDenied") as caught:
        clients().reader(ACCOUNT, REGION, "guardduty", ROLE).call("guardduty", "list_detectors")
    assert caught.value.permission == "sts:AssumeRole"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (refusal("ExpiredToken"), Denied),
        (refusal("Throttling", status=400), Unavailable),
        (Answer(HTML, 200, "text/html"), Unavailable),
        (sts("", "AssumeRole"), Unavailable),
        (Answer(b"", fault="reset"), Unavailable),
    ],
)
def test_a_failing_sts_is_told_apart_from_a_refused_role(server: AwsServer, answer: Answer, problem: type[Exception]) -> None:
    server.on("AssumeRole", answer)
    with pytest.raises(problem, match="sts:AssumeRole of"):
        clients().reader(ACCOUNT, REGION, "guardduty", ROLE).call("guardduty", "list_detectors")


def test_identity_says_whose_the_credentials_are(server: AwsServer) -> None:
    arn = "arn:aws:iam::111122223333:user/auditor"
    server.on("GetCallerIdentity", sts(f"<Arn>{arn}</Arn><UserId>AIDA</UserId><Account>{ACCOUNT}</Account>", "GetCallerIdentity"))
    assert clients().identity(ACCOUNT) == {"account": ACCOUNT, "arn": arn, "user_id": "AIDA"}


def test_an_identity_without_an_account_is_broken(server: AwsServer) -> None:
    server.on("GetCallerIdentity", sts("<UserId>AIDA</UserId>", "GetCallerIdentity"))
    with pytest.raises(Unavailable, match="broken answer"):
        clients().identity(ACCOUNT)


def test_enabled_regions_are_sorted_names(server: AwsServer) -> None:
    items = "".join(f"<item><regionName>{name}</regionName></item>" for name in ("us-east-1", "eu-central-1"))
    xml = f'<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><regionInfo>{items}</regionInfo></DescribeRegionsResponse>'
    server.on("DescribeRegions", Answer(xml.encode(), content_type="text/xml"))
    assert clients().enabled_regions(ACCOUNT) == ("eu-central-1", "us-east-1")


def test_s3_control_needs_nothing_but_the_endpoint_override(server: AwsServer) -> None:
    xml = "<PublicAccessBlockConfiguration><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>"
    server.on("GET /v20180820/configuration/publicAccessBlock", Answer(xml.encode(), content_type="application/xml"))
    answer = clients().reader(ACCOUNT, "global", "s3").call("s3control", "get_public_access_block", AccountId=ACCOUNT)
    assert answer["PublicAccessBlockConfiguration"] == {"RestrictPublicBuckets": True}
    assert server.requests[0].host == server.url.removeprefix("http://")
    assert server.requests[0].headers["x-amz-account-id"] == ACCOUNT


class Refusal(io.BytesIO):
    """A body as urllib3 hands it out."""

    def stream(self, *_: Any, **__: Any) -> list[bytes]:
        return [b"<Error><Code>AccessDenied</Code></Error>"]


def test_s3_control_keeps_the_account_in_the_host_of_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    aws_environment(monkeypatch, tmp_path)
    client = clients().client(ACCOUNT, "s3control", REGION)
    urls: list[str] = []

    def refuse(request: Any, **_: Any) -> AWSResponse:
        urls.append(request.url)
        return AWSResponse(request.url, 403, HTTPHeaders(), Refusal())

    client.meta.events.register_first("before-send.s3-control", refuse)
    with pytest.raises(ClientError):
        client.get_public_access_block(AccountId=ACCOUNT)
    assert urls[0].startswith(f"https://{ACCOUNT}.s3-control.{REGION}.amazonaws.com/")


def test_a_request_that_is_not_valid_is_unavailable_and_says_why(server: AwsServer) -> None:
    with pytest.raises(Unavailable, match="ParamValidationError"):
        reader().call("guardduty", "get_detector", DetectorId=7)
