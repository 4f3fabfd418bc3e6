"""Tables of what GuardDuty, Inspector, Macie and AWS Config say."""

from __future__ import annotations

from reporter.core.table import Column, Kind, Table
from reporter.tables.aws import ACCOUNT, REGION

_ID = Column("finding_id", Kind.TEXT, "finding id")
_ARN = Column("arn", Kind.TEXT, "finding ARN")
_TITLE = Column("title", Kind.TEXT, "title", nullable=True)
_SAMPLE = Column("sample", Kind.FLAG, "made by CreateSampleFindings: listed, never acted on")
_ARCHIVED = Column("archived", Kind.FLAG, "archived or suppressed: listed, never acted on")
_UPDATED = Column("updated_at", Kind.TIME, "last update")
_CREATED = Column("created_at", Kind.TIME, "first seen")
_SEVERITY = Column("severity", Kind.CATEGORY, "CRITICAL, HIGH, MEDIUM, LOW, INFORMATIONAL or UNTRIAGED")

GUARDDUTY_DETECTORS = Table(
    "guardduty_detectors",
    "GuardDuty detectors",
    ("account", "region"),
    (
        ACCOUNT,
        REGION,
        Column("detector_id", Kind.TEXT, "detector id"),
        Column("status", Kind.CATEGORY, "ENABLED or DISABLED"),
        Column("features", Kind.TEXTS, "features that are enabled"),
    ),
)

GUARDDUTY_FINDINGS = Table(
    "guardduty_findings",
    "GuardDuty findings, archived and sample ones included",
    ("account", "region", "finding_id"),
    (
        ACCOUNT,
        REGION,
        _ID,
        _ARN,
        Column("type", Kind.CATEGORY, "finding type"),
        _SEVERITY,
        Column("score", Kind.NUMBER, "severity 1..10"),
        _TITLE,
        Column("resource_type", Kind.CATEGORY, "Instance, ECSCluster, Container, S3Bucket, AccessKey, AttackSequence, ...", nullable=True),
        Column("instance_ids", Kind.TEXTS, "lower-cased ids of every instance it names, an attack sequence's resources included"),
        Column("ecs_clusters", Kind.TEXTS, "ARNs of ECS clusters it names"),
        Column("ecs_tasks", Kind.TEXTS, "ARNs of ECS tasks it names"),
        _SAMPLE,
        _ARCHIVED,
        _CREATED,
        _UPDATED,
    ),
)

INSPECTOR_STATUS = Table(
    "inspector_status",
    "What Inspector scans in an account and region",
    ("account", "region"),
    (
        ACCOUNT,
        REGION,
        Column("ec2", Kind.CATEGORY, "ENABLED, DISABLED, ...", nullable=True),
        Column("ecr", Kind.CATEGORY, "ENABLED, DISABLED, ...", nullable=True),
        Column("lambda_", Kind.CATEGORY, "ENABLED, DISABLED, ...", nullable=True),
    ),
)

INSPECTOR_FINDINGS = Table(
    "inspector_findings",
    "Active Inspector findings, one row per finding and resource",
    ("account", "region", "arn", "resource_id"),
    (
        ACCOUNT,
        REGION,
        _ARN,
        Column("type", Kind.CATEGORY, "PACKAGE_VULNERABILITY, NETWORK_REACHABILITY, CODE_VULNERABILITY"),
        _SEVERITY,
        _TITLE,
        Column("vulnerability_id", Kind.CATEGORY, "CVE or vendor's own id (package findings)", nullable=True),
        Column("related_ids", Kind.TEXTS, "related vulnerability ids"),
        Column("resource_type", Kind.CATEGORY, "AWS_EC2_INSTANCE, AWS_ECR_CONTAINER_IMAGE, AWS_LAMBDA_FUNCTION, ..."),
        Column("resource_id", Kind.TEXT, "lower-cased instance id, or image/function ARN"),
        Column("image_digest", Kind.CATEGORY, "sha256:... of an image", nullable=True),
        Column("score", Kind.NUMBER, "Inspector's score", nullable=True),
        Column("exploit_available", Kind.FLAG, "an exploit is known", nullable=True),
        Column("fix_available", Kind.CATEGORY, "YES, NO, PARTIAL", nullable=True),
        Column("packages", Kind.TEXTS, "vulnerable packages as 'name version'"),
        Column("first_observed", Kind.TIME, "first observed"),
        Column("last_observed", Kind.TIME, "last observed", nullable=True),
        _UPDATED,
    ),
    big=True,
)

