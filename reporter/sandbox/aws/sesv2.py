"""SES: identities that are verified for sending, which moto's never become."""

from __future__ import annotations

from typing import Any

import moto.backends

from reporter.sandbox.aws.conformance import expect
from reporter.sandbox.aws.extend import Extension


def seed_verified(account: str, region: str, items: list[Any]) -> None:
    """Items are addresses and domains; one that is not there yet is made."""
    get_backend: Any = moto.backends.get_backend
    backend = get_backend("sesv2")[account][region]
    for number, item in enumerate(items):
        name = expect(item, str, f"items[{number}]")
        identity = backend.create_email_identity(name, configuration_set_name=None, dkim_signing_attributes=None, tags=None)
        identity.verified_for_sending_status = True


EXTENSION = Extension(service="sesv2", kinds={"verified": seed_verified})
