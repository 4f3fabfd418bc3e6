"""The API key in use and its role.

A role that does not see every computer narrows every list without a word: where it is narrowed, an instance without a computer is `unknown`, never
`unmanaged`.
"""

from __future__ import annotations

from reporter.clients.workload_protection import WpReader
from reporter.core.clock import from_millis
from reporter.core.errors import Unavailable
from reporter.core.scope import Reach
from reporter.core.source import Source
from reporter.core.table import Rows
from reporter.tables.workload_protection import WP_ROLES

KEYS = "view API keys"
ROLES = "view administrator roles"


def fetch(reader: WpReader) -> Rows:
    """One row: key name and expiry (never the key), role name and whether it sees everything."""
    key = reader.get("/apikeys/current", right=KEYS)
    role_id = key.get("roleID")
    if type(role_id) is not int:
        raise Unavailable(f"GET /apikeys/current at tenant {reader.tenant}: the answer names no role")
    role = reader.get(f"/roles/{role_id}", right=ROLES)
    return {
        WP_ROLES.name: [
            (
                reader.tenant,
                key.get("keyName"),
                from_millis(key.get("expiryDate")),
                role.get("name"),
                role.get("allComputers"),
                role.get("allPolicies"),
            )
        ]
    }


SOURCE = Source(name="wp_roles", tables=(WP_ROLES,), permissions=(KEYS, ROLES), reach=Reach.TENANT, fetch=fetch)
