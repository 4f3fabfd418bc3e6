"""The WP side of the estate as plain data: rules, policies, computers, tenants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Computer:
    """One WP computer. `ips`: effective, module_off, pending (the policy is not yet sent), detect. `lacks`: rule groups not yet on the agent."""

    tenant: str
    computer_id: int
    instance: str | None
    summary: str
    host_name: str
    display_name: str
    policy: str | None
    agent_status: str
    messages: tuple[str, ...]
    fingerprint: bool
    last_contact: datetime | None
    ips: str = "effective"
    lacks: tuple[str, ...] = ()
    policy_sent: tuple[datetime, datetime] | None = None
    integrity_scan: datetime | None = None
    recommendation_scan: datetime | None = None
    recommendation_status: str = "none"
    upper_case: bool = False
    newer_words: bool = False
    anti_malware: bool = True


@dataclass(frozen=True)
class Rule:
    """An IPS rule of the vendor's catalogue; `cves` as the API would return them, odd ones included."""

    identifier: str
    name: str
    cves: tuple[str, ...]
    application_type: str
    severity: str
    kind: str
    cvss: str
    detect_only: bool = False
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Policy:
    """A WP policy. `groups`: names of rule groups assigned here (inherited ones not repeated); `detected`: groups set to detect here."""

    key: str
    policy_id: int
    parent: str | None
    name: str
    ips_state: str
    groups: tuple[str, ...]
    detected: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tenant:
    """A WP tenant: its own ids of rules and application types (identifier or name -> id)."""

    name: str
    key: str
    rule_ids: dict[str, int]
    application_type_ids: dict[str, int]
    policies: tuple[Policy, ...]
    computers: tuple[Computer, ...] = ()


@dataclass(frozen=True)
class Catalogue:
    """The vendor's rules and, by group name, identifiers drawn for one use, and CVEs that lead to exactly that group."""

    rules: tuple[Rule, ...]
    groups: dict[str, tuple[str, ...]]
    cves: dict[str, tuple[str, ...]]
