"""Messages as they are sent: to a mail server on this machine, and to SES as the sandbox and a scripted server answer it."""

from __future__ import annotations

import base64
import json
import os
import socket
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import boto3
import pytest
from botocore.config import Config

from reporter.clients import mail
from reporter.clients.mail import opener, passing, plain_address
from reporter.core.action import Refused, Uncertain
from reporter.core.errors import Denied, ScheduleError
from reporter.schedule import Email
from tests.clients.aws_server import Answer, AwsServer, error, page, server
from tests.clients.smtp_server import PASSWORD, USER, SmtpServer, mail_certificate, smtp
from tests.sandbox.aws.conftest import REGION, Door, aws, running

__all__ = ["aws", "mail_certificate", "running", "server", "smtp"]

SENDER, OWNER = "reporter@example.com", "payments@example.com"
PATH = "POST /v2/email/outbound-emails"


def a_message(to: str = OWNER, body: str = "one line\n.a line that begins with a dot\n") -> EmailMessage:
    made = EmailMessage(policy=policy.SMTP)
    made["Subject"] = "Unprotected instances"
    made["To"] = to
    made["Message-ID"] = "<1@reporter.invalid>"
    made.set_content(body, cte="quoted-printable")
    return made


def through(smtp: SmtpServer, **changes: Any) -> Email:
    more = {name: changes.pop(name) for name in ("reply_to", "max_bytes") if name in changes}
    given = {"host": "127.0.0.1", "port": smtp.port, "user": USER, "password": "env:SMTP_PASSWORD", **changes}
    return Email.model_validate({"sender": SENDER, "smtp": given, **more})


def plainly(smtp: SmtpServer, **changes: Any) -> Email:
    return through(smtp, **{"security": "none", "user": "", "password": None, **changes})


def with_ses(**changes: Any) -> Email:
    return Email.model_validate({"sender": SENDER, "ses": {"region": REGION, **changes}})


def test_a_message_goes_through_starttls_with_a_login_and_arrives_whole(smtp: SmtpServer) -> None:
    assert opener(through(smtp, reply_to="secops@example.com"))(a_message()) == "250 2.0.0 queued as 4XYZ"
    [taken] = smtp.taken
    assert (taken.sender, taken.recipients, taken.encrypted, taken.user) == (SENDER, (OWNER,), True, USER)
    arrived = message_from_bytes(taken.data, policy=policy.default)
    assert (arrived["From"], arrived["To"], arrived["Reply-To"]) == (SENDER, OWNER, "secops@example.com")
    assert arrived["Message-ID"] == "<1@reporter.invalid>"
    assert arrived.get_content().replace("\r\n", "\n") == "one line\n.a line that begins with a dot\n"
    assert not any(line.lower().startswith(("auth", "mail")) for line in smtp.lines[: [line.lower() for line in smtp.lines].index("starttls")])


def test_a_message_goes_through_tls_from_the_first_byte(smtp: SmtpServer) -> None:
    smtp.implicit_tls = True
    assert opener(through(smtp, security="tls"))(a_message())
    assert [(taken.encrypted, taken.user) for taken in smtp.taken] == [(True, USER)]


def test_a_server_on_this_machine_may_be_spoken_to_in_the_clear(smtp: SmtpServer) -> None:
    smtp.size = 1000000
    assert opener(plainly(smtp))(a_message())
    assert [taken.encrypted for taken in smtp.taken] == [False]
    assert any(line.startswith("mail FROM") and "size=" in line for line in smtp.lines)


