"""The function: answers single findings and AWS Config, from the job's own image."""

from __future__ import annotations

from reporter.schedule import Schedule
from reporter.stack.job import image, on_premises
from reporter.stack.parts import FINDINGS, FUNCTION_LOG, NAME, SCHEDULE, Json, Resources, att, log_group, ref, resource, sub

HANDLER = "reporter.aws_lambda.handler"
SECONDS, MEGABYTES = 900, 3008
MOST_PERMISSIONS = 40
"""a function's own policy holds 20 KB: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


def function(schedule: Schedule, role: Json) -> Resources:
    """The function and its log; in the network where Workload Protection is."""
    inside = {"SubnetIds": [ref("SubnetA"), ref("SubnetB")], "SecurityGroupIds": [att("JobSecurity", "GroupId")]}
    return {
        "FunctionLog": log_group(FUNCTION_LOG, schedule.evidence.retention_days),
        "Function": resource(
            "Lambda::Function",
            {
                "FunctionName": NAME,
                "Description": "Answers single findings and AWS Config for the compliance reporter",
                "PackageType": "Image",
                "Code": {"ImageUri": image()},
                "ImageConfig": {"EntryPoint": ["python", "-m", "awslambdaric"], "Command": [HANDLER]},
                "Architectures": [{"Fn::If": ["BuiltForArm", "arm64", "x86_64"]}],
                "Environment": {"Variables": {"REPORTER_SCHEDULE": SCHEDULE}},
                "EphemeralStorage": {"Size": 2048},
                "LoggingConfig": {"LogGroup": ref("FunctionLog")},
                "MemorySize": MEGABYTES,
                "Role": role,
                "Timeout": SECONDS,
                "VpcConfig": inside if on_premises(schedule) else None,
            },
        ),
        **_asked_by_config(schedule),
    }


def _asked_by_config(schedule: Schedule) -> Resources:
    """Who may ask it in the name of AWS Config.

    A rule may name a function of another account, in its own region, where that function lets the rule's account in:
    https://aws.amazon.com/blogs/devops/how-to-centrally-manage-aws-config-rules-across-multiple-aws-accounts/ . One account is one permission. Of an
    organisation, or of more accounts than a function's policy holds, the function itself refuses those that the schedule does not know.
    """
    if schedule.deliver.config_rules is None:
        return {}
    asked = {"Action": "lambda:InvokeFunction", "FunctionName": ref("Function"), "Principal": "config.amazonaws.com"}
    accounts = [account.id for account in schedule.aws.accounts]
    if not accounts or len(accounts) > MOST_PERMISSIONS:
        return {"AskedByConfig": resource("Lambda::Permission", asked)}
    return {f"AskedByConfig{account}": resource("Lambda::Permission", {**asked, "SourceAccount": account}) for account in accounts}


def findings(schedule: Schedule) -> Resources:
    """Findings of this account and region, and those that other accounts and regions forward to the bus, to the function."""
    found: Resources = {
        "Bus": resource("Events::EventBus", {"Name": NAME}),
        "Retries": resource(
            "Lambda::EventInvokeConfig",
            {
                "FunctionName": ref("Function"),
                "Qualifier": "$LATEST",
                "MaximumRetryAttempts": 2,
                "MaximumEventAgeInSeconds": 21600,
                "DestinationConfig": {"OnFailure": {"Destination": att("Undelivered", "Arn")}},
            },
        ),
        **_let_in(schedule),
    }
    for name, pattern in FINDINGS.items():
        found |= _rule(name, {"Description": f"Findings of {name} here, to the compliance reporter", "EventPattern": pattern})
    every = {key: [value for pattern in FINDINGS.values() for value in pattern[key]] for key in ("source", "detail-type")}
    found |= _rule("Forwarded", {"Description": "Findings of other accounts and regions", "EventBusName": att("Bus", "Name"), "EventPattern": every})
    return found


def _rule(name: str, properties: Json) -> Resources:
    target = {"Id": "function", "Arn": att("Function", "Arn"), "RetryPolicy": {"MaximumRetryAttempts": 20, "MaximumEventAgeInSeconds": 21600}}
    target |= {"DeadLetterConfig": {"Arn": att("Undelivered", "Arn")}}
    rule = f"{name}Finding"
    asked = {"Action": "lambda:InvokeFunction", "FunctionName": ref("Function"), "Principal": "events.amazonaws.com", "SourceArn": att(rule, "Arn")}
    return {rule: resource("Events::Rule", {**properties, "Targets": [target]}), f"{rule}Invokes": resource("Lambda::Permission", asked)}


def _let_in(schedule: Schedule) -> Resources:
    """Who may forward to the bus; an account may always forward to its own."""
    said: Json = {"Sid": "Forward", "Effect": "Allow", "Action": "events:PutEvents", "Resource": att("Bus", "Arn")}
    if schedule.aws.organization:
        said |= {"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": ref("OrganizationId")}}}
    elif len(schedule.aws.accounts) > 1:
        said |= {"Principal": {"AWS": [sub(f"arn:${{AWS::Partition}}:iam::{account.id}:root") for account in schedule.aws.accounts]}}
    else:
        return {}
    return {"BusPolicy": resource("Events::EventBusPolicy", {"EventBusName": att("Bus", "Name"), "StatementId": "Forward", "Statement": said})}
