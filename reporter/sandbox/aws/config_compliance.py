"""The evaluations AWS Config holds: what stands, what replaces what, and how it sums up to a compliance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reporter.sandbox.aws.store import STORE

CAP = 25


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One verdict on one resource by one rule. Times are naive UTC, as moto keeps them."""

    rule: str
    resource_type: str
    resource_id: str
    compliance: str
    annotation: str | None
    ordering: datetime
    recorded: datetime

    @property
    def key(self) -> str:
        return f"{self.rule}\n{self.resource_type}\n{self.resource_id}"

    def answer(self) -> dict[str, Any]:
        qualifier = {"ConfigRuleName": self.rule, "ResourceType": self.resource_type, "ResourceId": self.resource_id, "EvaluationMode": "DETECTIVE"}
        answer = {
            "EvaluationResultIdentifier": {"EvaluationResultQualifier": qualifier, "OrderingTimestamp": self.ordering},
            "ComplianceType": self.compliance,
            "ResultRecordedTime": self.recorded,
            "ConfigRuleInvokedTime": self.ordering,
        }
        return answer | ({"Annotation": self.annotation} if self.annotation is not None else {})


def shelf(account: str, region: str) -> dict[str, Evaluation]:
    return STORE.shelf("config", "evaluations", account, region)


def keep(evaluations: dict[str, Evaluation], new: Evaluation) -> None:
    """An older ordering timestamp never replaces a newer verdict; NOT_APPLICABLE takes the resource off the rule."""
    held = evaluations.get(new.key)
    if held is not None and held.ordering > new.ordering:
        return
    if new.compliance == "NOT_APPLICABLE":
        evaluations.pop(new.key, None)
    else:
        evaluations[new.key] = new


def compliance(evaluations: Iterable[Evaluation], *, counted: bool = True) -> dict[str, Any]:
    """One Compliance structure: a single NON_COMPLIANT decides; no evaluation at all is INSUFFICIENT_DATA."""
    verdicts = [evaluation.compliance for evaluation in evaluations]
    if not verdicts:
        return {"ComplianceType": "INSUFFICIENT_DATA"}
    failing = verdicts.count("NON_COMPLIANT")
    if not failing:
        return {"ComplianceType": "COMPLIANT"}
    count = {"ComplianceContributorCount": {"CappedCount": min(failing, CAP), "CapExceeded": failing > CAP}} if counted else {}
    return {"ComplianceType": "NON_COMPLIANT", **count}
