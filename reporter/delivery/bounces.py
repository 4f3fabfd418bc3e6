"""Did the mails of the run before come back? SES tells it later than it takes a mail, so the next run asks.

A mail server tells it by a mail to the sender's own mailbox, which is not read here: what it took stays `sent`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reporter.clients.aws import AwsClients
from reporter.clients.suppression import suppressed
from reporter.core.clock import iso
from reporter.core.errors import ScopeProblem
from reporter.schedule import Email
from reporter.state.deliveries import Delivery, DeliveryState

_STATES = {"BOUNCE": DeliveryState.BOUNCED, "COMPLAINT": DeliveryState.COMPLAINED}


def looked_up(mails: Iterable[Delivery], email: Email | None, aws: AwsClients) -> list[Delivery]:
    """The same mails; one that SES took for an address that it does not send to any more has come back. One call an address; after the first
    that cannot be answered no more are made, and the mails say so."""
    if email is None or email.ses is None:
        return list(mails)
    reader, region = aws.reader("", email.ses.region, "mail"), email.ses.region
    looked, unanswered = list[Delivery](), ""
    for mail in mails:
        if mail.state is not DeliveryState.SENT or not mail.recipient:
            looked.append(mail)
            continue
        try:
            found = None if unanswered else suppressed(reader, region, mail.recipient)
        except ScopeProblem as problem:
            found, unanswered = None, f"{problem.message}; grant {problem.permission}" if problem.permission else problem.message
        if found:
            state = _STATES.get(found.reason, DeliveryState.BOUNCED)
            said = f"SES sends nothing to this address since {iso(found.since)}: {found.reason}; it is on the suppression list of {region}"
            looked.append(replace(mail, state=state, message=said))
        else:
            looked.append(replace(mail, message=f"{mail.message}; whether it came back is not known: {unanswered}") if unanswered else mail)
    return looked
