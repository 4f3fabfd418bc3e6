from __future__ import annotations

import pytest

from reporter.clients.mail_identity import log_in, verified
from reporter.core.errors import Denied, Unavailable
from reporter.schedule import Ses, Smtp
from tests.clients.aws_server import Answer, AwsServer, error, page, server
from tests.clients.smtp_server import PASSWORD, USER, SmtpServer, mail_certificate, smtp

__all__ = ["mail_certificate", "server", "smtp"]

SENDER = "reporter@example.com"
ADDRESS, DOMAIN = (f"GET /v2/email/identities/{name}" for name in (SENDER, "example.com"))
NONE = error("NotFoundException", "no such identity", 404)


@pytest.mark.parametrize(
    ("address", "domain", "found"),
    [
        (page(VerifiedForSendingStatus=True), NONE, SENDER),
        (NONE, page(VerifiedForSendingStatus=True), "example.com"),
        (page(VerifiedForSendingStatus=False), page(VerifiedForSendingStatus=True), "example.com"),
        (page(VerifiedForSendingStatus=False), NONE, ""),
    ],
)
def test_the_address_or_its_domain_is_verified(server: AwsServer, address: Answer, domain: Answer, found: str) -> None:
    server.on(ADDRESS, address)
    server.on(DOMAIN, domain)
    assert verified(Ses(region="eu-central-1"), SENDER) == found


def test_a_refusal_names_the_permission(server: AwsServer) -> None:
    server.on(ADDRESS, error("AccessDeniedException", "no", 403))
    with pytest.raises(Denied) as caught:
        verified(Ses(region="eu-central-1"), SENDER)
    assert caught.value.permission == "ses:GetEmailIdentity"


def test_a_login_is_tried_and_no_mail_is_begun(smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)
    log_in(Smtp(host="localhost", port=smtp.port, user=USER, password="env:SMTP_PASSWORD"))
    verbs = [line.split()[0].upper() for line in smtp.lines]
    assert ("STARTTLS" in verbs, "MAIL" in verbs, smtp.taken) == (True, False, [])


def test_a_wrong_password_is_a_refusal_and_no_tls_is_no_way_in(smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "wrong")
    named = Smtp(host="localhost", port=smtp.port, user=USER, password="env:SMTP_PASSWORD")
    with pytest.raises(Denied, match="does not accept user and password"):
        log_in(named)
    smtp.starttls = False
    with pytest.raises(Unavailable, match="mail server localhost"):
        log_in(named)
