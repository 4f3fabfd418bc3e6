"""Security Hub: takes findings in under its limits, keeps what belongs to its customers, and finds them again; moto takes anything, and updates no
workflow. https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moto.securityhub.models import Finding

from reporter.sandbox.aws.conformance import NotConforming, conform
from reporter.sandbox.aws.extend import Call, Extension, refuse
from reporter.sandbox.aws.paging import page

CUSTOMERS_OWN = ("Note", "UserDefinedFields", "VerificationState", "Workflow")
"""what an import of a finding that is there leaves as it is"""
LONGEST = {"Id": 512, "ProductArn": 2048, "GeneratorId": 512, "Title": 256, "Description": 1024, "ProductName": 128, "Region": 16}
ASKED = {
    "Id": ("Id",),
    "ProductArn": ("ProductArn",),
    "GeneratorId": ("GeneratorId",),
    "RecordState": ("RecordState",),
    "ComplianceStatus": ("Compliance", "Status"),
    "WorkflowStatus": ("Workflow", "Status"),
}
"""filters that are answered -> where their value is"""


def require_hub(call: Call) -> None:
    if not call.backend.enabled:
        raise refuse("InvalidAccessException", f"Account {call.account} is not subscribed to AWS Security Hub")


def batch_import_findings(call: Call) -> dict[str, Any]:
    require_hub(call)
    findings = call.params.get("Findings") or []
    if not 1 <= len(findings) <= 100:
        raise refuse("InvalidInputException", "Invalid parameter: Findings must have length between 1 and 100.")
    for finding in findings:
        if said := malformed(finding):
            raise refuse("InvalidInputException", said)
    failed = []
    for finding in findings:
        if said := not_taken(call, finding):
            failed.append({"Id": finding["Id"], "ErrorCode": "InvalidInput", "ErrorMessage": said})
        else:
            keep(call, finding)
    return {"FailedCount": len(failed), "SuccessCount": len(findings) - len(failed), "FailedFindings": failed}


def malformed(finding: dict[str, Any]) -> str:
    """What makes the whole call invalid: a finding that is none in form."""
    try:
        conform("securityhub", "AwsSecurityFinding", finding, "Findings")
    except NotConforming as problem:
        return f"Invalid parameter: {problem}"
    return ""


def not_taken(call: Call, finding: Mapping[str, Any]) -> str:
    """Why this finding is not taken; empty: it is."""
    if finding["AwsAccountId"] != call.account:
        return "AwsAccountId must be the account that calls."
    if not finding["ProductArn"].endswith(f":securityhub:{call.region}:{call.account}:product/{call.account}/default"):
        return "ProductArn is none of a product that is enabled here."
    given = finding.get("FindingProviderFields", {})
    if not (finding.get("Types") or given.get("Types")) or not (finding.get("Severity") or given.get("Severity")):
        return "Types and Severity are required."
    too_long = [name for name, most in LONGEST.items() if len(finding.get(name, "")) > most]
    fields = finding.get("ProductFields", {})
    too_long += ["ProductFields"] if len(fields) > 50 or any(len(key) > 128 or len(value) > 2048 for key, value in fields.items()) else []
    too_long += ["RelatedRequirements"] if len(finding.get("Compliance", {}).get("RelatedRequirements", [])) > 32 else []
    too_long += ["Resources"] if not 1 <= len(finding["Resources"]) <= 32 else []
    too_long += ["Finding"] if len(json.dumps(finding).encode()) > 240 << 10 else []
    return f"{too_long[0]} is too long." if too_long else ""


def keep(call: Call, finding: dict[str, Any]) -> None:
    """A new finding, or a newer state of one; an older state of one changes nothing."""
    findings = call.backend.findings
    held = next((one.data for one in findings if (one.id, one.data["ProductArn"]) == (finding["Id"], finding["ProductArn"])), None)
    own = {"Region": call.region, **finding.get("FindingProviderFields", {}), "RecordState": finding.get("RecordState", "ACTIVE")}
    if held is None:
        findings.append(Finding(finding["Id"], {"Workflow": {"Status": "NEW"}, **finding, **own}))
        return
    if finding["UpdatedAt"] <= held["UpdatedAt"]:
        return
    before = (held["RecordState"], held.get("Compliance", {}).get("Status"))
    held.update({key: value for key, value in {**finding, **own}.items() if key not in CUSTOMERS_OWN})
    after = (held["RecordState"], held.get("Compliance", {}).get("Status"))
    comes_back = (before[0], after[0]) == ("ARCHIVED", "ACTIVE") or (before[1] == "PASSED" and after[1] not in ("PASSED", None))
    if comes_back and held["Workflow"]["Status"] in ("NOTIFIED", "RESOLVED"):
        held["Workflow"] = {"Status": "NEW"}


def batch_update_findings(call: Call) -> dict[str, Any]:
    require_hub(call)
    named = call.params["FindingIdentifiers"]
    if not 1 <= len(named) <= 100:
        raise refuse("InvalidInputException", "Invalid parameter: FindingIdentifiers must have length between 1 and 100.")
    done, missing = [], []
    for one in named:
        found = next((each.data for each in call.backend.findings if (each.id, each.data["ProductArn"]) == (one["Id"], one["ProductArn"])), None)
        if found is None:
            missing.append({"FindingIdentifier": one, "ErrorCode": "FindingNotFound", "ErrorMessage": "Finding Not Found"})
            continue
        if "Workflow" in call.params:
            found["Workflow"] = dict(call.params["Workflow"])
        if "Note" in call.params:
            found["Note"] = {**call.params["Note"], "UpdatedAt": found["UpdatedAt"]}
        done.append(one)
    return {"ProcessedFindings": done, "UnprocessedFindings": missing}


def get_findings(call: Call) -> dict[str, Any]:
    require_hub(call)
    filters = call.params.get("Filters") or {}
    if unknown := sorted(set(filters) - set(ASKED)):
        raise refuse("InvalidInputException", f"The sandbox does not filter by {unknown[0]}.")
    found = [one.data for one in call.backend.findings if all(meets(one.data, name, asked) for name, asked in filters.items())]
    some, token = page(found, call.params.get("NextToken"), call.params.get("MaxResults"), most=100, error="InvalidInputException")
    return {"Findings": list(some)} | ({"NextToken": token} if token else {})


def meets(finding: Mapping[str, Any], name: str, asked: list[dict[str, str]]) -> bool:
    """One of the conditions holds."""
    value: Any = finding
    for step in ASKED[name]:
        value = value.get(step, {})
    return any(value.startswith(one["Value"]) if one["Comparison"] == "PREFIX" else value == one["Value"] for one in asked if value)


EXTENSION = Extension(
    "securityhub",
    operations={
        "BatchImportFindings": batch_import_findings,
        "BatchUpdateFindings": batch_update_findings,
        "GetFindings": get_findings,
    },
)
