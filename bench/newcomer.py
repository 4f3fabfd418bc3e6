"""The straightforward program: what a good engineer writes in a day for the same question, with the same libraries. A peer, no part of the reporter.

boto3's paginators give lists of dictionaries, pandas merges them, to_excel and jinja2 write them. One account after the other. It reads instances,
findings of Inspector, GuardDuty and Macie, computers, rules, and each computer's recommendations, and says which finding which rule shields. It keeps
no evidence, judges no checks, compares no runs and takes any error for the end. `python -m bench.newcomer SCHEDULE OUT`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import jinja2
import pandas as pd
import requests

PAGE = """<!doctype html><meta charset="utf-8"><title>Findings</title><h1>Findings</h1>
<table>{% for state, count in states.items() %}<tr><th>{{ state }}<td>{{ count }}{% endfor %}</table>
<table><tr>{% for name in columns %}<th>{{ name }}{% endfor %}
{% for row in rows %}<tr>{% for name in columns %}<td>{{ row[name] }}{% endfor %}
{% endfor %}</table>"""
COLUMNS = ["account", "region", "instance", "owner", "cve", "severity", "title", "state", "rule"]


def main() -> None:
    """Read, join, write."""
    schedule, out = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2])
    instances, findings, alerts, sensitive = [], [], [], []
    for account in schedule["aws"]["accounts"]:
        session = assumed(account["role"])
        for region in schedule["aws"]["regions"]:
            instances += read_instances(session, account["id"], region)
            findings += read_findings(session, account["id"], region)
            alerts += read_guardduty(session, account["id"], region)
            sensitive += read_macie(session, account["id"], region)
    computers, rules = read_wp(schedule["workload_protection"][0]["url"])
    patches = joined(pd.DataFrame(instances), pd.DataFrame(findings), pd.DataFrame(computers), pd.DataFrame(rules))
    out.mkdir(parents=True, exist_ok=True)
    with pd.ExcelWriter(out / "report.xlsx", engine="openpyxl") as book:
        patches.to_excel(book, sheet_name="Findings", index=False)
        pd.DataFrame(instances).astype(str).to_excel(book, sheet_name="Instances", index=False)
        pd.DataFrame(computers).astype(str).to_excel(book, sheet_name="Computers", index=False)
        pd.DataFrame(alerts).astype(str).to_excel(book, sheet_name="GuardDuty", index=False)
        pd.DataFrame(sensitive).astype(str).to_excel(book, sheet_name="Macie", index=False)
    page = jinja2.Environment(autoescape=True).from_string(PAGE)
    states = patches["state"].value_counts().to_dict()
    text = page.render(columns=COLUMNS, rows=patches[COLUMNS].to_dict("records"), states=states)
    (out / "report.html").write_text(text, encoding="utf-8")
    sys.stdout.write(json.dumps({"findings": len(findings), "rows": len(patches), "states": states}) + "\n")


def assumed(role: str) -> boto3.Session:
    got = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="report")["Credentials"]
    return boto3.Session(aws_access_key_id=got["AccessKeyId"], aws_secret_access_key=got["SecretAccessKey"], aws_session_token=got["SessionToken"])


def read_instances(session: boto3.Session, account: str, region: str) -> Iterator[dict[str, Any]]:
    for page in session.client("ec2", region).get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 1000}):
        for reservation in page["Reservations"]:
            for one in reservation["Instances"]:
                tags = {tag["Key"]: tag["Value"] for tag in one.get("Tags", [])}
                yield {
                    "account": account,
                    "region": region,
                    "instance": one["InstanceId"],
                    "state": one["State"]["Name"],
                    "type": one["InstanceType"],
                    "launched": one["LaunchTime"].isoformat(),
                    "owner": tags.get("Owner"),
                }


def read_findings(session: boto3.Session, account: str, region: str) -> Iterator[dict[str, Any]]:
    active = {"findingStatus": [{"comparison": "EQUALS", "value": "ACTIVE"}]}
    pages = session.client("inspector2", region).get_paginator("list_findings").paginate(filterCriteria=active, PaginationConfig={"PageSize": 100})
    for page in pages:
        for one in page["findings"]:
            package = one.get("packageVulnerabilityDetails") or {}
            for resource in one["resources"]:
                yield {
                    "account": account,
                    "region": region,
                    "arn": one["findingArn"],
                    "title": one["title"],
                    "severity": one["severity"],
                    "score": one.get("inspectorScore"),
                    "instance": resource["id"],
                    "cves": package.get("relatedVulnerabilities") or [package.get("vulnerabilityId")],
                    "packages": ", ".join(f"{p['name']} {p['version']}" for p in package.get("vulnerablePackages") or []),
                    "exploit": one.get("exploitAvailable"),
                    "fix": one.get("fixAvailable"),
                    "first_seen": one["firstObservedAt"].replace(tzinfo=None),
                    "last_seen": one["lastObservedAt"].replace(tzinfo=None),
                }


def read_guardduty(session: boto3.Session, account: str, region: str) -> Iterator[dict[str, Any]]:
    client = session.client("guardduty", region)
    for detector in client.list_detectors()["DetectorIds"]:
        for page in client.get_paginator("list_findings").paginate(DetectorId=detector):
            for one in client.get_findings(DetectorId=detector, FindingIds=page["FindingIds"])["Findings"] if page["FindingIds"] else []:
                yield {
                    "account": account,
                    "region": region,
                    "id": one["Id"],
                    "type": one["Type"],
                    "severity": one["Severity"],
                    "title": one.get("Title"),
                }


def read_macie(session: boto3.Session, account: str, region: str) -> Iterator[dict[str, Any]]:
    client = session.client("macie2", region)
    for page in client.get_paginator("list_findings").paginate():
        for one in client.get_findings(findingIds=page["findingIds"])["findings"] if page["findingIds"] else []:
            bucket = one["resourcesAffected"]["s3Bucket"]["name"]
            yield {"account": account, "region": region, "id": one["id"], "type": one["type"], "severity": one["severity"], "bucket": bucket}


def read_wp(url: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    http = requests.Session()
    http.headers.update({"api-secret-key": os.environ["WP_API_KEY"], "api-version": "v1"})
    computers = []
    for one in search(http, f"{url}/computers", "computers"):
        assigned = http.get(f"{url}/computers/{one['ID']}/intrusionprevention/assignments").json()
        shields = one.get("intrusionPrevention") or {}
        computers.append(
            {
                "instance": (one.get("ec2VirtualMachineSummary") or {}).get("instanceID"),
                "computer": one["ID"],
                "policy": one.get("policyID"),
                "agent": (one.get("computerStatus") or {}).get("agentStatus"),
                "mode": shields.get("state"),
                "assigned": shields.get("ruleIDs") or [],
                "recommended": assigned.get("recommendedToAssignRuleIDs") or [],
            }
        )
    rules = [
        {"rule": one["ID"], "name": one["name"], "cve": cve}
        for one in search(http, f"{url}/intrusionpreventionrules", "intrusionPreventionRules")
        for cve in one.get("CVE", [])
    ]
    return computers, rules


def search(http: requests.Session, url: str, key: str) -> Iterator[dict[str, Any]]:
    """Page by page, 5,000 at a time."""
    last = 0
    while True:
        asked = {"maxItems": 5000, "searchCriteria": [{"idValue": last, "idTest": "greater-than"}], "sortByObjectID": True}
        found = http.post(f"{url}/search", json=asked).json()[key]
        yield from found
        if len(found) < 5000:
            return
        last = found[-1]["ID"]


def joined(instances: pd.DataFrame, findings: pd.DataFrame, computers: pd.DataFrame, rules: pd.DataFrame) -> pd.DataFrame:
    """One row for each finding and CVE, and the first rule that shields it where there is one."""
    rows = findings.explode("cves").rename(columns={"cves": "cve"})
    rows = rows.merge(instances[["instance", "owner"]], on="instance", how="left")
    rows = rows.merge(computers[["instance", "computer", "policy", "agent", "mode"]], on="instance", how="left")
    assigned = computers[["computer", "assigned"]].explode("assigned").rename(columns={"assigned": "rule"})
    shields = assigned.merge(rules, on="rule")[["computer", "cve", "rule", "name"]].drop_duplicates(["computer", "cve"])
    rows = rows.merge(shields, on=["computer", "cve"], how="left")
    known = rows["cve"].isin(rules["cve"])
    rows["state"] = "no_rule"
    rows.loc[known, "state"] = "available"
    rows.loc[rows["rule"].notna() & (rows["mode"] == "detect"), "state"] = "detect_only"
    rows.loc[rows["rule"].notna() & (rows["mode"] == "prevent"), "state"] = "prevented"
    rows.loc[rows["computer"].isna() | (rows["agent"] != "active"), "state"] = "unprotected"
    return rows


if __name__ == "__main__":
    main()