INSPECTOR_COVERAGE = Table(
    "inspector_coverage",
    "Whether Inspector scans a resource",
    ("account", "region", "resource_type", "resource_id", "scan_type"),
    (
        ACCOUNT,
        REGION,
        Column("resource_type", Kind.CATEGORY, "AWS_EC2_INSTANCE, AWS_ECR_CONTAINER_IMAGE, ..."),
        Column("resource_id", Kind.TEXT, "lower-cased instance id, or ARN"),
        Column("scan_type", Kind.CATEGORY, "PACKAGE, NETWORK, CODE"),
        Column("scan_status", Kind.CATEGORY, "ACTIVE or INACTIVE"),
        Column("reason", Kind.CATEGORY, "why, for example UNMANAGED_EC2_INSTANCE", nullable=True),
    ),
)

INSPECTOR_IMAGE_CLUSTERS = Table(
    "inspector_image_clusters",
    "Clusters in which Inspector saw an image running",
    ("account", "region", "resource_id", "cluster_arn", "task_definition_arn"),
    (
        ACCOUNT,
        REGION,
        Column("resource_id", Kind.TEXT, "image ARN, as in the finding"),
        Column("cluster_arn", Kind.TEXT, "ECS or EKS cluster"),
        Column("task_definition_arn", Kind.TEXT, "task definition (ECS)", nullable=True),
        Column("running_units", Kind.INTEGER, "tasks or pods that run it now", nullable=True),
    ),
)

MACIE_SESSIONS = Table(
    "macie_sessions",
    "Macie's state in an account and region",
    ("account", "region"),
    (ACCOUNT, REGION, Column("status", Kind.CATEGORY, "ENABLED or PAUSED")),
)

MACIE_FINDINGS = Table(
    "macie_findings",
    "Macie findings (alerts), archived and sample ones included; object keys and identities are not kept",
    ("account", "region", "finding_id"),
    (
        ACCOUNT,
        REGION,
        _ID,
        Column("type", Kind.CATEGORY, "finding type"),
        Column("category", Kind.CATEGORY, "POLICY or CLASSIFICATION"),
        _SEVERITY,
        _TITLE,
        Column("bucket_name", Kind.TEXT, "bucket", nullable=True),
        Column("bucket_arn", Kind.TEXT, "bucket ARN", nullable=True),
        _SAMPLE,
        _ARCHIVED,
        _CREATED,
        _UPDATED,
    ),
)

CONFIG_RECORDERS = Table(
    "config_recorders",
    "AWS Config configuration recorders and their delivery",
    ("account", "region", "name"),
    (
        ACCOUNT,
        REGION,
        Column("name", Kind.TEXT, "recorder name"),
        Column("recording", Kind.FLAG, "it records now"),
        Column("all_supported", Kind.FLAG, "it records all supported types"),
        Column("last_status", Kind.CATEGORY, "SUCCESS, PENDING, FAILURE", nullable=True),
        Column("delivery_channels", Kind.INTEGER, "number of delivery channels"),
        Column("delivery_status", Kind.CATEGORY, "SUCCESS, FAILURE, NOT_APPLICABLE of the last delivery of the history", nullable=True),
    ),
)

CONFIG_RULES = Table(
    "config_rules",
    "AWS Config rules",
    ("account", "region", "name"),
    (
        ACCOUNT,
        REGION,
        Column("name", Kind.TEXT, "rule name"),
        Column("arn", Kind.TEXT, "rule ARN"),
        Column("owner", Kind.CATEGORY, "AWS, CUSTOM_LAMBDA, CUSTOM_POLICY"),
        Column("source_identifier", Kind.TEXT, "managed rule id, or function ARN", nullable=True),
        Column("state", Kind.CATEGORY, "ACTIVE, DELETING, EVALUATING, ..."),
        Column("compliance", Kind.CATEGORY, "COMPLIANT, NON_COMPLIANT, NOT_APPLICABLE, INSUFFICIENT_DATA", nullable=True),
    ),
)

CONFIG_COMPLIANCE = Table(
    "config_compliance",
    "What AWS Config holds today for this reporter's own rules",
    ("account", "region", "rule", "resource_type", "resource_id"),
    (
        ACCOUNT,
        REGION,
        Column("rule", Kind.TEXT, "rule name"),
        Column("resource_type", Kind.CATEGORY, "AWS::EC2::Instance, ..."),
        Column("resource_id", Kind.TEXT, "resource id"),
        Column("compliance", Kind.CATEGORY, "COMPLIANT or NON_COMPLIANT"),
        Column("annotation", Kind.TEXT, "annotation", nullable=True),
        Column("ordering_timestamp", Kind.TIME, "the evaluation's ordering timestamp", nullable=True),
    ),
)
