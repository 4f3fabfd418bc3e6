"""Computer groups: which groups lie below others, and the computers in them."""

from __future__ import annotations

from collections.abc import Iterable

from reporter.sandbox.wp.tenant import Tenant


def with_subgroups(tenant: Tenant, group_ids: Iterable[int]) -> set[int]:
    """These groups and all below them."""
    found = set(group_ids)
    while True:
        below = {key for key, group in tenant.computer_groups.items() if group.get("parentGroupID") in found} - found
        if not below:
            return found
        found |= below


def computers_in_group(tenant: Tenant, group_id: int, *, subgroups: bool) -> list[int]:
    groups = with_subgroups(tenant, [group_id]) if subgroups else {group_id}
    return sorted(key for key, computer in tenant.computers.items() if computer.get("groupID") in groups)
