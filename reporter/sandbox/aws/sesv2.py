"""SES: identities that are verified for sending, which moto's never become, and the account's suppression list, which moto does not have.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetSuppressedDestination.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import moto.backends

from reporter.sandbox.aws.conformance import expect
from reporter.sandbox.aws.extend import Call, Extension, refuse

SUPPRESSED = "suppressed"
REASONS = ("BOUNCE", "COMPLAINT")


def seed_verified(account: str, region: str, items: list[Any]) -> None:
    """Items are addresses and domains; one that is not there yet is made."""
    get_backend: Any = moto.backends.get_backend
    backend = get_backend("sesv2")[account][region]
    for number, item in enumerate(items):
        name = expect(item, str, f"items[{number}]")
        identity = backend.create_email_identity(name, configuration_set_name=None, dkim_signing_attributes=None, tags=None)
        identity.verified_for_sending_status = True


def put_suppressed_destination(call: Call) -> dict[str, Any]:
    reason = call.params.get("Reason")
    if reason not in REASONS:
        raise refuse("BadRequestException", f"{reason} is no reason of the suppression list.")
    address = call.params["EmailAddress"]
    call.shelf(SUPPRESSED)[address] = {"EmailAddress": address, "Reason": reason, "LastUpdateTime": datetime.now(UTC)}
    return {}


def get_suppressed_destination(call: Call) -> dict[str, Any]:
    found = call.shelf(SUPPRESSED).get(call.params["EmailAddress"])
    if found is None:
        raise refuse("NotFoundException", f"Email address {call.params['EmailAddress']} does not exist on your suppression list.")
    return {"SuppressedDestination": found}


EXTENSION = Extension(
    service="sesv2",
    operations={"PutSuppressedDestination": put_suppressed_destination, "GetSuppressedDestination": get_suppressed_destination},
    kinds={"verified": seed_verified},
)
