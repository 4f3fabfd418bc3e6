"""How Workload Protection's JSON objects name things of AWS, and what counts as a CVE."""

from __future__ import annotations

import re
from typing import Any

from reporter.clients.wanted import below

_SUMMARIES = (("ec2VirtualMachineSummary", "ec2"), ("noConnectorVirtualMachineSummary", "no_connector"))
IDENTITY = tuple(path for name, _ in _SUMMARIES for path in below(name, "instanceID", "accountID"))
"""members of a computer that cloud_identity reads"""
_CVE = re.compile(r"CVE-\d{4}-\d{4,}")


def cloud_identity(computer: dict[str, Any]) -> tuple[str | None, str | None, str | None]:
    """(account id, lower-cased instance id, which summary said so): the connector's summary first, then what the agent reports itself."""
    for name, kind in _SUMMARIES:
        summary = computer.get(name) or {}
        instance = str(summary.get("instanceID") or "").strip().lower()
        if instance:
            return (str(summary.get("accountID") or "").strip() or None, instance, kind)
    return (None, None, None)


def cves(values: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The CVE field of a rule -> (well-formed ids, normalised, unique, sorted; the rest as it was).

    Real catalogues hold no-break spaces, ids of other lists and ids without a year (facts of a tenant's dump).
    """
    good: set[str] = set()
    odd: set[str] = set()
    for value in values if isinstance(values, list) else ():
        text = "".join(str(value).split()).upper()
        if _CVE.fullmatch(text):
            good.add(text)
        else:
            odd.add(str(value))
    return tuple(sorted(good)), tuple(sorted(odd))
