"""GuardDuty findings in their full form, as boto3 gives them."""

from __future__ import annotations

import json
from typing import Any

from reporter.core.clock import iso
from reporter.sandbox.estate.cloud import Ids
from reporter.sandbox.estate.spec import Estate, GuardDutyFinding


def guardduty_document(finding: GuardDutyFinding, estate: Estate, ids: Ids) -> dict[str, Any]:
    """A Finding of GetFindings. The sample mark is where boto3 keeps it: in AdditionalInfo's text."""
    place, detector = finding.place, ids.detectors[finding.place]
    return {
        "AccountId": place.account,
        "Arn": f"arn:aws:guardduty:{place.region}:{place.account}:detector/{detector}/finding/{finding.finding_id}",
        "Confidence": 5.0,
        "CreatedAt": _time(finding.created),
        "Description": f"An example finding of type {finding.type}.",
        "Id": finding.finding_id,
        "Partition": "aws",
        "Region": place.region,
        "Resource": _resource(finding, estate, ids),
        "SchemaVersion": "2.0",
        "Service": _service(finding, ids, detector),
        "Severity": finding.severity,
        "Title": f"{finding.type.split('/')[-1]} was seen" + (" [SAMPLE]" if finding.sample else ""),
        "Type": finding.type,
        "UpdatedAt": _time(finding.updated),
    }


def _time(instant: Any) -> str:
    return iso(instant).replace("Z", ".000Z")


def _service(finding: GuardDutyFinding, ids: Ids, detector: str) -> dict[str, Any]:
    info = json.dumps({"sample": True} if finding.sample else {})
    service: dict[str, Any] = {
        "Archived": finding.archived,
        "Count": 1,
        "DetectorId": detector,
        "EventFirstSeen": _time(finding.created),
        "EventLastSeen": _time(finding.updated),
        "ResourceRole": "TARGET",
        "ServiceName": "guardduty",
        "AdditionalInfo": {"Value": info, "Type": "default"},
        "Action": {},
    }
    if finding.kind == "sequence":
        place = finding.place
        resources = [
            {
                "Uid": f"arn:aws:ec2:{place.region}:{place.account}:instance/{ids.instances[key]}",
                "Name": ids.instances[key],
                "AccountId": place.account,
                "ResourceType": "EC2_INSTANCE",
                "Region": place.region,
                "Data": {"Ec2Instance": {"InstanceState": "running"}},
            }
            for key in finding.instances
        ]
        signal = {
            "Uid": f"{finding.finding_id}-1",
            "Type": "FINDING",
            "Name": "Backdoor:EC2/C&CActivity.B!DNS",
            "CreatedAt": finding.created.timestamp(),
            "UpdatedAt": finding.updated.timestamp(),
            "FirstSeenAt": finding.created.timestamp(),
            "LastSeenAt": finding.updated.timestamp(),
            "Count": 2,
        }
        sequence = {"Uid": finding.finding_id, "Description": "Several instances, one actor.", "Signals": [signal], "Resources": resources}
        service["Detection"] = {"Sequence": sequence}
    return service


def _resource(finding: GuardDutyFinding, estate: Estate, ids: Ids) -> dict[str, Any]:
    match finding.kind:
        case "instance":
            return {"ResourceType": "Instance", "InstanceDetails": _instance(finding.instances[0], estate, ids)}
        case "container":
            container = {"Id": "0123456789ab", "Name": "app", "Image": "registry.example.com/app:1.0", "ImagePrefix": "registry.example.com"}
            return {
                "ResourceType": "Container",
                "InstanceDetails": _instance(finding.instances[0], estate, ids),
                "ContainerDetails": {"ContainerRuntime": "docker", **container},
            }
        case "ecs_task" | "ecs_cluster":
            return {"ResourceType": "ECSCluster", "EcsClusterDetails": _cluster(finding, estate, ids)}
        case "s3":
            bucket = next(b for b in estate.buckets if b.key == finding.bucket)
            return {"ResourceType": "S3Bucket", "S3BucketDetails": [{"Arn": bucket.arn, "Name": bucket.name, "Type": "Destination"}]}
        case "access_key":
            key = {"AccessKeyId": "AKIAEXAMPLEEXAMPLE00", "PrincipalId": "AIDAEXAMPLE", "UserName": "operator", "UserType": "IAMUser"}
            return {"ResourceType": "AccessKey", "AccessKeyDetails": key}
    return {"ResourceType": "AttackSequence"}


def _instance(key: str, estate: Estate, ids: Ids) -> dict[str, Any]:
    host = estate.hosts[key]
    address = ids.addresses[key]
    return {
        "InstanceId": ids.instances[key],
        "InstanceType": host.instance_type,
        "LaunchTime": iso(host.launched),
        "InstanceState": host.state,
        "AvailabilityZone": f"{host.place.region}a",
        "NetworkInterfaces": [{"PrivateIpAddress": address, "SubnetId": ids.subnets[host.place], "VpcId": ids.vpcs[host.place]}],
        "Tags": [{"Key": "Name", "Value": host.name}],
    }


def _cluster(finding: GuardDutyFinding, estate: Estate, ids: Ids) -> dict[str, Any]:
    cluster = next(c for c in estate.clusters if c.key == finding.cluster)
    details: dict[str, Any] = {"Name": cluster.name, "Arn": ids.clusters[cluster.key], "Status": "ACTIVE"}
    task = next((t for t in estate.tasks if t.key == finding.task), None)
    if task is not None:
        details["TaskDetails"] = {
            "Arn": ids.tasks[task.key],
            "DefinitionArn": ids.task_definitions[f"{task.cluster}/{task.family}"],
            "LaunchType": "EC2",
            "Group": f"family:{task.family}",
        }
    return details
