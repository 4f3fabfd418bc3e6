"""The parts of the schedule that joins, checks and sources are given: thresholds and names, no secrets. schedule.py reads them from the file."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from reporter.core.modules import MODULES

_DURATION = re.compile(r"(\d+)\s*([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}

ModuleName = Literal[
    "anti_malware",
    "web_reputation",
    "activity_monitoring",
    "firewall",
    "intrusion_prevention",
    "integrity_monitoring",
    "log_inspection",
    "application_control",
]
assert set(ModuleName.__args__) == set(MODULES)  # type: ignore[attr-defined]  # noqa: S101  # one list of modules, said in a type too


def _duration(value: Any) -> Any:
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip())
        if match is None:
            raise ValueError("a duration is a whole number and a unit: 30m, 24h or 7d")
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    if isinstance(value, timedelta):
        return value
    raise ValueError("a duration is written with its unit: 30m, 24h or 7d")


def _written(value: timedelta) -> str:
    minutes = int(value.total_seconds() // 60)
    for unit, size in (("d", 1440), ("h", 60)):
        if minutes and minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"


Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(_written, return_type=str)]


class Section(BaseModel):
    """A part of schedule.yaml: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Days(Section):
    """Whole days by severity."""

    critical: int = Field(ge=0)
    high: int = Field(ge=0)
    medium: int = Field(ge=0)
    low: int = Field(ge=0)

    def of(self, severity: str) -> int:
        """Days for an AWS severity word; INFORMATIONAL counts as low, UNTRIAGED and words we do not know as medium."""
        return int(getattr(self, {"INFORMATIONAL": "low"}.get(severity, severity.lower()), self.medium))


class ChecksSettings(Section):
    """Thresholds of the checks."""

    agent_max_age: Duration = timedelta(hours=24)
    grace_minutes: int = Field(60, ge=0)
    required_policies: tuple[str, ...] = ()
    required_modules: tuple[ModuleName, ...] = ("anti_malware", "intrusion_prevention")
    recommendation_scan_max_age: Duration = timedelta(days=7)
    integrity_scan_max_age: Duration = timedelta(days=7)
    guardduty_days: Days = Days(critical=1, high=1, medium=7, low=30)
    """the deadlines of AWS Config's own rule guardduty-non-archived-findings"""
    shield_days: Days = Days(critical=7, high=14, medium=30, low=90)
    patch_days: Days = Days(critical=30, high=30, medium=90, low=180)
    """30 days for what matters most: PCI DSS 6.3.3"""
    fix_days: Days = Days(critical=7, high=30, medium=90, low=180)
    """by when any other FAIL must be put right, counted from the run that first saw it: ours, no framework's; make them your own"""


class RuleGroupName(Section):
    """A managed rule group, as WAF names it."""

    vendor: str
    name: str


class WafSettings(Section):
    """Which managed rule group stands for which set, first offered one wins. Trend's two sets first, AWS's as fallback."""

    web_server: tuple[RuleGroupName, ...] = (
        RuleGroupName(vendor="Trend Micro", name="WebserverRuleGroup"),
        RuleGroupName(vendor="AWS", name="AWSManagedRulesCommonRuleSet"),
    )
    web_application: tuple[RuleGroupName, ...] = (
        RuleGroupName(vendor="Trend Micro", name="ContentManagementSystemRuleGroup"),
        RuleGroupName(vendor="AWS", name="AWSManagedRulesPHPRuleSet"),
    )
    promote_after_days: int = Field(14, ge=0)


def _address(value: str) -> str:
    if value and not re.fullmatch(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+", value):
        raise ValueError("an address like payments@example.com, one only")
    return value


Address = Annotated[str, AfterValidator(_address)]
"""A mail address, or empty for none."""


class OwnersSettings(Section):
    """Who owns an instance: the value of a tag, and the address that value stands for."""

    tag: str = "Owner"
    addresses: dict[str, Address] = {}
    default: Address = ""


class TagScope(Section):
    """What the report is about; the rest is counted as excluded."""

    tag: str
    values: tuple[str, ...] = Field(min_length=1)


class ExceptionRule(Section):
    """One accepted FAIL, for at most 366 days: what the first seven say is required, the rest is what an auditor asks for next."""

    check: str
    resource: str
    reason: str = Field(min_length=1)
    owner: str = Field(min_length=1)
    approved_by: str = Field(min_length=1)
    ticket: str = Field(min_length=1)
    expires: str
    risk: str = ""
    """what may come of it"""
    compensation: str = ""
    """what is done instead"""
    approved_on: str = ""
    """YYYY-MM-DD"""
    review_on: str = ""
    """YYYY-MM-DD: from the day after it, the exception counts as not reviewed"""


class Settings(Section):
    """All that joins and checks may know of the schedule."""

    checks: ChecksSettings = ChecksSettings()
    waf: WafSettings = WafSettings()
    owners: OwnersSettings = OwnersSettings()
    scope: TagScope | None = None
    config_rule_prefix: str = "reporter-"
    tenants: tuple[str, ...] = ()
    language: str = "en"
    """of what is sent to owners"""
