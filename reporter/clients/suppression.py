"""Does SES still send to an address? It puts one on the account's suppression list when a mail bounces for good, or is reported as spam.

https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reporter.clients.aws_reader import AwsReader
from reporter.core.answers import field
from reporter.core.permission import By, Permission


@dataclass(frozen=True)
class Suppressed:
    """`reason`: SES's word, BOUNCE or COMPLAINT. `since`: when it was last put on the list."""

    reason: str
    since: datetime


def suppressed(reader: AwsReader, region: str, address: str) -> Suppressed | None:
    """What the suppression list of a region says of an address; None: it is not on it. Raises Denied, Unavailable."""
    answer = reader.call("sesv2", "get_suppressed_destination", region=region, absent=("NotFoundException",), EmailAddress=address)
    if not answer:
        return None
    what = f"sesv2:GetSuppressedDestination in {region}"
    found = field(answer, "SuppressedDestination", what)
    return Suppressed(str(field(found, "Reason", what)), field(found, "LastUpdateTime", what))


def _sent_by_ses(schedule: Any) -> tuple[str, ...]:
    """IAM has no resource for the list."""
    return ("*",) if schedule.deliver.email is not None and schedule.deliver.email.ses is not None else ()


PERMISSIONS = (Permission(By.JOB, "LookForBounces", ("ses:GetSuppressedDestination",), _sent_by_ses),)
