"""What every account that is looked at needs in every region: the roles, the forwarding of findings, and the rules of AWS Config.

Made for a StackSet over accounts and regions, the job's own region first: roles are made there once, and used everywhere.
"""

from __future__ import annotations

from reporter.core.errors import ScheduleError
from reporter.core.evaluation import CHECKS, INSTANCE, rule_name
from reporter.core.permission import By
from reporter.permissions import documents
from reporter.schedule import Schedule
from reporter.stack.parts import (
    FINDINGS,
    FORWARD_ROLE,
    JOB_ROLE,
    NAME,
    Json,
    Resources,
    allow,
    assumed_by,
    logical,
    managed,
    policy,
    ref,
    resource,
    sub,
)

_MESSAGES = ("ConfigurationItemChangeNotification", "OversizedConfigurationItemChangeNotification")


def member(schedule: Schedule, account: str = "") -> Json:
    """The template. `account`: where accounts have roles of different names, the one that it is for. Raises ScheduleError."""
    role, act_role, external_id = _way(schedule, account)
    here = {"Condition": "WhereRolesAreMade"}
    found: Resources = {}
    for by, arn in ((By.READ, role), (By.ACT, act_role)):
        if arn:
            found |= _role(schedule, by, arn, external_id)
    found["ForwardRole"] = resource("IAM::Role", {"RoleName": FORWARD_ROLE, **_forwards()}, **here)
    found["Forward"] = _forward()
    if schedule.deliver.config_rules:
        found |= _rules(schedule.deliver.config_rules.prefix)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "An account and region that the compliance reporter looks at; printed by reporter stack --member",
        "Parameters": {
            "JobAccount": {"Type": "String", "AllowedPattern": "[0-9]{12}", "Description": "Account that the job runs in"},
            "JobRegion": {"Type": "String", "AllowedPattern": "[a-z]{2}(-[a-z]+)+-[0-9]", "Description": "Region that the job runs in"},
        },
        "Conditions": {
            "WhereRolesAreMade": {"Fn::Equals": [ref("AWS::Region"), ref("JobRegion")]},
            "Elsewhere": {
                "Fn::Not": [{"Fn::And": [{"Fn::Equals": [ref("AWS::AccountId"), ref("JobAccount")]}, {"Condition": "WhereRolesAreMade"}]}],
            },
        },
        "Resources": found,
    }


def _way(schedule: Schedule, account: str) -> tuple[str | None, str | None, str | None]:
    """Role, act role (name with path, or None) and external id. Raises ScheduleError where accounts differ and none is named."""
    organization = schedule.aws.organization
    if organization:
        return organization.role, organization.act_role, organization.external_id
    known = [one for one in schedule.aws.accounts if one.id == account or not account]
    if not known:
        raise ScheduleError(
            f"the schedule has no account {account}", where="aws.accounts", fix="an account of the list", meanwhile="nothing was printed"
        )
    ways = {(_name(one.role), _name(one.act_role), one.external_id) for one in known if one.role or one.act_role or account}
    if len(ways) > 1:
        raise ScheduleError(
            "accounts have roles of different names, and one template is for one",
            where="aws.accounts",
            fix="the same names everywhere, or one template each: reporter stack --member --account ID",
            meanwhile="nothing was printed",
        )
    return next(iter(ways), (None, None, None))


def _name(arn: str | None) -> str | None:
    return arn.split(":role/")[1] if arn else None


def _role(schedule: Schedule, by: By, name: str, external_id: str | None) -> Resources:
    """A role that the job alone may take, with the policies that `reporter permissions` prints."""
    here = {"Condition": "WhereRolesAreMade"}
    which = logical(by.value)
    policies = list(managed(documents(schedule, by), f"As printed by reporter permissions --{by.value}", **here))
    if not policies:
        return {}
    trusted = {"ArnEquals": {"aws:PrincipalArn": sub(f"arn:${{AWS::Partition}}:iam::${{JobAccount}}:role/{JOB_ROLE}")}}
    outside = {"StringEquals": {"sts:ExternalId": external_id}} if external_id else {}
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": sub("arn:${AWS::Partition}:iam::${JobAccount}:root")},
        "Action": "sts:AssumeRole",
        "Condition": {**trusted, **outside},
    }
    path, _, last = name.rpartition("/")
    found = {f"{which}Policy{number}": one for number, one in enumerate(policies, 1)}
    attached = [ref(one) for one in found]
    said = {"RoleName": last, "Path": f"/{path}/" if path else None, "AssumeRolePolicyDocument": policy(trust), "ManagedPolicyArns": attached}
    return {**found, f"{which}Role": resource("IAM::Role", said, **here)}


_BUS = f"arn:${{AWS::Partition}}:events:${{JobRegion}}:${{JobAccount}}:event-bus/{NAME}"


def _forwards() -> Json:
    put = policy(allow(("events:PutEvents",), sub(_BUS)))
    return {
        "AssumeRolePolicyDocument": policy(assumed_by("events")),
        "Policies": [{"PolicyName": "forward", "PolicyDocument": put}],
    }


def _forward() -> Json:
    """Findings to the job's bus; beside the job itself they need no forwarding."""
    every = {key: [value for pattern in FINDINGS.values() for value in pattern[key]] for key in ("source", "detail-type")}
    role = sub(f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{FORWARD_ROLE}")
    target = {"Id": "job", "Arn": sub(_BUS), "RoleArn": role}
    about = "Findings, to the compliance reporter"
    return resource(
        "Events::Rule", {"Name": f"{NAME}-forward", "Description": about, "EventPattern": every, "Targets": [target]}, Condition="Elsewhere"
    )


def _rules(prefix: str) -> Resources:
    return {logical(check): _rule(rule_name(prefix, check), check) for check in sorted(CHECKS)}


def _rule(name: str, check: str) -> Json:
    """A rule that the region's own function answers: once a day, and when an instance changes."""
    function = sub(f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{JobAccount}}:function:{NAME}")
    details: list[Json] = [{"EventSource": "aws.config", "MessageType": message} for message in _MESSAGES]
    details.append({"EventSource": "aws.config", "MessageType": "ScheduledNotification", "MaximumExecutionFrequency": "TwentyFour_Hours"})
    return resource(
        "Config::ConfigRule",
        {
            "ConfigRuleName": name,
            "Description": f"{check} of the compliance reporter",
            "Scope": {"ComplianceResourceTypes": [INSTANCE]},
            "Source": {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": function, "SourceDetails": details},
        },
    )
