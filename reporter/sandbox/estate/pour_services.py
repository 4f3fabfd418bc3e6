"""Switches GuardDuty, Inspector, Macie and AWS Config on where the estate says so, and pours what they found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from reporter.core.clock import iso
from reporter.sandbox.estate.cloud import Cloud
from reporter.sandbox.estate.documents_guardduty import guardduty_document
from reporter.sandbox.estate.documents_inspector import coverage_documents, inspector_document
from reporter.sandbox.estate.documents_macie import macie_document
from reporter.sandbox.estate.spec import Estate, Place, Protection

_ROLE = "arn:aws:iam::{account}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
CONFIG_RULES = ("S3_BUCKET_PUBLIC_READ_PROHIBITED", "EC2_STOPPED_INSTANCE", "GUARDDUTY_NON_ARCHIVED_FINDINGS")
"""Managed rules in every place that has a recorder."""

OWN_RULE = "reporter-instance-protected"


class _Placed(Protocol):
    @property
    def place(self) -> Place: ...


_Thing = TypeVar("_Thing", bound=_Placed)


def pour_services(cloud: Cloud, estate: Estate) -> None:
    """Detectors, Inspector's and Macie's states, Config recorders, rules and compliance."""
    for place in estate.places:
        services = estate.services[place]
        if services.guardduty:
            cloud.ids.detectors[place] = cloud.at("guardduty", place).create_detector(Enable=True)["DetectorId"]
        state = "ENABLED" if services.inspector else "DISABLED"
        cloud.seed("inspector2", "status", place.account, place.region, [{"ec2": state, "ecr": state, "lambda": state}])
        if services.macie:
            cloud.seed("macie2", "session", place.account, place.region, [{"status": "ENABLED"}])
        if services.recorder != "absent":
            _config(cloud, estate, place, recording=services.recorder == "recording")


def _config(cloud: Cloud, estate: Estate, place: Place, *, recording: bool) -> None:
    config = cloud.at("config", place)
    group = {"allSupported": True, "includeGlobalResourceTypes": False}
    config.put_configuration_recorder(
        ConfigurationRecorder={"name": "default", "roleARN": _ROLE.format(account=place.account), "recordingGroup": group}
    )
    config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": f"config-{place.account}"})
    if recording:
        config.start_configuration_recorder(ConfigurationRecorderName="default")
    for identifier in CONFIG_RULES:
        source = {"Owner": "AWS", "SourceIdentifier": identifier}
        config.put_config_rule(ConfigRule={"ConfigRuleName": identifier.lower().replace("_", "-"), "Source": source})
    _own_rule(cloud, place)
    _compliance(cloud, estate, place)


def _own_rule(cloud: Cloud, place: Place) -> None:
    """The reporter's own custom rule, as its stack would have made it; its function has no code here."""
    function = cloud.at("lambda", place).create_function(
        FunctionName="reporter-config",
        Runtime="python3.12",
        Role=f"arn:aws:iam::{place.account}:role/reporter-read",
        Handler="reporter.aws_lambda.handler",
        Code={"ZipFile": b"no code"},
    )
    source = {
        "Owner": "CUSTOM_LAMBDA",
        "SourceIdentifier": function["FunctionArn"],
        "SourceDetails": [
            {"EventSource": "aws.config", "MessageType": "ScheduledNotification", "MaximumExecutionFrequency": "TwentyFour_Hours"},
        ],
    }
    cloud.at("config", place).put_config_rule(ConfigRule={"ConfigRuleName": OWN_RULE, "Source": source})


def _compliance(cloud: Cloud, estate: Estate, place: Place) -> None:
    """Stopped instances by a managed rule; what the own rule said three days ago, of instances that are gone by now too."""
    hosts = [i for i in estate.instances if i.place == place]
    stopped = [("ec2-stopped-instance", h, "NON_COMPLIANT", "stopped for more than 30 days") for h in hosts if h.state == "stopped"]
    own = [
        (OWN_RULE, h, "COMPLIANT" if h.protection in (Protection.PROTECTED, Protection.OFFLINE) else "NON_COMPLIANT", "as found three days ago")
        for h in hosts
        if h.launched < estate.ago(days=3)
    ]
    items = [
        {
            "ConfigRuleName": rule,
            "ResourceType": "AWS::EC2::Instance",
            "ResourceId": cloud.ids.instances[host.key],
            "ComplianceType": compliance,
            "Annotation": annotation,
            "OrderingTimestamp": iso(estate.ago(days=3)),
        }
        for rule, host, compliance, annotation in [*stopped, *own]
    ]
    if items:
        cloud.seed("config", "compliance", place.account, place.region, items)


def pour_findings(cloud: Cloud, estate: Estate) -> None:
    """What the three services found, in bulk; which resources Inspector covers; where images run."""

    def pour(service: str, kind: str, things: Iterable[_Thing], document: Callable[[_Thing], dict[str, Any]]) -> None:
        by_place: dict[Place, list[dict[str, Any]]] = {}
        for thing in things:
            by_place.setdefault(thing.place, []).append(document(thing))
        for place, documents in by_place.items():
            cloud.seed(service, kind, place.account, place.region, documents)

    pour("guardduty", "findings", estate.guardduty, lambda f: guardduty_document(f, estate, cloud.ids))
    pour("inspector2", "findings", estate.inspector, lambda f: inspector_document(f, estate, cloud.ids))
    pour("macie2", "findings", estate.macie, lambda f: macie_document(f, estate))
    for place, documents in coverage_documents(estate, cloud.ids).items():
        cloud.seed("inspector2", "coverage", place.account, place.region, documents)
    _image_clusters(cloud, estate)


def _image_clusters(cloud: Cloud, estate: Estate) -> None:
    for place in (p for p in estate.places if estate.services[p].inspector):
        items = []
        for image in (i for i in estate.images if i.place == place):
            tasks = [t for t in estate.tasks if image.key in t.images]
            definitions = sorted({cloud.ids.task_definitions[f"{t.cluster}/{t.family}"] for t in tasks})
            details = [
                {
                    "clusterMetadata": {
                        "awsEcsMetadataDetails": {"detailsGroup": f"family:{arn.split('/')[-1].split(':')[0]}", "taskDefinitionArn": arn}
                    },
                    "lastInUse": iso(estate.ago(hours=1)),
                    "runningUnitCount": sum(cloud.ids.task_definitions[f"{t.cluster}/{t.family}"] == arn for t in tasks),
                    "stoppedUnitCount": 0,
                }
                for arn in definitions
            ]
            clusters = [{"clusterArn": cloud.ids.clusters[tasks[0].cluster], "clusterDetails": details}] if tasks else []
            items.append({"imageResourceId": image.arn, "clusters": clusters})
        if items:
            cloud.seed("inspector2", "image_clusters", place.account, place.region, items)


def _family(definition_arn: str) -> str:
    return f"family:{definition_arn.rsplit('/', maxsplit=1)[-1].split(':', maxsplit=1)[0]}"
