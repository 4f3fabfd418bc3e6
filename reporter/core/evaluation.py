"""What AWS Config is told of an instance: which rules stand for which checks, what a status becomes, and what is said where there is none.

PASS is COMPLIANT, FAIL is NON_COMPLIANT, NOT_APPLICABLE is itself; a waived FAIL stays NON_COMPLIANT and says so. A COMPLIANT never outlives its
evidence: where Config holds an evaluation and ours is UNKNOWN now, it is retired with NOT_APPLICABLE and the cause; where it holds none, nothing is
sent. An instance that EC2 no longer has, or that the report is not about, is NOT_APPLICABLE. Source: PutEvaluations (annotation of 1 to 256
characters).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from reporter.core.result import Status

INSTANCE = "AWS::EC2::Instance"
LONGEST_ANNOTATION = 256
CHECKS = (
    "activity_monitoring_active",
    "anti_malware_active",
    "application_control_active",
    "firewall_active",
    "instance_clear",
    "instance_protected",
    "integrity_monitoring_active",
    "intrusion_prevention_active",
    "log_inspection_active",
    "policy_assigned",
    "web_reputation_active",
)
"""per instance: protected by the named policy; each protection module active; clear of alerts"""

COMPLIANT, NON_COMPLIANT, NOT_APPLICABLE = "COMPLIANT", "NON_COMPLIANT", "NOT_APPLICABLE"
RETIRE = "retire"
GONE = "the instance no longer exists"
OUTSIDE = "the instance is not in the scope of this report"
NOT_READ = "the instances here were not read"
_COMPLIANCE = {
    Status.PASS: COMPLIANT,
    Status.FAIL: NON_COMPLIANT,
    Status.WAIVED: NON_COMPLIANT,
    Status.NOT_APPLICABLE: NOT_APPLICABLE,
}


def rule_name(prefix: str, check_id: str) -> str:
    """Name of the AWS Config rule that stands for a check."""
    return prefix + check_id.replace("_", "-")


class Said(NamedTuple):
    """Status and reason of one check on one instance."""

    status: Status
    text: str


@dataclass(frozen=True)
class Answers:
    """What was seen of every instance of one account and region, by the checks that stand for a rule.

    `run`: id of the run that saw it, or empty: a look of its own; `read_at`: when the world was read; `seal`: hash of the newest seal then, or empty.
    `said`: check -> instance -> Said. `listed`: the instances could be listed. `outside`: instances that there are and the report is not about.
    `causes`: check -> why none of its instances could be judged.
    """

    account: str
    region: str
    run: str
    read_at: datetime
    seal: str
    said: Mapping[str, Mapping[str, Said]]
    listed: bool
    outside: frozenset[str] = frozenset()
    causes: Mapping[str, str] = field(default_factory=dict)

    def of(self, check_id: str, instance: str) -> Said:
        """What is said of an instance, whether or not there is a result for it."""
        found = self.said.get(check_id, {}).get(instance)
        if found is not None:
            return found
        if not self.listed:
            return Said(Status.UNKNOWN, self.causes.get(check_id, NOT_READ))
        return Said(Status.NOT_APPLICABLE, OUTSIDE if instance in self.outside else GONE)


def evaluated(said: Said, *, held: bool, unknown: str) -> tuple[str, str] | None:
    """(compliance, text) to send, or None: nothing. `held`: Config holds an evaluation; `unknown`: retire or non_compliant."""
    compliance = _COMPLIANCE.get(said.status)
    if compliance is not None:
        return compliance, said.text
    if not held:
        return None
    return (NOT_APPLICABLE if unknown == RETIRE else NON_COMPLIANT), f"UNKNOWN: {said.text}"


def annotation(text: str, seal: str) -> str:
    """1 to 256 characters: the reason, cut between words if need be, and the first half of a seal's hash."""
    tail = f" [seal {seal[:32]}]" if seal else ""
    room = LONGEST_ANNOTATION - len(tail)
    body = " ".join(text.split()) or "no reason given"
    return (body if len(body) <= room else _cut(body, room)) + tail


def _cut(body: str, room: int) -> str:
    """At most `room` characters, the last of them an ellipsis after a whole word; a text without a space near its end is cut where it must be."""
    kept = body[: room - 1]
    if not body[room - 1].isspace():
        space = kept.rfind(" ")
        kept = kept[:space] if space > room // 2 else kept
    return kept.rstrip() + "…"
