"""What the sources take from AWS's large answers: everything else of them is skipped unread, where botocore's own parsers make a value of all of it.

Names are boto3's; a name with nothing below it keeps all of it. Whoever takes more, a source or who answers AWS Config, must say so here, or finds
nothing there.
"""

from __future__ import annotations

from reporter.clients.wanted import Wanted, below, tree

_INSTANCE = below(
    "Reservations.Instances",
    "InstanceId",
    "State.Name",
    "InstanceType",
    "ImageId",
    "LaunchTime",
    "VpcId",
    "PrivateIpAddress",
    "PublicIpAddress",
    "IamInstanceProfile.Arn",
    "Tags",
)
_INTERFACE = below(
    "NetworkInterfaces",
    "NetworkInterfaceId",
    "Attachment.InstanceId",
    "VpcId",
    "PrivateIpAddress",
    "PrivateIpAddresses.PrivateIpAddress",
    "InterfaceType",
)
_ROLE = below(
    "RoleDetailList",
    "Arn",
    "RoleName",
    "Path",
    "AssumeRolePolicyDocument",
    "PermissionsBoundary.PermissionsBoundaryArn",
    "InstanceProfileList.Arn",
    "RolePolicyList",
    "AttachedManagedPolicies.PolicyArn",
)
_POLICY = below("Policies", "Arn", "PolicyVersionList.Document", "PolicyVersionList.IsDefaultVersion")
_SEQUENCE = below(
    "Findings.Service.Detection.Sequence.Resources",
    "ResourceType",
    "Uid",
    "Name",
    "Data.Ec2Instance.AvailabilityZone",
    "Data.EcsCluster.Ec2InstanceUids",
    "Data.EcsTask.CreatedAt",
    "Data.AutoscalingAutoScalingGroup.Ec2InstanceUids",
    "Data.Ec2LaunchTemplate.Ec2InstanceUids",
)
_GUARDDUTY = below(
    "Findings",
    "Id",
    "AccountId",
    "Arn",
    "Type",
    "Severity",
    "Title",
    "CreatedAt",
    "UpdatedAt",
    "Resource.ResourceType",
    "Resource.InstanceDetails.InstanceId",
    "Resource.EcsClusterDetails.Arn",
    "Resource.EcsClusterDetails.TaskDetails.Arn",
    "Service.Archived",
    "Service.AdditionalInfo.Value",
)
_MACIE = below(
    "findings",
    "id",
    "accountId",
    "type",
    "category",
    "severity.description",
    "title",
    "resourcesAffected.s3Bucket.name",
    "resourcesAffected.s3Bucket.arn",
    "resourcesAffected.s3Object.bucketArn",
    "sample",
    "archived",
    "createdAt",
    "updatedAt",
)
_COVERED = below("coveredResources", "accountId", "resourceType", "resourceId", "scanType", "scanStatus.statusCode", "scanStatus.reason")
_EVALUATION = below(
    "EvaluationResults",
    "EvaluationResultIdentifier.EvaluationResultQualifier.ConfigRuleName",
    "EvaluationResultIdentifier.EvaluationResultQualifier.ResourceType",
    "EvaluationResultIdentifier.EvaluationResultQualifier.ResourceId",
    "EvaluationResultIdentifier.EvaluationResultQualifier.EvaluationMode",
    "EvaluationResultIdentifier.OrderingTimestamp",
    "ComplianceType",
    "Annotation",
)
_COMPLIANCE = below("ComplianceByConfigRules", "ConfigRuleName", "Compliance.ComplianceType")
_DISCOVERED = below("resourceIdentifiers", "resourceId", "resourceDeletionTime")

_PATHS: dict[tuple[str, str], tuple[str, ...]] = {
    ("ec2", "DescribeInstances"): (*_INSTANCE, "NextToken"),
    ("ec2", "DescribeNetworkInterfaces"): (*_INTERFACE, "NextToken"),
    ("iam", "GetAccountAuthorizationDetails"): (*_ROLE, *_POLICY, "IsTruncated", "Marker"),
    ("guardduty", "GetFindings"): (*_GUARDDUTY, *_SEQUENCE),
    ("macie2", "GetFindings"): _MACIE,
    ("inspector2", "ListCoverage"): (*_COVERED, "nextToken"),
    ("config", "GetComplianceDetailsByConfigRule"): (*_EVALUATION, "NextToken"),
    ("config", "DescribeComplianceByConfigRule"): (*_COMPLIANCE, "NextToken"),
    ("config", "ListDiscoveredResources"): (*_DISCOVERED, "nextToken"),
}


WANTED: dict[tuple[str, str], Wanted] = {operation: tree(paths) for operation, paths in _PATHS.items()}
"""(service, operation) -> what is wanted of its answer"""