def test_the_sender_of_the_settings_stands_over_any_other_and_the_message_given_stays_as_it_was(smtp: SmtpServer) -> None:
    given = a_message()
    given["From"] = "somebody@example.org"
    before = given.as_bytes()
    opener(plainly(smtp))(given)
    assert message_from_bytes(smtp.taken[0].data, policy=policy.default)["From"] == SENDER
    assert given.as_bytes() == before


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_trusts_stops_before_the_password(smtp: SmtpServer, security: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    smtp.implicit_tls = security == "tls"
    with pytest.raises(Refused, match="nothing was sent: SSLCertVerificationError"):
        opener(through(smtp, security=security))(a_message())
    assert not smtp.taken
    assert not any(line.lower().startswith("auth") for line in smtp.lines)


def test_a_server_that_offers_no_tls_is_not_given_the_password(smtp: SmtpServer) -> None:
    smtp.starttls = False
    with pytest.raises(Refused, match="STARTTLS extension not supported"):
        opener(through(smtp))(a_message())
    assert not any(line.lower().startswith(("auth", "mail")) for line in smtp.lines)


def test_a_wrong_password_is_denied_and_never_repeated(smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "another-password")
    with pytest.raises(Denied, match=r"does not accept user and password: 535 5.7.8") as caught:
        opener(through(smtp))(a_message())
    assert "another-password" not in caught.value.message
    assert PASSWORD not in caught.value.message


def test_a_password_that_is_not_there_is_told_before_anything_is_opened(smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SMTP_PASSWORD")
    with pytest.raises(ScheduleError, match="SMTP_PASSWORD is not set"):
        opener(through(smtp))
    assert smtp.lines == []


@pytest.mark.parametrize(
    ("step", "answer", "said"),
    [
        ("connect", "554 no service here", "554 no service here"),
        ("mail", "550 5.7.1 not from you", f"refuses the sender {SENDER}: 550 5.7.1 not from you"),
        (f"rcpt {OWNER}", "550 5.1.1 nobody of that name", f"refuses the recipient {OWNER}: 550 5.1.1 nobody of that name"),
        ("rcpt", "450 4.2.0 later", "450 4.2.0 later"),
        ("data", "451 4.3.0 not now", "does not take the message: 451 4.3.0 not now"),
        ("message", "554 5.7.1 looks like spam", "does not take the message: 554 5.7.1 looks like spam"),
        ("message", "452 4.2.2 mailbox full", "452 4.2.2 mailbox full"),
    ],
)
def test_a_refusal_is_told_in_the_servers_words(smtp: SmtpServer, step: str, answer: str, said: str) -> None:
    smtp.answers[step] = answer
    with pytest.raises(Refused) as caught:
        opener(plainly(smtp))(a_message())
    assert said in caught.value.message
    assert smtp.taken == []


@pytest.mark.parametrize(
    ("step", "answer", "helps"),
    [
        ("connect", "421 4.3.2 too many connections", True),
        ("mail", "451 4.7.1 later", True),
        ("rcpt", "450 4.2.0 greylisted", True),
        ("data", "451 4.3.0 not now", True),
        ("message", "452 4.2.2 mailbox full", True),
        ("rcpt", "550 5.1.1 nobody", False),
        ("message", "554 5.7.1 spam", False),
    ],
)
def test_only_what_may_pass_is_worth_another_try(smtp: SmtpServer, step: str, answer: str, helps: bool) -> None:
    smtp.answers[step] = answer
    with pytest.raises(Refused) as caught:
        opener(plainly(smtp))(a_message())
    assert passing(caught.value) is helps


def test_a_server_that_is_not_there_may_come_back_and_a_certificate_does_not_mend_itself(smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    smtp.cut = "connect"
    with pytest.raises(Refused) as lost:
        opener(plainly(smtp))(a_message())
    smtp.cut = ""
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(Refused) as untrusted:
        opener(through(smtp))(a_message())
    assert (passing(lost.value), passing(untrusted.value)) == (True, False)


def test_one_refused_recipient_stops_the_message_to_all(smtp: SmtpServer) -> None:
    smtp.answers["rcpt b@example.com"] = "550 unknown"
    with pytest.raises(Refused, match=r"b@example\.com"):
        opener(plainly(smtp))(a_message("a@example.com, b@example.com"))
    assert smtp.taken == []
    opener(plainly(smtp))(a_message("a@example.com, c@example.com"))
    assert smtp.taken[0].recipients == ("a@example.com", "c@example.com")


@pytest.mark.parametrize("step", ["connect", "mail", "rcpt", "data"])
def test_a_connection_that_is_lost_before_the_message_is_handed_over_is_a_refusal(smtp: SmtpServer, step: str) -> None:
    smtp.cut = step
    with pytest.raises(Refused, match="nothing was sent"):
        opener(plainly(smtp))(a_message())


@pytest.mark.parametrize("step", ["half", "message"])
def test_a_connection_that_is_lost_while_the_message_is_handed_over_leaves_it_uncertain(smtp: SmtpServer, step: str) -> None:
    smtp.cut = step
    with pytest.raises(Uncertain, match="the connection was lost while the message was handed over"):
        opener(plainly(smtp))(a_message())


def test_an_answer_that_is_none_leaves_it_uncertain(smtp: SmtpServer) -> None:
    smtp.answers["message"] = "what?"
    with pytest.raises(Uncertain, match="the answer to the message is none"):
        opener(plainly(smtp))(a_message())


def test_a_message_that_was_taken_is_taken_however_the_parting_goes(smtp: SmtpServer) -> None:
    smtp.cut = "taken"
    assert opener(plainly(smtp))(a_message()) == "250 2.0.0 queued as 4XYZ"
    assert len(smtp.taken) == 1


def test_a_server_that_is_not_there_is_a_refusal(smtp: SmtpServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        free = listening.getsockname()[1]
    with pytest.raises(Refused, match="nothing was sent: ConnectionRefusedError"):
        opener(plainly(smtp, port=free))(a_message())


def test_a_server_that_does_not_answer_is_given_up(smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Refused, match=r"nothing was sent: .*timed out"):
        opener(plainly(smtp, port=silent.getsockname()[1]))(a_message())


def test_a_message_that_is_too_long_is_not_sent(smtp: SmtpServer) -> None:
    with pytest.raises(Refused, match=r"bytes long; deliver\.email\.max_bytes is 1000"):
        opener(plainly(smtp, max_bytes=1000))(a_message(body="x" * 1000))
    assert smtp.lines == []
    assert opener(plainly(smtp, max_bytes=3000))(a_message(body="x" * 1000))


@pytest.mark.parametrize("to", ["", "nobody", "a@example.com, nobody", "ä@example.com", '"a b"@example.com', "undisclosed:;", "a@example.com>"])
def test_what_is_no_plain_address_is_refused_before_anything_is_opened(smtp: SmtpServer, to: str) -> None:
    with pytest.raises(Refused, match="address"):
        opener(plainly(smtp))(a_message(to))
    assert smtp.lines == []


def test_a_message_to_nobody_is_refused(smtp: SmtpServer) -> None:
    nobody = a_message()
    del nobody["To"]
    with pytest.raises(Refused, match="addressed to nobody"):
        opener(plainly(smtp))(nobody)


@pytest.mark.parametrize(
    "text", ["", "a", "a@b@c", "a@b\r\nRCPT TO:<c@d>", "a@b\nBcc: c@d", "a@b, c@d", "<a@b>", "Name <a@b>", "a@b\x00", ".a@b", "a@" + "b" * 260]
)
def test_only_one_plain_address_is_an_address(text: str) -> None:
    with pytest.raises(Refused, match="not one plain mail address"):
        plain_address(text)


def test_plain_addresses_are() -> None:
    for text in ("a@b", "first.last+tag@mail.example.com", "o'hara@xn--bcher-kva.example"):
        assert plain_address(text) == text


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE12", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_MAX_ATTEMPTS": "5"}.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def ses(server: AwsServer, environment: pytest.MonkeyPatch) -> AwsServer:
    environment.setenv("AWS_ENDPOINT_URL", server.url)
    return server


def test_ses_of_the_sandbox_takes_the_message_and_its_id_is_the_receipt(aws: Door, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL", aws.endpoint)
    aws.client("sesv2").create_email_identity(EmailIdentity=SENDER)
    receipt = opener(with_ses())(a_message())
    [stored] = aws.control("GET", "/moto-api/data.json").json()["ses"]["RawMessage"]
    assert (stored["id"], stored["source"]) == (receipt, SENDER)
    assert set(stored["destinations"]) == {OWNER}
    arrived = message_from_bytes(stored["raw_data"].encode(), policy=policy.default)
    assert (arrived["From"], arrived["Message-ID"]) == (SENDER, "<1@reporter.invalid>")


def test_ses_of_the_sandbox_refuses_a_sender_that_is_not_verified(aws: Door, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL", aws.endpoint)
    with pytest.raises(Refused, match=r"sesv2:send_email in eu-central-1: MessageRejected"):
        opener(with_ses())(a_message())


def test_ses_is_asked_for_exactly_this(ses: AwsServer) -> None:
    ses.on(PATH, page(MessageId="0107-1"))
    assert opener(with_ses(configuration_set="reports"))(a_message()) == "0107-1"
    [asked] = ses.asked(PATH)
    sent = asked.json
    raw = base64.b64decode(sent.pop("Content")["Raw"]["Data"])
    assert sent == {"FromEmailAddress": SENDER, "Destination": {"ToAddresses": [OWNER]}, "ConfigurationSetName": "reports"}
    assert message_from_bytes(raw, policy=policy.default)["To"] == OWNER
    assert asked.region == REGION


def test_a_missing_right_is_denied_with_the_permission(ses: AwsServer) -> None:
    ses.on(PATH, error("AccessDeniedException", "User: x is not authorized to perform: ses:SendRawEmail on resource: y", 403))
    with pytest.raises(Denied) as caught:
        opener(with_ses())(a_message())
    assert caught.value.permission == "ses:SendRawEmail"


@pytest.mark.parametrize(("code", "status"), [("MessageRejected", 400), ("TooManyRequestsException", 429), ("SendingPausedException", 400)])
def test_an_answer_of_no_is_a_refusal(ses: AwsServer, code: str, status: int) -> None:
    ses.on(PATH, error(code, "because", status))
    with pytest.raises(Refused, match=f"{code}: because") as caught:
        opener(with_ses())(a_message())
    assert passing(caught.value) is (status == 429)
    assert len(ses.asked(PATH)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        error("InternalFailure", "oops", 500),
        error("ServiceUnavailable", "oops", 503),
        Answer(b"", fault="reset"),
        Answer(json.dumps({"MessageId": "1"}).encode(), fault="cut"),
        Answer(b"<html>It works!</html>", content_type="text/html"),
        page(),
    ],
    ids=["500", "503", "reset", "cut", "page", "no id"],
)
def test_no_clear_answer_leaves_it_uncertain_and_it_is_sent_once(ses: AwsServer, answer: Answer) -> None:
    ses.on(PATH, answer)
    with pytest.raises(Uncertain):
        opener(with_ses())(a_message())
    assert len(ses.asked(PATH)) == 1


def test_an_endpoint_that_is_not_there_is_a_refusal(environment: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        environment.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listening.getsockname()[1]}")
    with pytest.raises(Refused, match="EndpointConnectionError") as caught:
        opener(with_ses())(a_message())
    assert passing(caught.value)


def test_no_credentials_are_denied(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(Denied, match="no usable AWS credentials"):
        opener(with_ses())(a_message())


def test_a_client_that_would_send_again_is_not_used(ses: AwsServer) -> None:
    def patient(service: str, region: str) -> Any:
        return boto3.client(service, region_name=region, config=Config(retries={"total_max_attempts": 2}))  # type: ignore[call-overload]

    with pytest.raises(ValueError, match="total_max_attempts 1"):
        opener(with_ses(), patient)(a_message())
    assert ses.requests == []
