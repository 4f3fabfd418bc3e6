"""Inspector findings and coverage in their full form, as boto3 gives them."""

from __future__ import annotations

from typing import Any

from reporter.core.clock import iso
from reporter.sandbox.estate.cloud import Ids
from reporter.sandbox.estate.spec import Estate, InspectorFinding, Place

_SCORES = {"CRITICAL": 9.8, "HIGH": 7.8, "MEDIUM": 5.5, "LOW": 3.1, "INFORMATIONAL": 0.0, "UNTRIAGED": 0.0}


def inspector_document(finding: InspectorFinding, estate: Estate, ids: Ids) -> dict[str, Any]:
    """A Finding of ListFindings."""
    reachability = finding.type == "NETWORK_REACHABILITY"
    document: dict[str, Any] = {
        "awsAccountId": finding.place.account,
        "description": "An example.",
        "exploitAvailable": "YES" if finding.exploit else "NO",
        "findingArn": finding.arn,
        "firstObservedAt": iso(finding.first_observed),
        "lastObservedAt": iso(finding.updated),
        "remediation": {"recommendation": {"text": "None Provided"}},
        "resources": [_resource(finding, estate, ids)],
        "severity": finding.severity,
        "status": "ACTIVE",
        "title": "Port 22 is reachable from an Internet Gateway" if reachability else _title(finding),
        "type": finding.type,
        "updatedAt": iso(finding.updated),
    }
    if reachability:
        path = {"steps": [{"componentId": "igw-0123456789abcdef0", "componentType": "AWS::EC2::InternetGateway"}]}
        document["networkReachabilityDetails"] = {"networkPath": path, "openPortRange": {"begin": 22, "end": 22}, "protocol": "TCP"}
        return document
    document["fixAvailable"] = finding.fix
    document["packageVulnerabilityDetails"] = _package(finding)
    if finding.scored:
        document["inspectorScore"] = _SCORES[finding.severity]
        document["epss"] = {"score": 0.01}
    return document


def _title(finding: InspectorFinding) -> str:
    return f"{finding.vulnerability} - {', '.join(name for name, _ in finding.packages)}"


def _package(finding: InspectorFinding) -> dict[str, Any]:
    packages = [
        {"name": name, "version": version, "epoch": 0, "arch": "X86_64", "packageManager": "OS"}
        | ({"fixedInVersion": f"0:{version}.1"} if finding.fix == "YES" else {"fixedInVersion": "NotAvailable"})
        for name, version in finding.packages
    ]
    return {
        "vulnerabilityId": finding.vulnerability,
        "vulnerablePackages": packages,
        "source": "NVD" if finding.vulnerability.startswith("CVE") else "AMAZON_CVE",
        "sourceUrl": f"https://vendor.example.com/{finding.vulnerability}",
        "cvss": [],
        "referenceUrls": [],
        "relatedVulnerabilities": list(finding.related),
        "vendorSeverity": finding.severity.title(),
    }


def _resource(finding: InspectorFinding, estate: Estate, ids: Ids) -> dict[str, Any]:
    common: dict[str, Any] = {"partition": "aws", "region": finding.place.region, "tags": {}}
    if finding.instance is not None:
        host = estate.hosts[finding.instance]
        details = {"awsEc2Instance": {"type": host.instance_type, "platform": "AMAZON_LINUX_2023", "launchedAt": iso(host.launched)}}
        return {**common, "type": "AWS_EC2_INSTANCE", "id": ids.instances[host.key], "details": details}
    if finding.image is not None:
        image = next(i for i in estate.images if i.key == finding.image)
        about = {
            "architecture": "amd64",
            "imageHash": image.digest,
            "imageTags": [image.tag],
            "platform": "DEBIAN_12",
            "registry": image.place.account,
            "repositoryName": image.repository,
        }
        return {**common, "type": "AWS_ECR_CONTAINER_IMAGE", "id": image.arn, "details": {"awsEcrContainerImage": about}}
    function = finding.function or ""
    name = function.split(":")[6]
    about = {"functionName": name, "runtime": "PYTHON_3_12", "codeSha256": "0" * 44, "version": "$LATEST"}
    about["executionRoleArn"] = f"arn:aws:iam::{finding.place.account}:role/{name}"
    return {**common, "type": "AWS_LAMBDA_FUNCTION", "id": function, "details": {"awsLambdaFunction": about}}


def coverage_documents(estate: Estate, ids: Ids) -> dict[Place, list[dict[str, Any]]]:
    """CoveredResource of every instance that is not terminated and every image, where Inspector is on."""
    found: dict[Place, list[dict[str, Any]]] = {}
    for host in estate.instances:
        if host.state != "terminated" and estate.services[host.place].inspector:
            bare = host.key in estate.uncovered_by_inspector
            status = {"reason": "UNMANAGED_EC2_INSTANCE", "statusCode": "INACTIVE"} if bare else {"reason": "SUCCESSFUL", "statusCode": "ACTIVE"}
            found.setdefault(host.place, []).append(_covered(host.place, "AWS_EC2_INSTANCE", ids.instances[host.key], status))
    for image in estate.images:
        if estate.services[image.place].inspector:
            status = {"reason": "SUCCESSFUL", "statusCode": "ACTIVE"}
            found.setdefault(image.place, []).append(_covered(image.place, "AWS_ECR_CONTAINER_IMAGE", image.arn, status))
    return found


def _covered(place: Place, kind: str, resource: str, status: dict[str, str]) -> dict[str, Any]:
    return {"accountId": place.account, "resourceType": kind, "resourceId": resource, "scanType": "PACKAGE", "scanStatus": status}
