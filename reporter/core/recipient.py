"""Somebody who gets a mail of each scheduled run, and what of the report that person may see."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Group(StrEnum):
    """What a recipient reads the mail for."""

    MANAGEMENT = "management"
    SECURITY = "security"
    OWNER = "owner"


class Clearance(StrEnum):
    """What goes with the mail: nothing; the page; the page and the workbook."""

    SUMMARY = "summary"
    REPORT = "report"
    FULL = "full"


DEFAULT_CLEARANCE = {Group.MANAGEMENT: Clearance.REPORT, Group.SECURITY: Clearance.FULL, Group.OWNER: Clearance.SUMMARY}


@dataclass(frozen=True)
class Recipient:
    """One address. `own_rows`: what it owns is attached. An owner gets nothing else: no table of the whole organisation is for owners."""

    to: str
    group: Group
    language: str
    clearance: Clearance
    own_rows: bool = False
