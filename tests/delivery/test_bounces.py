"""What the next run learns of mails that SES took: asked of the sandbox's suppression list."""

from __future__ import annotations

from reporter.clients.aws import AwsClients
from reporter.core.call import Call
from reporter.delivery.bounces import looked_up
from reporter.schedule import Email
from reporter.state.deliveries import Delivery, DeliveryState
from tests.evidence.pack import NOW
from tests.sandbox.aws.conftest import REGION, Door

SES = Email.model_validate({"sender": "reporter@example.com", "ses": {"region": REGION}})
GONE, ANGRY, THERE = "gone@example.com", "angry@example.com", "there@example.com"


def mail(to: str, state: DeliveryState = DeliveryState.SENT) -> Delivery:
    return Delivery("main-000001", to.partition("@")[0], to, state, NOW, "0100-receipt")


def told(mails: list[Delivery]) -> list[str]:
    return [mail.state.value for mail in mails]


def test_what_came_back_and_what_was_reported_as_spam_is_told_with_the_day(environment: Door) -> None:
    for address, reason in ((GONE, "BOUNCE"), (ANGRY, "COMPLAINT")):
        environment.client("sesv2").put_suppressed_destination(EmailAddress=address, Reason=reason)
    found = looked_up([mail(GONE), mail(THERE), mail(ANGRY)], SES, AwsClients())
    assert told(found) == ["bounced", "sent", "complained"]
    assert "BOUNCE; it is on the suppression list of eu-central-1" in found[0].message
    assert found[1] == mail(THERE)


def test_what_was_not_taken_is_not_asked_for(environment: Door) -> None:
    logged: list[Call] = []
    refused = [mail(GONE, DeliveryState.REFUSED), mail("", DeliveryState.SENT)]
    assert looked_up(refused, SES, AwsClients(log=logged.append)) == refused
    assert logged == []


def test_where_it_cannot_be_asked_the_mail_stays_sent_and_nothing_is_claimed(environment: Door) -> None:
    environment.client("sesv2").put_suppressed_destination(EmailAddress=THERE, Reason="BOUNCE")
    environment.fault("sesv2", "access_denied", operation="GetSuppressedDestination")
    logged: list[Call] = []
    found = looked_up([mail(GONE), mail(THERE)], SES, AwsClients(max_attempts=1, log=logged.append))
    assert told(found) == ["sent", "sent"]
    for one in found:
        assert one.message.startswith("0100-receipt; whether it came back is not known: ")
        assert one.message.endswith("grant ses:GetSuppressedDestination")
    assert len(logged) == 1


def test_over_a_mail_server_nothing_is_asked() -> None:
    through = Email.model_validate({"sender": "reporter@example.com", "smtp": {"host": "127.0.0.1", "port": 1, "security": "none"}})
    assert looked_up([mail(GONE)], through, AwsClients()) == [mail(GONE)]
