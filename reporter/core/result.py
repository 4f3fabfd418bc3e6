"""What a check says about one resource."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Result of one check on one resource. UNKNOWN is never a pass and never a fail."""

    PASS = "PASS"  # noqa: S105  # a result, not a password
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    WAIVED = "WAIVED"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class Severity(StrEnum):
    """How much a failed check matters, in AWS's own steps."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


ROLL_UP = (Status.FAIL, Status.UNKNOWN, Status.WAIVED, Status.PASS, Status.NOT_APPLICABLE)
"""A control's status is the first of these that any of its results has."""
