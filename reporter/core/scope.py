"""A scope: one account x region x source, or one WP tenant x source."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

GLOBAL = "global"
"""Region of services that have none (IAM, CloudFront, S3's bucket list, Organizations)."""

TENANT_REGION = "-"
"""Region column of a Workload Protection scope; its account column holds the tenant's name."""


class ScopeState(StrEnum):
    """What became of one planned scope."""

    OK = "ok"
    DENIED = "denied"
    NOT_ENABLED = "not_enabled"
    UNAVAILABLE = "unavailable"
    SKIPPED = "skipped"


class Reach(StrEnum):
    """Over what a source is read: this decides which scopes are planned for it."""

    REGIONAL = "regional"
    """once per account and region"""
    GLOBAL = "global"
    """once per account"""
    ORGANIZATION = "organization"
    """once per run, with the caller's own credentials"""
    TENANT = "tenant"
    """once per Workload Protection tenant"""


@dataclass(frozen=True, order=True)
class Scope:
    """Key of one ledger row."""

    account: str
    region: str
    source: str

    def __str__(self) -> str:
        return f"{self.source} in {self.account} {self.region}"
