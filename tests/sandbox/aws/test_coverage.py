"""A guard: every operation the sources use is answered by the sandbox; a new moto that drops one is noticed here."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import HOME, Door

ARN = "arn:aws:iam::123456789012:role/reader"
WAF = {"Scope": "REGIONAL"}
ACL = "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/shop/1"
DETECTOR = "0" * 32
BUCKET = {"Bucket": "ledger"}
RULE = {"ConfigRuleName": "agent-active"}
INSTANCE = {"ResourceType": "AWS::EC2::Instance", "ResourceId": "i-1"}

READ: dict[tuple[str, str], dict[str, Any]] = {
    ("autoscaling", "describe_auto_scaling_groups"): {},
    ("cloudfront", "get_distribution_config"): {"Id": "E1"},
    ("cloudfront", "list_distributions"): {},
    ("cloudfront", "list_distributions_by_web_acl_id"): {"WebACLId": "null"},
    ("config", "describe_compliance_by_config_rule"): {},
    ("config", "describe_compliance_by_resource"): {},
    ("config", "describe_config_rule_evaluation_status"): {},
    ("config", "describe_config_rules"): {},
    ("config", "describe_configuration_recorder_status"): {},
    ("config", "describe_configuration_recorders"): {},
    ("config", "describe_delivery_channel_status"): {},
    ("config", "describe_delivery_channels"): {},
    ("config", "get_compliance_details_by_config_rule"): RULE,
    ("config", "get_compliance_details_by_resource"): INSTANCE,
    ("ec2", "describe_instances"): {},
    ("ec2", "describe_network_interfaces"): {},
    ("ec2", "describe_regions"): {},
    ("ecs", "describe_clusters"): {},
    ("ecs", "describe_container_instances"): {"containerInstances": ["x"]},
    ("ecs", "describe_services"): {"services": ["x"]},
    ("ecs", "describe_task_definition"): {"taskDefinition": "x"},
    ("ecs", "describe_tasks"): {"tasks": ["x"]},
    ("ecs", "list_clusters"): {},
    ("ecs", "list_container_instances"): {},
    ("ecs", "list_services"): {},
    ("ecs", "list_tasks"): {},
    ("elb", "describe_load_balancers"): {},
    ("elb", "describe_tags"): {"LoadBalancerNames": ["x"]},
    ("elbv2", "describe_listeners"): {},
    ("elbv2", "describe_load_balancers"): {},
    ("elbv2", "describe_rules"): {},
    ("elbv2", "describe_tags"): {"ResourceArns": ["arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/x/1"]},
    ("elbv2", "describe_target_groups"): {},
    ("elbv2", "describe_target_health"): {"TargetGroupArn": "arn"},
    ("guardduty", "get_detector"): {"DetectorId": DETECTOR},
    ("guardduty", "get_findings"): {"DetectorId": DETECTOR, "FindingIds": ["1"]},
    ("guardduty", "get_member_detectors"): {"DetectorId": DETECTOR, "AccountIds": ["123456789012"]},
    ("guardduty", "list_detectors"): {},
    ("guardduty", "list_findings"): {"DetectorId": DETECTOR},
    ("guardduty", "list_members"): {"DetectorId": DETECTOR},
    ("iam", "get_account_authorization_details"): {},
    ("iam", "get_instance_profile"): {"InstanceProfileName": "x"},
    ("iam", "list_instance_profiles"): {},
    ("inspector2", "batch_get_account_status"): {},
    ("inspector2", "get_clusters_for_image"): {"filter": {"resourceId": "x"}},
    ("inspector2", "get_findings_report_status"): {},
    ("inspector2", "list_coverage"): {},
    ("inspector2", "list_coverage_statistics"): {},
    ("inspector2", "list_findings"): {},
    ("inspector2", "list_members"): {},
    ("macie2", "get_findings"): {"findingIds": ["1"]},
    ("macie2", "get_macie_session"): {},
    ("macie2", "list_findings"): {},
    ("macie2", "list_members"): {},
    ("organizations", "describe_organization"): {},
    ("organizations", "describe_policy"): {"PolicyId": "p-12345678"},
    ("organizations", "list_accounts"): {},
    ("organizations", "list_accounts_for_parent"): {"ParentId": "r-1234"},
    ("organizations", "list_organizational_units_for_parent"): {"ParentId": "r-1234"},
    ("organizations", "list_policies"): {"Filter": "SERVICE_CONTROL_POLICY"},
    ("organizations", "list_roots"): {},
    ("organizations", "list_targets_for_policy"): {"PolicyId": "p-12345678"},
    ("s3", "get_bucket_acl"): BUCKET,
    ("s3", "get_bucket_encryption"): BUCKET,
    ("s3", "get_bucket_location"): BUCKET,
    ("s3", "get_bucket_ownership_controls"): BUCKET,
    ("s3", "get_bucket_policy"): BUCKET,
    ("s3", "get_bucket_policy_status"): BUCKET,
    ("s3", "get_bucket_tagging"): BUCKET,
    ("s3", "get_public_access_block"): BUCKET,
    ("s3", "list_buckets"): {},
    ("s3control", "get_public_access_block"): {"AccountId": HOME},
    ("sts", "assume_role"): {"RoleArn": ARN, "RoleSessionName": "tests"},
    ("sts", "get_caller_identity"): {},
    ("wafv2", "check_capacity"): {**WAF, "Rules": []},
    ("wafv2", "describe_managed_rule_group"): {**WAF, "VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet"},
    ("wafv2", "get_web_acl"): {**WAF, "Name": "x", "Id": "x"},
    ("wafv2", "get_web_acl_for_resource"): {"ResourceArn": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/x/1"},
    ("wafv2", "list_available_managed_rule_group_versions"): {**WAF, "VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet"},
    ("wafv2", "list_available_managed_rule_groups"): WAF,
    ("wafv2", "list_resources_for_web_acl"): {"WebACLArn": ACL},
    ("wafv2", "list_tags_for_resource"): {"ResourceARN": ACL},
    ("wafv2", "list_web_acls"): WAF,
}
FINDING = {
    "SchemaVersion": "2018-10-08",
    "Id": "1",
    "ProductArn": "arn:aws:securityhub:eu-central-1:123456789012:product/123456789012/default",
    "GeneratorId": "agent-active",
    "AwsAccountId": HOME,
    "CreatedAt": "2026-11-24T00:00:00Z",
    "UpdatedAt": "2026-11-24T00:00:00Z",
    "Title": "t",
    "Description": "d",
    "Resources": [{"Type": "AwsEc2Instance", "Id": "i-1"}],
}
WRITE: dict[tuple[str, str], dict[str, Any]] = {
    ("config", "put_evaluations"): {"ResultToken": "x", "Evaluations": []},
    ("config", "start_config_rules_evaluation"): {"ConfigRuleNames": ["agent-active"]},
    ("wafv2", "associate_web_acl"): {"WebACLArn": ACL, "ResourceArn": "arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/app/x/1"},
    ("guardduty", "archive_findings"): {"DetectorId": DETECTOR, "FindingIds": ["1"]},
    ("inspector2", "enable"): {"resourceTypes": ["EC2"]},
    ("macie2", "enable_macie"): {},
    ("s3", "put_object"): {**BUCKET, "Key": "k", "Body": b"", "IfNoneMatch": "*"},
    ("securityhub", "batch_import_findings"): {"Findings": [FINDING]},
    ("kms", "describe_key"): {"KeyId": "alias/none"},
    ("secretsmanager", "get_secret_value"): {"SecretId": "none"},
    ("ssm", "get_parameter"): {"Name": "/none"},
    ("lambda", "list_functions"): {},
    ("events", "list_rules"): {},
}


@pytest.mark.parametrize(("service", "operation"), [*READ, *WRITE], ids=lambda value: value)
def test_the_operation_is_answered(aws: Door, service: str, operation: str) -> None:
    client = aws.client(service)
    if service == "s3control":
        client.meta.events.register("before-send.s3-control", lambda request, **_: setattr(request, "url", request.url.replace(f"{HOME}.127", "127")))
    with contextlib.suppress(ClientError):  # a refusal is an answer too; the log tells which it was
        getattr(client, operation)(**{**READ, **WRITE}[service, operation])
    row = aws.calls()[-1]
    assert row["status"] not in {405, 500, 501}
    assert row["service"] == service
    assert row["operation"].lower() == operation.replace("_", "")
