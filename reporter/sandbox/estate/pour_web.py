"""Pours load balancers, target groups, web ACLs, distributions."""

from __future__ import annotations

from typing import Any

from reporter.sandbox.estate.cloud import Cloud
from reporter.sandbox.estate.spec import Distribution, Estate, Group, LoadBalancer, WebAcl

_TREND_GROUPS = [
    {"VendorName": "Trend Micro", "Name": "WebserverRuleGroup", "Description": "Web server rules", "Capacity": 400},
    {"VendorName": "Trend Micro", "Name": "ContentManagementSystemRuleGroup", "Description": "Content management system rules", "Capacity": 500},
]
_OWNER_TAGS = {
    "cloudformation": [{"Key": "aws:cloudformation:stack-name", "Value": "edge"}],
    "terraform": [{"Key": "ManagedBy", "Value": "terraform"}],
}


def pour_web(cloud: Cloud, estate: Estate) -> None:
    """Web ACLs first, then load balancers (an NLB after the ALB it forwards to), then distributions."""
    if estate.trend_groups_account:
        for region in dict.fromkeys((*estate.regions, "us-east-1")):
            cloud.seed("wafv2", "managed_rule_groups", estate.trend_groups_account, region, _TREND_GROUPS)
    for acl in estate.web_acls:
        _web_acl(cloud, acl)
    for balancer in estate.load_balancers:
        _classic(cloud, balancer) if balancer.kind == "classic" else _balancer(cloud, balancer)
    for distribution in estate.distributions:
        _distribution(cloud, estate, distribution)


def _visible(name: str) -> dict[str, Any]:
    return {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": name}


def _group_rule(group: Group, priority: int) -> dict[str, Any]:
    return {
        "Name": group.name,
        "Priority": priority,
        "Statement": {"ManagedRuleGroupStatement": {"VendorName": group.vendor, "Name": group.name}},
        "OverrideAction": {"Count" if group.mode == "count" else "None": {}},
        "VisibilityConfig": _visible(group.name),
    }


def _web_acl(cloud: Cloud, acl: WebAcl) -> None:
    region = "us-east-1" if acl.cloudfront else acl.place.region
    waf = cloud.client("wafv2", acl.place.account, region)
    central = acl.owned_by == "firewall-manager"
    tags = _OWNER_TAGS.get(acl.owned_by)
    rules = [] if central else [_group_rule(group, number) for number, group in enumerate(acl.groups)]
    made = waf.create_web_acl(
        Name=f"FMManagedWebACLV2-{acl.key}" if central else acl.key,
        Scope="CLOUDFRONT" if acl.cloudfront else "REGIONAL",
        DefaultAction={"Block" if acl.default == "block" else "Allow": {}},
        Rules=rules,
        VisibilityConfig=_visible(acl.key),
        **({"Tags": tags} if tags else {}),
    )
    arn = made["Summary"]["ARN"]
    cloud.ids.web_acls[acl.key] = arn
    if central:
        first = [_central_rule(group, number) for number, group in enumerate(acl.groups)]
        cloud.seed("wafv2", "firewall_manager", acl.place.account, region, [{"web_acl_arn": arn, "first": first, "last": []}])


def _central_rule(group: Group, priority: int) -> dict[str, Any]:
    return {
        "Name": group.name,
        "Priority": priority,
        "FirewallManagerStatement": {"ManagedRuleGroupStatement": {"VendorName": group.vendor, "Name": group.name}},
        "OverrideAction": {"None": {}},
        "VisibilityConfig": _visible(group.name),
    }


def _subnets(cloud: Cloud, balancer: LoadBalancer) -> list[str]:
    found = cloud.at("ec2", balancer.place).describe_subnets()["Subnets"]
    return sorted(s["SubnetId"] for s in found)[:2]


def _balancer(cloud: Cloud, balancer: LoadBalancer) -> None:
    elb, alb = cloud.at("elbv2", balancer.place), balancer.kind == "alb"
    made = elb.create_load_balancer(
        Name=balancer.key,
        Subnets=_subnets(cloud, balancer),
        Scheme="internal" if balancer.internal else "internet-facing",
        Type="application" if alb else "network",
    )["LoadBalancers"][0]
    arn = cloud.ids.load_balancers[balancer.key] = made["LoadBalancerArn"]
    cloud.ids.domains[balancer.key] = made["DNSName"]
    group = _target_group(cloud, elb, balancer)
    elb.create_listener(
        LoadBalancerArn=arn, Protocol="HTTP" if alb else "TCP", Port=80, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}]
    )
    if balancer.target == "auto_scaling":
        _auto_scaling(cloud, balancer, group)
    else:
        targets = _targets(cloud, balancer)
        if targets:
            elb.register_targets(TargetGroupArn=group, Targets=targets)
    if balancer.acl:
        cloud.at("wafv2", balancer.place).associate_web_acl(WebACLArn=cloud.ids.web_acls[balancer.acl], ResourceArn=arn)


