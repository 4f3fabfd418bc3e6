"""Sessions, roles, budgets and the clients of all services."""

from __future__ import annotations

import io
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError

from reporter.core.clock import iso
from reporter.core.errors import Denied, Unavailable
from tests.clients.aws_readers import ACCOUNT, REGION, ROLE, clients
from tests.clients.aws_server import HTML, Answer, AwsServer, Request, aws_environment, page, server

__all__ = ["server"]


def sts(answer: str, name: str) -> Answer:
    body = f'<{name}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{name}Result>{answer}</{name}Result></{name}Response>'
    return Answer(body.encode(), content_type="text/xml")


def credentials(key: str, lives: timedelta) -> Answer:
    expires = iso(datetime.now(UTC) + lives)
    inner = f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>"
    return sts(f"<Credentials>{inner}<Expiration>{expires}</Expiration></Credentials>", "AssumeRole")


def refusal(code: str, message: str = "refused", status: int = 403) -> Answer:
    return Answer(f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>".encode(), status, "text/xml")


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


def test_a_profile_that_does_not_exist_is_denied_before_any_region_is_known(server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(Denied, match="nobody"):
        clients().identity(ACCOUNT)
    with pytest.raises(Denied, match="nobody"):
        clients().enabled_regions(ACCOUNT)
    with pytest.raises(Denied, match="nobody"):
        clients().reader(ACCOUNT, REGION, "guardduty", ROLE).call("guardduty", "list_detectors")
