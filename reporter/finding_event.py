"""The event by which EventBridge tells of a finding -> which finding it is, of which account and region, in which version.

An event only names a finding; what the finding is about is asked of its service. So an event that somebody made up can start no more than a look.

Sources: https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings_eventbridge.html,
https://docs.aws.amazon.com/inspector/latest/user/eventbridge-integration.html,
https://docs.aws.amazon.com/macie/latest/user/findings-publish-event-schemas.html
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from reporter.core.clock import iso, service_time
from reporter.core.errors import ReporterError

Detail: TypeAlias = Mapping[str, Any]

KINDS: Mapping[tuple[str, str], str] = {
    ("aws.guardduty", "GuardDuty Finding"): "guardduty",
    ("aws.inspector2", "Inspector2 Finding"): "inspector",
    ("aws.macie", "Macie Finding"): "macie",
}
"""(source, detail-type) -> the source of ours that reads such findings"""
_ACCOUNT = re.compile(r"\d{12}")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_ID = re.compile(r"[0-9A-Za-z-]{1,128}")
_INSPECTOR_ARN = re.compile(r"arn:[a-z-]+:inspector2:([a-z0-9-]+):(\d{12}):finding/[0-9A-Za-z_-]{1,128}")


@dataclass(frozen=True)
class Told:
    """A finding that an event tells of. `finding`: its id; of Inspector its ARN. `updated`: this version of it. `closed`: why there is nothing to do,
    or empty."""

    source: str
    finding: str
    account: str
    region: str
    updated: datetime
    closed: str = ""

    @property
    def key(self) -> str:
        """The same for every copy of the event: a repeated one, and the delegated administrator's."""
        said = f"{self.source} {self.account} {self.region} {self.finding} {self.updated.isoformat()}"
        return hashlib.sha256(said.encode()).hexdigest()[:32]

    @property
    def where(self) -> str:
        return f"{self.source} finding {self.finding} in {self.account} {self.region}"

    def as_json(self) -> dict[str, str]:
        named = {"source": self.source, "finding": self.finding, "account": self.account, "region": self.region}
        return {**named, "updated": iso(self.updated)}


def is_finding(event: Mapping[str, Any]) -> bool:
    """Whether an event tells of a finding."""
    return _kind(event) in KINDS


def read(event: Mapping[str, Any]) -> Told:
    """The finding that an event names. Raises ReporterError for one that is not in its service's form, or contradicts itself."""
    source = KINDS[_kind(event)]
    try:
        detail = event["detail"]
        if not isinstance(detail, Mapping):
            raise TypeError("detail is no object")
        told = _READERS[source](detail)
        _fits(told, event)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReporterError(
            f"the event is not in the form of {event.get('source')}: {type(error).__name__}: {str(error)[:200]}",
            where=f"event {str(event.get('id'))[:64]!r}",
            fix="send it as EventBridge gave it",
            meanwhile="nothing was read, written or told",
        ) from error
    return told


def instant(text: Any) -> datetime:
    """A time as the services write it into events. Raises ValueError, TypeError."""
    if not isinstance(text, str):
        raise TypeError("a time is no text")
    return service_time(text)


def _kind(event: Mapping[str, Any]) -> tuple[str, str]:
    return str(event.get("source")), str(event.get("detail-type"))


def _guardduty(detail: Detail) -> Told:
    service = detail.get("service") or {}
    closed = "it is a sample" if _sample(service) or "[SAMPLE]" in str(detail.get("title")) else "it is archived" if service.get("archived") else ""
    return _told("guardduty", detail["id"], detail["accountId"], detail["region"], instant(detail["updatedAt"]), closed)


def _sample(service: Detail) -> bool:
    """EventBridge has the mark itself, or, as the API, in the text `value`."""
    more = service.get("additionalInfo") or {}
    if more.get("sample") is True:
        return True
    try:
        said = json.loads(more.get("value") or "{}")
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("sample") is True


def _inspector(detail: Detail) -> Told:
    arn, status = str(detail["findingArn"]), str(detail["status"])
    found = _INSPECTOR_ARN.fullmatch(arn)
    if found is None:
        raise ValueError("findingArn is no ARN of a finding")
    if found[2] != str(detail["awsAccountId"]):
        raise ValueError("findingArn and awsAccountId name two accounts")
    updated = instant(detail.get("updatedAt") or detail["lastObservedAt"])
    closed = "" if status == "ACTIVE" else f"it is {status.lower()[:20]}"
    return _told("inspector", arn, found[2], found[1], updated, closed, arn=True)


def _macie(detail: Detail) -> Told:
    closed = "it is a sample" if detail.get("sample") is True else "it is archived" if detail.get("archived") is True else ""
    return _told("macie", detail["id"], detail["accountId"], detail["region"], instant(detail["updatedAt"]), closed)


_READERS: Mapping[str, Callable[[Detail], Told]] = {"guardduty": _guardduty, "inspector": _inspector, "macie": _macie}


def _told(source: str, finding: Any, account: Any, region: Any, updated: datetime, closed: str, *, arn: bool = False) -> Told:
    for name, value, form in (("id", finding, _INSPECTOR_ARN if arn else _ID), ("account", account, _ACCOUNT), ("region", region, _REGION)):
        if not (isinstance(value, str) and form.fullmatch(value)):
            raise ValueError(f"the finding's {name} is none")
    return Told(source, finding, account, region, updated, closed)


def _fits(told: Told, event: Mapping[str, Any]) -> None:
    """The envelope is the service's, the detail is a text in it. Its account may be the administrator's: members' findings are told there too."""
    if not _ACCOUNT.fullmatch(str(event["account"])):
        raise ValueError("the event's account is none")
    if str(event["region"]) != told.region:
        raise ValueError("the event and the finding in it name two regions")
