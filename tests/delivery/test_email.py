"""What is sent for a sealed run, to a mail server on this machine and to SES as the sandbox answers it; each message once."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from reporter.clients.store import FolderStore
from reporter.core.errors import ReporterError, ScheduleError
from reporter.core.recipient import Clearance, Group
from reporter.delivery import email
from reporter.delivery.email import PAUSES, Outbox, outbox
from reporter.schedule import Email
from reporter.state import deliveries
from reporter.state.deliveries import Delivery, DeliveryState
from tests.clients.smtp_server import SmtpServer, mail_certificate, smtp
from tests.delivery.sealed import BOOK, CISO, EVERYBODY, OWNER, PAGE, RUN, SECOPS, sealed, someone
from tests.evidence.pack import NOW
from tests.sandbox.aws.conftest import REGION, Door

__all__ = ["mail_certificate", "smtp"]


class Died(BaseException):
    """The process ends here."""


class Dying(FolderStore):
    """A store whose process dies at, or whose place fails from, the given write."""

    def __init__(self, folder: Path, at: int, error: BaseException) -> None:
        super().__init__(folder)
        self._left, self._error = at, error

    def create(self, name: str, data: bytes) -> bool:
        if self._left == 0:
            raise self._error
        self._left -= 1
        return super().create(name, data)


def settings(server: SmtpServer, **changes: Any) -> Email:
    given = {"sender": "reporter@example.com", "smtp": {"host": "127.0.0.1", "port": server.port, "security": "none"}, **changes}
    return Email.model_validate(given)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / ".state")


@pytest.fixture
def pauses() -> list[float]:
    return []


def box(smtp: SmtpServer, store: FolderStore, pauses: list[float] | None = None, **changes: Any) -> Outbox:
    made = outbox(settings(smtp, **changes), store, NOW, EVERYBODY)
    return Outbox(made.email, made.store, lambda: NOW, made.send, (lambda _: None) if pauses is None else pauses.append)


def received(smtp: SmtpServer) -> dict[str, EmailMessage]:
    return {taken.recipients[0]: message_from_bytes(taken.data, policy=policy.default) for taken in smtp.taken}


def text(message: EmailMessage, kind: str = "plain") -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def attached(message: EmailMessage) -> dict[str, bytes]:
    return {str(part.get_filename()): bytes(part.get_payload(decode=True)) for part in message.iter_attachments()}


def states(done: tuple[Delivery, ...]) -> dict[str, str]:
    return {delivery.recipient: delivery.state.value for delivery in done}


def test_each_recipient_gets_its_message_with_the_files_of_the_run_and_the_seal(smtp: SmtpServer, store: FolderStore, tmp_path: Path) -> None:
    run, seal = sealed(tmp_path)
    done = box(smtp, store, reply_to="help@example.com").publish(run)
    assert states(done) == {CISO: "sent", SECOPS: "sent", OWNER: "sent"}
    assert {delivery.message for delivery in done} == {"250 2.0.0 queued as 4XYZ"}
    got = received(smtp)
    assert attached(got[CISO]) == {"report.de.html": PAGE}
    assert attached(got[SECOPS]) == {"report.html": PAGE, "report.xlsx": BOOK}
    assert list(attached(got[OWNER])) == ["your-rows.xlsx"]
    for message in got.values():
        assert message.defects == []
        assert (message["X-Report-Seal"].strip(), message["From"], message["Reply-To"]) == (seal, "reporter@example.com", "help@example.com")
        assert message["X-Report-Files"] is None
        assert seal in text(message).splitlines()[-1]
        assert text(message, "html").index(seal) < text(message, "html").index("</body>")
    assert got[CISO]["Content-Language"] == "de"


def test_what_is_sent_is_else_what_was_sealed(smtp: SmtpServer, store: FolderStore, tmp_path: Path) -> None:
    run, _ = sealed(tmp_path)
    box(smtp, store).publish(run)
    for file in deliveries.message_files(run):
        kept = message_from_bytes(file.read_bytes(), policy=policy.default)
        got = received(smtp)[str(kept["To"])]
        for name in ("Subject", "Date", "Message-ID", "Auto-Submitted", "X-Report-Run"):
            assert got[name].strip() == kept[name].strip()
        assert text(got).replace("\r\n", "\n").startswith(text(kept).replace("\r\n", "\n").rstrip())


def test_nothing_is_sent_twice(smtp: SmtpServer, store: FolderStore, tmp_path: Path) -> None:
    run, _ = sealed(tmp_path)
    box(smtp, store).publish(run)
    again = box(smtp, store).publish(run)
    assert len(smtp.taken) == 3
    assert set(states(again).values()) == {"sent"}  # as the receipts say
    assert [delivery.state.value for delivery in deliveries.of_run(store, RUN)] == ["sent"] * 3


@pytest.mark.parametrize("at", range(6))
def test_wherever_the_process_dies_nothing_is_sent_twice_and_nothing_is_said_that_is_not_known(
    smtp: SmtpServer, store: FolderStore, tmp_path: Path, at: int
) -> None:
    run, _ = sealed(tmp_path)
    with pytest.raises(Died):
        box(smtp, Dying(tmp_path / ".state", at, Died())).publish(run)
    before = len(smtp.taken)
    told = deliveries.tables(deliveries.last_mails(store, "main", tmp_path))["deliveries"]
    known = dict(zip(told["recipient"], told["state"], strict=True))
    order = [CISO, SECOPS, OWNER]
    for place, to in enumerate(order):
        expected = "sent" if place * 2 + 1 < at else "unknown" if place * 2 < at else "not_sent"
        assert known[to] == expected
    box(smtp, store).publish(run)
    assert len(smtp.taken) == max(before, 3 - (1 if at % 2 == 0 and before < at // 2 else 0))
    assert len({taken.recipients for taken in smtp.taken}) == len(smtp.taken)


def test_a_process_that_dies_while_it_hands_over_leaves_a_message_that_may_have_been_sent(
    smtp: SmtpServer, store: FolderStore, tmp_path: Path
) -> None:
    run, _ = sealed(tmp_path)

    def send(message: EmailMessage) -> str:
        raise Died

    with pytest.raises(Died):
        Outbox(settings(smtp), store, lambda: NOW, send).publish(run)
    told = deliveries.tables(deliveries.last_mails(store, "main", tmp_path))["deliveries"]
    assert list(told["state"]) == ["unknown", "not_sent", "not_sent"]
    assert states(box(smtp, store).publish(run))[CISO] == "unknown"
    assert CISO not in received(smtp)


def test_a_refused_recipient_is_said_and_the_others_get_theirs(smtp: SmtpServer, store: FolderStore, tmp_path: Path, pauses: list[float]) -> None:
    smtp.answers[f"rcpt {CISO}"] = "550 5.1.1 nobody of that name"
    run, _ = sealed(tmp_path)
    done = box(smtp, store, pauses).publish(run)
    assert states(done) == {CISO: "refused", SECOPS: "sent", OWNER: "sent"}
    assert "550 5.1.1 nobody of that name" in done[0].message
    assert pauses == []


def test_what_may_be_taken_later_is_tried_again_and_taken_once(smtp: SmtpServer, store: FolderStore, tmp_path: Path) -> None:
    smtp.answers["rcpt"] = "450 4.2.0 greylisted"
    run, _ = sealed(tmp_path)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            smtp.answers.clear()

    made = box(smtp, store)
    done = Outbox(made.email, made.store, made.now, made.send, sleep).publish(run)
    assert set(states(done).values()) == {"sent"}
    assert (slept, len(smtp.taken)) == ([PAUSES[0], PAUSES[1]], 3)


def test_after_some_tries_it_is_given_up(smtp: SmtpServer, store: FolderStore, tmp_path: Path, pauses: list[float]) -> None:
    smtp.answers[f"rcpt {CISO}"] = "452 4.2.2 mailbox full"
    run, _ = sealed(tmp_path, EVERYBODY[:1])
    done = box(smtp, store, pauses).publish(run)
    assert (states(done), pauses) == ({CISO: "refused"}, list(PAUSES))
    assert sum(line.lower().startswith("rcpt") for line in smtp.lines) == 1 + len(PAUSES)


def test_what_may_have_been_taken_is_never_sent_again(smtp: SmtpServer, store: FolderStore, tmp_path: Path, pauses: list[float]) -> None:
    smtp.cut = "message"
    run, _ = sealed(tmp_path, EVERYBODY[:1])
    done = box(smtp, store, pauses).publish(run)
    assert (states(done), pauses) == ({CISO: "unknown"}, [])
    assert "the connection was lost" in done[0].message
    assert sum(line.lower() == "data" for line in smtp.lines) == 1


def test_a_state_that_cannot_be_written_stops_the_message_before_it_is_sent(smtp: SmtpServer, tmp_path: Path) -> None:
    run, _ = sealed(tmp_path)
    done = box(smtp, Dying(tmp_path / ".state", 0, ReporterError("no space left", where="here"))).publish(run)
    assert set(states(done).values()) == {"not_sent"}
    assert "no space left" in done[0].message
    assert smtp.taken == []


def test_a_receipt_that_cannot_be_written_is_said(smtp: SmtpServer, tmp_path: Path) -> None:
    run, _ = sealed(tmp_path, EVERYBODY[:1])
    [done] = box(smtp, Dying(tmp_path / ".state", 1, ReporterError("no space left"))).publish(run)
    assert done.state is DeliveryState.SENT
    assert "the state has no receipt of it: no space left" in done.message


def test_a_state_that_cannot_be_tidied_is_said_and_the_messages_are_sent(
    smtp: SmtpServer, store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(100, 100 + deliveries.KEPT):
        deliveries.announce(store, f"main-{number:06d}", "001-management", {}, NOW)

    def refused(name: str) -> None:
        raise ReporterError("the state cannot be written", where="here")

    monkeypatch.setattr(store, "remove", refused)
    run, _ = sealed(tmp_path)
    done = box(smtp, store).publish(run)
    assert {one.state for one in done} == {DeliveryState.SENT}
    assert "records of old runs stay in the state: the state cannot be written" in done[-1].message


def test_without_messages_or_a_way_to_send_nothing_is_done(smtp: SmtpServer, store: FolderStore, tmp_path: Path) -> None:
    run, _ = sealed(tmp_path)
    assert outbox(None, store, NOW, EVERYBODY).publish(run) == ()
    assert outbox(settings(smtp), store, NOW, ()).publish(run) == ()
    empty, _ = sealed(tmp_path, (), number=2)
    assert box(smtp, store).publish(empty) == ()
    assert (smtp.lines, store.names("")) == ([], [])


def test_a_password_that_is_not_there_is_told_before_the_run_begins(smtp: SmtpServer, store: FolderStore) -> None:
    hidden = {"host": "127.0.0.1", "port": smtp.port, "user": "u", "password": "env:NOT_SET_ANYWHERE"}
    with pytest.raises(ScheduleError, match="NOT_SET_ANYWHERE is not set"):
        outbox(settings(smtp, smtp=hidden), store, NOW, EVERYBODY)
    assert outbox(settings(smtp, smtp=hidden), store, NOW, ()).send is None


def test_what_is_too_large_is_named_with_the_reason(smtp: SmtpServer, store: FolderStore, tmp_path: Path) -> None:
    run, seal = sealed(tmp_path, book=b"x" * 200_000)
    box(smtp, store, max_bytes=150_000).publish(run)
    got = received(smtp)[SECOPS]
    assert list(attached(got)) == ["report.html"]
    plain = " ".join(text(got).split())
    assert "report.xlsx (196 KiB) is too large for a mail and not linked (deliver.email.link_bucket is not set)." in plain
    assert "It is in the folder of the run: run-000001." in plain
    assert seal in plain
    assert max(len(taken.data) for taken in smtp.taken) <= 150_000


def test_own_rows_that_are_too_large_are_not_looked_for_in_the_run(smtp: SmtpServer, store: FolderStore, tmp_path: Path) -> None:
    run, _ = sealed(tmp_path)
    box(smtp, store, max_bytes=20_000).publish(run)
    got = received(smtp)[OWNER]
    assert attached(got) == {}
    assert "Ask the security team for it." in text(got)
    assert "folder of the run" not in text(got)


def test_what_is_too_large_is_linked_from_a_bucket(smtp: SmtpServer, store: FolderStore, tmp_path: Path, environment: Door) -> None:
    import requests

    s3 = environment.client("s3")
    s3.create_bucket(Bucket="too-large", CreateBucketConfiguration={"LocationConstraint": REGION})
    run, _ = sealed(tmp_path, book=b"x" * 200_000)
    box(smtp, store, max_bytes=20_000, link_bucket="s3://too-large/mails", link_hours=2).publish(run)
    got = received(smtp)
    [url] = [word for word in text(got[SECOPS]).split() if word.startswith("http") and "report.xlsx" in word]
    assert "X-Amz-Expires=7200" in url
    assert requests.get(url, timeout=20).content == b"x" * 200_000
    assert f'href="{url.replace("&", "&amp;")}"' in text(got[SECOPS], "html")
    keys = sorted(item["Key"] for item in s3.list_objects_v2(Bucket="too-large")["Contents"])
    assert {f"mails/{RUN}/003-owner/your-rows.xlsx", f"mails/{RUN}/report.xlsx"} <= set(keys)
    assert all(s3.head_object(Bucket="too-large", Key=key)["ServerSideEncryption"] == "AES256" for key in keys)
    grants = s3.get_object_acl(Bucket="too-large", Key=keys[0])["Grants"]
    assert [grant["Grantee"]["Type"] for grant in grants] == ["CanonicalUser"]
    own = [word for word in text(got[OWNER]).split() if word.startswith("http")]
    assert requests.get(own[0], timeout=20).content[:2] == b"PK"


def test_a_bucket_that_is_not_there_is_said_in_the_mail(smtp: SmtpServer, store: FolderStore, tmp_path: Path, environment: Door) -> None:
    run, _ = sealed(tmp_path, EVERYBODY[1:2], book=b"x" * 200_000)
    done = box(smtp, store, max_bytes=20_000, link_bucket="s3://not-there").publish(run)
    assert states(done) == {SECOPS: "sent"}
    assert "not linked (s3:HeadBucket at s3://not-there: there is no such bucket" in " ".join(text(received(smtp)[SECOPS]).split())


def test_a_mail_goes_through_ses(store: FolderStore, tmp_path: Path, environment: Door) -> None:
    environment.client("sesv2").create_email_identity(EmailIdentity="reporter@example.com")
    run, seal = sealed(tmp_path)
    through = Email.model_validate({"sender": "reporter@example.com", "ses": {"region": REGION}})
    done = outbox(through, store, NOW, EVERYBODY).publish(run)
    assert set(states(done).values()) == {"sent"}
    stored = environment.control("GET", "/moto-api/data.json").json()["ses"]["RawMessage"]
    assert {one["id"] for one in stored} == {delivery.message for delivery in done}
    arrived = message_from_bytes(stored[0]["raw_data"].encode(), policy=policy.default)
    assert arrived["X-Report-Seal"].strip() == seal


def test_ses_that_refuses_is_a_refusal_of_each(store: FolderStore, tmp_path: Path, environment: Door) -> None:
    run, _ = sealed(tmp_path)
    through = Email.model_validate({"sender": "nobody@example.com", "ses": {"region": REGION}})
    done = outbox(through, store, NOW, EVERYBODY).publish(run)
    assert set(states(done).values()) == {"refused"}
    assert "MessageRejected" in done[0].message


def test_a_summary_carries_nothing(smtp: SmtpServer, store: FolderStore, tmp_path: Path) -> None:
    run, _ = sealed(tmp_path, (someone(CISO, Group.MANAGEMENT, Clearance.SUMMARY),))
    box(smtp, store).publish(run)
    assert attached(received(smtp)[CISO]) == {}


@pytest.mark.parametrize("gone", ["report.html", "mail/002-security.eml"])
def test_a_file_that_cannot_be_read_stops_that_message_only(smtp: SmtpServer, store: FolderStore, tmp_path: Path, gone: str) -> None:
    run, _ = sealed(tmp_path)
    (run / gone).unlink()
    if gone.startswith("mail/"):
        (run / gone).mkdir()
    done = box(smtp, store).publish(run)
    assert [delivery.state.value for delivery in done] == ["sent", "not_sent", "sent"]


def test_the_real_clock_and_pause_are_used_unless_told_otherwise(smtp: SmtpServer, store: FolderStore) -> None:
    import time

    made = outbox(settings(smtp), store, NOW, EVERYBODY)
    assert made.sleep is time.sleep
    assert made.now() >= NOW
    assert email.PAUSES[-1] == max(PAUSES)
