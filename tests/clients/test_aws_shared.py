"""Clients that all accounts share: each call is signed in one account's name, and no account pays for another's retries."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import NoCredentialsError

from reporter.clients import aws_shared
from reporter.clients.aws_shared import Lent, Standing
from reporter.core.clock import iso
from reporter.core.errors import Denied, Unavailable
from tests.clients.aws_readers import REGION, clients
from tests.clients.aws_server import Answer, AwsServer, Request, page, server

__all__ = ["server"]

ACCOUNTS = [f"{number:012d}" for number in range(1, 9)]


def role(account: str) -> str:
    return f"arn:aws:iam::{account}:role/reporter-read"


def assumed(request: Request) -> Answer:
    """Credentials whose key names the account of the role."""
    account = request.body.decode().split("iam%3A%3A")[1][:12]
    inner = f"<AccessKeyId>ASIA{account}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>"
    expires = f"<Expiration>{iso(datetime.now(UTC) + timedelta(hours=1))}</Expiration>"
    result = f"<AssumeRoleResult><Credentials>{inner}{expires}</Credentials></AssumeRoleResult>"
    return Answer(
        f'<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">{result}</AssumeRoleResponse>'.encode(), content_type="text/xml"
    )


def signer(request: Request) -> str:
    return request.headers["authorization"].split("Credential=ASIA")[1].split("/")[0]


def test_each_account_is_asked_in_its_own_name_whatever_the_threads_do(server: AwsServer) -> None:
    server.on("AssumeRole", assumed)
    server.on("GET /detector", lambda request: page(detectorIds=[signer(request)]))
    shared, together = clients(), threading.Barrier(len(ACCOUNTS), timeout=20)

    def ask(account: str) -> list[str]:
        reader = shared.reader(account, REGION, "guardduty", role(account))
        together.wait()
        return [found for _ in range(5) for found in reader.items("guardduty", "list_detectors", "DetectorIds")]

    with ThreadPoolExecutor(len(ACCOUNTS)) as threads:
        found = list(threads.map(ask, ACCOUNTS))
    assert found == [[account] * 5 for account in ACCOUNTS]
    assert len(server.asked("AssumeRole")) == len(ACCOUNTS)


def test_a_client_is_made_once_for_all_accounts() -> None:
    lent = Lent(Config(), 1)
    with lent.client("guardduty", REGION, Standing(None)) as one, lent.client("guardduty", REGION, Standing(None)) as other:
        assert one is other


def test_a_shared_client_alone_asks_in_nobodys_name(server: AwsServer) -> None:
    server.on("GET /detector", page(detectorIds=[]))
    with Lent(Config(), 1).client("guardduty", REGION, Standing(Credentials("ASIA1", "secret"))) as client:
        client.list_detectors()
    with pytest.raises(NoCredentialsError):
        client.list_detectors()
    with pytest.raises(NoCredentialsError), Lent(Config(), 1).client("guardduty", REGION, Standing(None)) as client:
        client.list_detectors()
    assert len(server.asked("GET /detector")) == 1


def test_the_name_of_before_is_back_after_a_block() -> None:
    lent, outer, inner = Lent(Config(), 1), Standing(None), Standing(None)
    with lent.client("guardduty", REGION, outer):
        with lent.client("guardduty", "us-east-1", inner):
            assert aws_shared._NOW.standing is inner
        assert aws_shared._NOW.standing is outer
    assert aws_shared._NOW.standing is None


def test_an_account_that_is_told_to_slow_down_takes_no_other_accounts_retries(server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.retries.quota.RetryQuota.INITIAL_CAPACITY", 14)
    monkeypatch.setattr("botocore.retries.quota.RetryQuota.__init__.__defaults__", (14, None))
    monkeypatch.setattr("time.sleep", lambda _: None)
    slow = Answer(b'{"message": "slow down"}', 500, "application/json")
    tries: dict[str, int] = {}

    def answer(request: Request) -> Answer:
        account = signer(request)
        tries[account] = tries.get(account, 0) + 1
        return slow if account == ACCOUNTS[0] or tries[account] == 1 else page(detectorIds=[])

    server.on("AssumeRole", assumed)
    server.on("GET /detector", answer)
    shared = clients(max_attempts=8)
    for _ in range(2):
        with pytest.raises(Unavailable):
            shared.reader(ACCOUNTS[0], REGION, "guardduty", role(ACCOUNTS[0])).call("guardduty", "list_detectors")
    assert tries[ACCOUNTS[0]] == 3  # one retry for 14, then the account's own quota is spent
    shared.reader(ACCOUNTS[1], REGION, "guardduty", role(ACCOUNTS[1])).call("guardduty", "list_detectors")
    assert tries[ACCOUNTS[1]] == 2


def test_without_any_credentials_a_scope_is_denied(server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(Denied, match="credentials"):
        clients().reader(ACCOUNTS[0], REGION, "guardduty").call("guardduty", "list_detectors")
