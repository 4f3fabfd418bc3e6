"""Services that are on and have little: AWS Config with three rules; no ECS, no load balancers, no distributions, no web ACLs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.estate.call import Call, Made
from bench.estate.size import instance_id

_ELB = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"
_OLD_ELB = "http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/"
RULES = ("reporter-instance-protected", "ec2-imdsv2-check", "s3-bucket-ssl-requests-only")
_GROUPS = (
    *("CommonRuleSet", "AdminProtectionRuleSet", "KnownBadInputsRuleSet", "SQLiRuleSet", "LinuxRuleSet", "UnixRuleSet", "WindowsRuleSet"),
    *("PHPRuleSet", "WordPressRuleSet", "AmazonIpReputationList", "AnonymousIpList", "BotControlRuleSet", "ATPRuleSet"),
)


def _recorders(call: Call) -> Made:
    everything: dict[str, Any] = {"allSupported": True, "includeGlobalResourceTypes": True, "resourceTypes": []}
    role = f"arn:aws:iam::{call.account}:role/config"
    return {"ConfigurationRecorders": [{"name": "default", "roleARN": role, "recordingGroup": everything}]}


def _recorder_states(call: Call) -> Made:
    at = int(call.estate.now) - 3600
    state = {"name": "default", "recording": True, "lastStatus": "SUCCESS", "lastStartTime": at, "lastStatusChangeTime": at}
    return {"ConfigurationRecordersStatus": [state]}


def _deliveries(call: Call) -> Made:
    at = int(call.estate.now) - 3600
    told = {"lastStatus": "SUCCESS", "lastAttemptTime": at, "lastSuccessfulTime": at}
    return {"DeliveryChannelsStatus": [{"name": "default", "configSnapshotDeliveryInfo": told, "configHistoryDeliveryInfo": told}]}


def _rules(call: Call) -> Made:
    return {"ConfigRules": [_rule(call, name) for name in RULES]}


def _rule(call: Call, name: str) -> dict[str, Any]:
    source = {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": f"arn:aws:lambda:{call.region}:{call.account}:function:reporter"}
    if not name.startswith("reporter-"):
        source = {"Owner": "AWS", "SourceIdentifier": name.upper().replace("-", "_")}
    arn = f"arn:aws:config:{call.region}:{call.account}:config-rule/{name}"
    return {"ConfigRuleName": name, "ConfigRuleArn": arn, "ConfigRuleId": name, "Source": source, "ConfigRuleState": "ACTIVE"}


def _compliance(_: Call) -> Made:
    return {"ComplianceByConfigRules": [{"ConfigRuleName": name, "Compliance": {"ComplianceType": "NON_COMPLIANT"}} for name in RULES]}


def _evaluated(call: Call) -> Made:
    hosts, after = call.page(call.estate.instances(call.account, call.region), "Limit", 100, "NextToken")
    at = int(call.estate.now) - 86_400
    results = [
        {
            "EvaluationResultIdentifier": {
                "EvaluationResultQualifier": {
                    "ConfigRuleName": call.given["ConfigRuleName"], "ResourceType": "AWS::EC2::Instance", "ResourceId": instance_id(host),
                    "EvaluationMode": "DETECTIVE",
                },
                "OrderingTimestamp": at,
            },
            "ComplianceType": "COMPLIANT" if host % 3 else "NON_COMPLIANT",
            "ResultRecordedTime": at,
            "ConfigRuleInvokedTime": at,
        }
        for host in hosts
    ]  # fmt: skip
    return {"EvaluationResults": results, **({"NextToken": after} if after else {})}


def _counted(call: Call) -> Made:
    count = len(call.estate.instances(call.account, call.region))
    return {"totalDiscoveredResources": count, "resourceCounts": [{"resourceType": "AWS::EC2::Instance", "count": count}]}


def _discovered(call: Call) -> Made:
    hosts, after = call.page(call.estate.instances(call.account, call.region), "limit", 100, "nextToken")
    return {
        "resourceIdentifiers": [{"resourceType": "AWS::EC2::Instance", "resourceId": instance_id(host)} for host in hosts],
        **({"nextToken": after} if after else {}),
    }


def _empty(name: str, place: str, held: str) -> bytes:
    return f'<{name}Response xmlns="{place}"><{name}Result>{held}</{name}Result></{name}Response>'.encode()


def _balancers(call: Call) -> Made:
    old = call.given.get("Version") == "2012-06-01"
    return _empty(call.operation, *((_OLD_ELB, "<LoadBalancerDescriptions/>") if old else (_ELB, "<LoadBalancers/>")))


_DISTRIBUTIONS = (
    b'<DistributionList xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Marker></Marker><MaxItems>100</MaxItems>'
    b"<IsTruncated>false</IsTruncated><Quantity>0</Quantity></DistributionList>"
)


def _managed(_: Call) -> Made:
    return {
        "ManagedRuleGroups": [
            {"VendorName": "AWS", "Name": f"AWSManagedRules{name}", "VersioningSupported": True, "Description": f"What {name} says. " * 5}
            for name in _GROUPS
        ]
    }


ANSWERS: dict[tuple[str, str], Callable[[Call], Made]] = {
    ("config", "DescribeConfigurationRecorders"): _recorders,
    ("config", "DescribeConfigurationRecorderStatus"): _recorder_states,
    ("config", "DescribeDeliveryChannels"): lambda _: {"DeliveryChannels": [{"name": "default", "s3BucketName": "config"}]},
    ("config", "DescribeDeliveryChannelStatus"): _deliveries,
    ("config", "DescribeConfigRules"): _rules,
    ("config", "DescribeComplianceByConfigRule"): _compliance,
    ("config", "GetComplianceDetailsByConfigRule"): _evaluated,
    ("config", "GetDiscoveredResourceCounts"): _counted,
    ("config", "ListDiscoveredResources"): _discovered,
    ("ecs", "ListClusters"): lambda _: {"clusterArns": []},
    ("elasticloadbalancing", "DescribeLoadBalancers"): _balancers,
    ("elasticloadbalancing", "DescribeTargetGroups"): lambda call: _empty(call.operation, _ELB, "<TargetGroups/>"),
    ("cloudfront", "ListDistributions"): lambda _: _DISTRIBUTIONS,
    ("wafv2", "ListWebACLs"): lambda _: {"WebACLs": []},
    ("wafv2", "ListAvailableManagedRuleGroups"): _managed,
}
