"""The three templates, as text that is the same for the same schedule."""

from __future__ import annotations

from typing import Any

import yaml

from reporter.core.errors import ScheduleError
from reporter.schedule import Schedule
from reporter.stack import function, job, kept, member, needs, watch
from reporter.stack.parts import JOB_ROLE, NAME, Json, att, ref, sub

LONGEST = 51200
"""bytes of a template that CloudFormation takes without a bucket"""


class _Plain(yaml.SafeDumper):
    """Says a thing twice rather than by an anchor, which readers of templates do not expect."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def text(template: Json) -> str:
    return yaml.dump(template, Dumper=_Plain, sort_keys=False, width=150, allow_unicode=True)


def home(schedule: Schedule) -> Json:
    """The account and region that the job runs in. Raises ScheduleError."""
    needs.check(schedule)
    found = {
        **kept.keys(schedule),
        **kept.buckets(schedule),
        **job.roles(schedule),
        **job.network(schedule),
        **job.disk(),
        **job.tasks(schedule),
        **function.function(schedule, att("JobRole", "Arn")),
        **function.findings(schedule),
        **watch.watch(schedule),
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"The compliance reporter, chain {schedule.evidence.chain}; printed by reporter stack",
        "Parameters": {**_image(), **_place(schedule)},
        "Conditions": {**_BUILT_FOR_ARM, "HasAlarmAddress": {"Fn::Not": [{"Fn::Equals": [ref("AlarmAddress"), ""]}]}},
        "Resources": found,
        "Outputs": _outputs(schedule),
    }


def regional(schedule: Schedule) -> Json:
    """The function in a further region of the job's account, for the rules of AWS Config there. Raises ScheduleError."""
    needs.check(schedule)
    if schedule.deliver.config_rules is None:
        raise ScheduleError(
            "further regions need nothing of their own: the schedule has no rules of AWS Config",
            where="deliver.config_rules",
            fix="reporter stack --member, for the roles and the forwarding of findings",
            meanwhile="nothing was printed",
        )
    role = sub(f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{JOB_ROLE}")
    inside = job.on_premises(schedule)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "The compliance reporter's function in a further region; printed by reporter stack --regional",
        "Parameters": {**_image(), **(_network() if inside else {})},
        "Conditions": _BUILT_FOR_ARM,
        "Resources": {**(job.network(schedule) if inside else {}), **function.function(schedule, role)},
    }


def member_account(schedule: Schedule, account: str = "") -> Json:
    """An account and region that is looked at. Raises ScheduleError."""
    needs.check(schedule)
    return member.member(schedule, account)


_BUILT_FOR_ARM: Json = {"BuiltForArm": {"Fn::Equals": [ref("Architecture"), "ARM64"]}}


def _image() -> Json:
    return {
        "Repository": {"Type": "String", "Default": NAME, "Description": "Repository of the image in this account and region"},
        "ImageDigest": {"Type": "String", "AllowedPattern": "sha256:[0-9a-f]{64}", "Description": "Digest of the image"},
        "Architecture": {"Type": "String", "Default": "X86_64", "AllowedValues": ["X86_64", "ARM64"], "Description": "What the image was built for"},
    }


def _network() -> Json:
    return {
        "Vpc": {"Type": "AWS::EC2::VPC::Id", "Description": "Network with a way to AWS and to Workload Protection"},
        "SubnetA": {"Type": "AWS::EC2::Subnet::Id", "Description": "A subnet of it"},
        "SubnetB": {"Type": "AWS::EC2::Subnet::Id", "Description": "One in another zone"},
    }


def _place(schedule: Schedule) -> Json:
    said: Json = {
        **_network(),
        "PublicIp": {
            "Type": "String",
            "Default": "DISABLED",
            "AllowedValues": ["DISABLED", "ENABLED"],
            "Description": "ENABLED where the subnets reach AWS through an internet gateway alone",
        },
        "Cpu": {"Type": "String", "Default": "2048", "AllowedValues": ["1024", "2048", "4096", "8192"], "Description": "1024 are one vCPU"},
        "Memory": {"Type": "String", "Default": "8192", "AllowedValues": ["4096", "8192", "16384", "30720"], "Description": "MiB; it must fit Cpu"},
        "AlarmAddress": {"Type": "String", "Default": schedule.owners.default, "Description": "Who is told of silence and failure; empty: nobody"},
    }
    if schedule.aws.organization:
        said["OrganizationId"] = {"Type": "String", "AllowedPattern": "o-[a-z0-9]{10,32}", "Description": "Whose accounts may forward findings"}
    return said


def _outputs(schedule: Schedule) -> Json:
    said: Json = {
        "ClusterName": ref("Cluster"),
        "FunctionArn": att("Function", "Arn"),
        "JobRoleArn": att("JobRole", "Arn"),
        "JobSecurityGroup": att("JobSecurity", "GroupId"),
        "AlarmTopic": ref("Alarms"),
    }
    if "SealKey" in kept.keys(schedule):
        said["SealKeyArn"] = att("SealKey", "Arn")
    return {name: {"Value": value} for name, value in said.items()}
