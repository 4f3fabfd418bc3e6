"""Who calls: exactly one of two headers, fitting the key's mode."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reporter.sandbox.wp.call import Refused
from reporter.sandbox.wp.knobs import Knobs
from reporter.sandbox.wp.tenant import Auth, Key, Tenant

API_VERSION = "v1"


def authenticate(headers: Mapping[str, str], tenants: Iterable[Tenant], knobs: Knobs) -> tuple[Tenant, Key]:
    """The tenant and key of a call; header names come in lower case. Raises Refused: 400 without api-version, 401 or 403 (knob) without a key."""
    if headers.get("api-version") != API_VERSION:
        raise Refused(400, f"the header api-version: {API_VERSION} is required")
    given = _given(headers)
    if given is None:
        raise Refused(knobs.bad_key_status, "give exactly one API key")
    for tenant in tenants:
        for key in tenant.keys:
            if (key.auth, key.secret) == given:
                return tenant, key
    raise Refused(knobs.bad_key_status, "Invalid API Key")


def _given(headers: Mapping[str, str]) -> tuple[Auth, str] | None:
    authorization, secret = headers.get("authorization"), headers.get("api-secret-key")
    if (authorization is None) == (secret is None):
        return None
    if secret is not None:
        return "api-secret-key", secret
    scheme, _, key = (authorization or "").partition(" ")
    return ("api-key", key.strip()) if scheme.lower() == "apikey" else None