def _target_group(cloud: Cloud, elb: Any, balancer: LoadBalancer) -> str:
    kind = {"ip_instance": "ip", "ip_task": "ip", "lambda": "lambda", "alb": "alb"}.get(balancer.target, "instance")
    network = {"Protocol": "HTTP" if balancer.kind == "alb" else "TCP", "Port": 80, "VpcId": cloud.ids.vpcs[balancer.place]}
    made = elb.create_target_group(Name=f"{balancer.key}-targets", TargetType=kind, **({} if kind == "lambda" else network))
    return str(made["TargetGroups"][0]["TargetGroupArn"])


def _targets(cloud: Cloud, balancer: LoadBalancer) -> list[dict[str, str]]:
    place, ids = balancer.place, cloud.ids
    if balancer.target == "lambda":
        return [{"Id": f"arn:aws:lambda:{place.region}:{place.account}:function:report-1"}]
    if balancer.target == "alb":
        return [{"Id": ids.load_balancers[key]} for key in balancer.behind]
    found = ids.instances if balancer.target == "instance" else ids.addresses
    return [{"Id": found[key]} for key in balancer.behind]


def _auto_scaling(cloud: Cloud, balancer: LoadBalancer, group: str) -> None:
    """An Auto Scaling group that takes the instances in and registers them."""
    scaling = cloud.at("autoscaling", balancer.place)
    name, hosts = f"{balancer.key}-group", [cloud.ids.instances[key] for key in balancer.behind]
    scaling.create_launch_configuration(LaunchConfigurationName=name, ImageId="ami-12c6146b", InstanceType="t3.micro")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchConfigurationName=name,
        MinSize=0,
        MaxSize=len(hosts),
        DesiredCapacity=0,
        VPCZoneIdentifier=cloud.ids.subnets[balancer.place],
        TargetGroupARNs=[group],
    )
    scaling.attach_instances(AutoScalingGroupName=name, InstanceIds=hosts)


def _classic(cloud: Cloud, balancer: LoadBalancer) -> None:
    elb = cloud.at("elb", balancer.place)
    listener = {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstanceProtocol": "HTTP", "InstancePort": 80}
    scheme = {"Scheme": "internal"} if balancer.internal else {}
    made = elb.create_load_balancer(LoadBalancerName=balancer.key, Listeners=[listener], Subnets=_subnets(cloud, balancer)[:1], **scheme)
    cloud.ids.load_balancers[balancer.key] = balancer.key
    cloud.ids.domains[balancer.key] = made["DNSName"]
    instances = [{"InstanceId": cloud.ids.instances[key]} for key in balancer.behind]
    elb.register_instances_with_load_balancer(LoadBalancerName=balancer.key, Instances=instances)


def _distribution(cloud: Cloud, estate: Estate, distribution: Distribution) -> None:
    domain = {
        "lb": cloud.ids.domains.get(distribution.origin_key, ""),
        "s3": f"{estate.buckets[0].name}.s3.amazonaws.com",
        "custom": distribution.origin_key,
    }[distribution.origin]
    origin: dict[str, Any] = {"Id": "origin", "DomainName": domain}
    if distribution.origin == "s3":
        origin["S3OriginConfig"] = {"OriginAccessIdentity": ""}
    else:
        origin["CustomOriginConfig"] = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}
    made = cloud.client("cloudfront", distribution.account, "us-east-1").create_distribution(
        DistributionConfig={
            "CallerReference": distribution.key,
            "Comment": distribution.key,
            "Enabled": distribution.enabled,
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": {
                "TargetOriginId": "origin",
                "ViewerProtocolPolicy": "redirect-to-https",
                "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
                "MinTTL": 0,
            },
            "WebACLId": cloud.ids.web_acls[distribution.acl] if distribution.acl else "",
        }
    )["Distribution"]
    cloud.ids.distributions[distribution.key] = made["ARN"]
