from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reporter.core.errors import Denied, Unavailable
from reporter.sources.wp_roles import SOURCE
from reporter.tables.workload_protection import WP_ROLES
from tests.clients.aws_server import Answer, AwsServer, page, server
from tests.clients.wp_sandbox import KEY, Tenant, tenant
from tests.sources.wp_scripted import scripted

__all__ = ["server", "tenant"]

EXPIRES = datetime(2027, 1, 1, tzinfo=UTC)


def test_the_key_in_use_and_its_role_are_one_row_without_the_key(tenant: Tenant) -> None:
    tenant.seed("api_key", {"keyName": "nightly", "expiryDate": int(EXPIRES.timestamp() * 1000)})
    (row,) = tenant.read(SOURCE, WP_ROLES)
    assert row == {
        "tenant": "main",
        "key_name": "nightly",
        "key_expires": EXPIRES,
        "role_name": "Full Access",
        "all_computers": True,
        "all_policies": True,
    }
    assert not any(KEY.encode() in answer.body for answer in tenant.answers)


def test_a_narrowed_role_says_so(tenant: Tenant) -> None:
    tenant.seed("roles", {"ID": 4, "name": "Auditor", "allComputers": False, "allPolicies": True})
    tenant.seed("api_key", {"roleID": 4})
    (row,) = tenant.read(SOURCE, WP_ROLES)
    assert (row["all_computers"], row["all_policies"], row["key_expires"]) == (False, True, None)


def test_what_a_role_does_not_say_is_not_known_rather_than_everything(tenant: Tenant) -> None:
    tenant.seed("roles", {"ID": 4, "name": "Auditor"})
    tenant.seed("api_key", {"roleID": 4})
    (row,) = tenant.read(SOURCE, WP_ROLES)
    assert (row["all_computers"], row["all_policies"]) == (None, None)


@pytest.mark.parametrize(("path", "right"), [("/apikeys", "view API keys"), ("/roles", "view administrator roles")])
def test_each_call_names_its_own_right(tenant: Tenant, path: str, right: str) -> None:
    tenant.fault("access_denied", path)
    with pytest.raises(Denied) as caught:
        tenant.read(SOURCE, WP_ROLES)
    assert caught.value.permission == right


@pytest.mark.parametrize("answer", [page(keyName="k"), page(roleID="../users"), page(roleID=True), Answer(b"[]")])
def test_a_key_without_a_role_is_unavailable(server: AwsServer, answer: Answer) -> None:
    server.on("GET /api/apikeys/current", answer)
    with pytest.raises(Unavailable):
        SOURCE.fetch(scripted(server, "wp_roles"))
    assert len(server.requests) == 1
