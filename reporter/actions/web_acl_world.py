"""Web ACLs as the run read them: where each is, what stands behind it, what it may be given, and why it must not be touched."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from reporter.actions.web_acl_document import Group, digest
from reporter.core.scope import GLOBAL
from reporter.core.world import World
from reporter.tables.aws import DISTRIBUTIONS, MANAGED_RULE_GROUPS, WEB_ACL_ASSOCIATIONS, WEB_ACLS
from reporter.tables.joined import WEB_ENTRIES

CLOUDFRONT = "CLOUDFRONT"


@dataclass(frozen=True)
class Entry:
    """A row of WEB_ENTRIES with a web ACL. `wanted`: groups as vendor:name; `sets`: what they stand for; `present`: groups in its web ACLs."""

    name: str
    state: str
    acls: tuple[str, ...]
    instances: tuple[str, ...]
    wanted: tuple[str, ...]
    sets: tuple[str, ...]
    present: frozenset[str]


@dataclass(frozen=True)
class SeenAcl:
    """A web ACL that was read. `region`: "global" for the CLOUDFRONT scope; `owner`: who manages it, "" nobody known; `acl`: {} where not read."""

    arn: str
    account: str
    region: str
    name: str
    id: str
    scope: str
    owner: str
    acl: dict[str, Any]

    def before(self) -> dict[str, Any]:
        """What must hold when it is written to; enough to find it by."""
        return {"arn": self.arn, "name": self.name, "id": self.id, "scope": self.scope, "document_sha256": digest(self.acl)}


class WebAcls:
    """Web ACLs, entries and groups on offer, looked up once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.seen = {acl.arn: acl for acl in (_seen(row) for row in world.table(WEB_ACLS).itertuples(index=False))}
        self.entries = sorted((_entry(row) for row in world.table(WEB_ENTRIES).itertuples(index=False) if _text(row.web_acl)), key=lambda e: e.name)
        self._offered: dict[tuple[str, str], dict[str, Group]] = defaultdict(dict)
        for row in world.table(MANAGED_RULE_GROUPS).itertuples(index=False):
            self._offered[row.account, row.region][f"{row.vendor}:{row.name}"] = (row.vendor, row.name)
        self._resources: dict[str, set[str]] = defaultdict(set)
        for row in world.table(WEB_ACL_ASSOCIATIONS).itertuples(index=False):
            self._resources[row.web_acl_arn].add(row.resource_arn)
        for row in world.table(DISTRIBUTIONS).itertuples(index=False):
            if _text(row.web_acl):
                self._resources[row.web_acl].add(row.arn)

    def place(self, arn: str) -> tuple[str, str]:
        """Account and region of a web ACL, whether it was read or not."""
        acl = self.seen.get(arn)
        if acl is not None:
            return acl.account, acl.region
        parts = arn.split(":")
        return (parts[4], GLOBAL if parts[5].startswith("global/") else parts[3]) if len(parts) > 5 else ("", "")

    def offered(self, arn: str) -> dict[str, Group]:
        """Managed rule groups on offer where the web ACL is, by vendor:name."""
        return self._offered.get(self.place(arn), {})

    def blast(self, arn: str) -> dict[str, Any]:
        """What a change of this web ACL touches: entries behind it, their instances, and what it is attached to (load balancers, distributions)."""
        behind = [entry for entry in self.entries if arn in entry.acls]
        return {
            "entries": sorted({entry.name for entry in behind}),
            "instances": sorted({instance for entry in behind for instance in entry.instances}),
            "resources": sorted(self._resources.get(arn, ())),
        }

    def unread(self, arn: str) -> str:
        """Why this web ACL is not known whole; "" if it is."""
        account, region = self.place(arn)
        if self._world.state("waf", account, region) is None:
            return f"the web ACL is in {account or arn} {region}, which is not among the accounts and regions that were read"
        if not self._world.read("waf", account, region):
            return f"waf in {account} {region} could not be read"
        acl = self.seen.get(arn)
        return "" if acl is not None and acl.acl else "the web ACL itself was not read"

    def not_ours(self, acl: SeenAcl) -> str:
        """Why a web ACL that was read must be left alone; "" if it may be changed."""
        if acl.owner:
            return f"managed by {acl.owner}: left alone; the patch is printed"
        if acl.scope == CLOUDFRONT and not self._world.read("cloudfront", acl.account, GLOBAL):
            return f"cloudfront in {acl.account} could not be read, so it is not known before which distributions the web ACL stands"
        return ""


def _seen(row: Any) -> SeenAcl:
    acl = json.loads(row.document) if _text(row.document) else {}
    return SeenAcl(row.arn, row.account, row.region, row.name, row.id, row.waf_scope, _text(row.managed_by), acl)


def _entry(row: Any) -> Entry:
    acls = tuple(arn for arn in row.web_acl.split(";") if arn)
    # with several web ACLs a row does not say which group is in which
    present = frozenset(text.rpartition(" (")[0] for text in row.present_groups) if len(acls) == 1 else frozenset()
    return Entry(row.entry, row.state, acls, tuple(row.instances), tuple(row.wanted_groups), tuple(row.wanted_sets), present)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
