"""Who tells when nothing is told: a run that fails, a job that stays silent, and what could not be delivered."""

from __future__ import annotations

import math
from datetime import timedelta

from reporter.core.gap import longest_gap
from reporter.schedule import Schedule
from reporter.stack.job import family
from reporter.stack.parts import NAME, Json, Resources, allow, att, log_group, logical, policy, ref, resource, sub

FINISHED = (0, 3, 4, 5)
"""exit codes of a run that left a report"""
QUIET = (0, 3, 5)
"""exit codes that call for nobody: 3 and 5 stand in the report itself"""
MARGIN = timedelta(hours=4)
"""for the flexible window and the run itself"""
LONGEST = timedelta(days=7)
"""an alarm looks back no further: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"""
ENDED_LOG = f"/aws/events/{NAME}"


def watch(schedule: Schedule) -> Resources:
    """The topic, the alarms and the rules they rest on."""
    found: Resources = {
        "Alarms": resource("SNS::Topic", {"DisplayName": "Compliance reporter"}),
        "AlarmsByMail": resource(
            "SNS::Subscription", {"TopicArn": ref("Alarms"), "Protocol": "email", "Endpoint": ref("AlarmAddress")}, Condition="HasAlarmAddress"
        ),
        "AlarmsPolicy": resource("SNS::TopicPolicy", {"Topics": [ref("Alarms")], "PolicyDocument": policy(*(_publish(who) for who in _PUBLISHERS))}),
        "EndedLog": log_group(ENDED_LOG, schedule.evidence.retention_days),
        "EndedLogPolicy": resource("Logs::ResourcePolicy", {"PolicyName": f"{NAME}-ended", "PolicyDocument": _LOGGED}),
        "UndeliveredPolicy": resource("SQS::QueuePolicy", {"Queues": [ref("Undelivered")], "PolicyDocument": policy(_QUEUED)}),
        "UndeliveredAlarm": _alarm(
            "An event or a start of the job could not be delivered",
            {"Namespace": "AWS/SQS", "MetricName": "ApproximateNumberOfMessagesVisible", "Statistic": "Maximum", "Period": 300},
            {"QueueName": att("Undelivered", "QueueName")},
            {"EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching"},
        ),
    }
    for name, job in schedule.jobs.items():
        found[logical(name, "Ended")] = _ended(name)
        found[logical(name, "Failed")] = _failed(name)
        hours = silent_hours(job.schedule)
        if hours:
            found[logical(name, "Silent")] = _silent(name, hours)
    return found


def silent_hours(expression: str) -> int:
    """After so many hours without a report somebody is told; 0: longer than an alarm can look back."""
    gap = longest_gap(expression)
    if gap is None or gap + MARGIN > LONGEST:
        return 0
    return math.ceil((gap + MARGIN) / timedelta(hours=1))


def _ended(job: str) -> Json:
    """Each end of a run with a report: what the silence is measured by."""
    pattern = _stopped(job, {"containers": {"exitCode": list(FINISHED)}})
    log = sub(f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:{ENDED_LOG}")
    about = f"The job {job} left a report"
    return resource(
        "Events::Rule",
        {"Name": f"{family(job)}-ended", "Description": about, "EventPattern": pattern, "Targets": [{"Id": "log", "Arn": log}]},
        DependsOn=["EndedLog", "EndedLogPolicy"],
    )


def _failed(job: str) -> Json:
    """A run that broke, whose action failed, that was stopped, or that could not even start."""
    unable = ["TaskFailedToStart", "SpotInterruption", "TerminationNotice"]
    either: list[Json] = [{"containers": {"exitCode": [{"anything-but": list(QUIET)}]}}, {"stopCode": unable}]
    told: Json = {"InputPathsMap": {"why": "$.detail.stoppedReason", "task": "$.detail.taskArn"}}
    told |= {"InputTemplate": f'"The compliance reporter\'s job {job} failed: <why>. Task <task>; its log is in /{NAME}/job."'}
    about = f"The job {job} failed"
    return resource(
        "Events::Rule",
        {
            "Name": f"{family(job)}-failed",
            "Description": about,
            "EventPattern": _stopped(job, {"$or": either}),
            "Targets": [{"Id": "people", "Arn": ref("Alarms"), "InputTransformer": told}],
        },
    )


def _stopped(job: str, how: Json) -> Json:
    detail = {"clusterArn": [att("Cluster", "Arn")], "group": [f"family:{family(job)}"], "lastStatus": ["STOPPED"], **how}
    return {"source": ["aws.ecs"], "detail-type": ["ECS Task State Change"], "detail": detail}


def _silent(job: str, hours: int) -> Json:
    """No report for so many hours, one after the other; no number at all counts as silence."""
    return _alarm(
        f"The job {job} has left no report for {hours} hours: nobody knows how well the workloads are protected",
        {"Namespace": "AWS/Events", "MetricName": "TriggeredRules", "Statistic": "Sum", "Period": 3600},
        {"RuleName": ref(logical(job, "Ended"))},
        {
            "EvaluationPeriods": hours,
            "DatapointsToAlarm": hours,
            "Threshold": 1,
            "ComparisonOperator": "LessThanThreshold",
            "TreatMissingData": "breaching",
        },
    )


def _alarm(about: str, metric: Json, dimensions: Json, when: Json) -> Json:
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    people = [ref("Alarms")]
    return resource(
        "CloudWatch::Alarm", {"AlarmDescription": about, **metric, "Dimensions": named, **when, "AlarmActions": people, "OKActions": people}
    )


_PUBLISHERS = ("cloudwatch", "events")
_OWN = {"StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")}}


def _publish(who: str) -> Json:
    own = (
        _OWN
        if who == "cloudwatch"
        else {"ArnLike": {"aws:SourceArn": sub(f"arn:${{AWS::Partition}}:events:${{AWS::Region}}:${{AWS::AccountId}}:rule/{NAME}-*")}}
    )
    return {**allow(("sns:Publish",), ref("Alarms"), Condition=own), "Principal": {"Service": f"{who}.amazonaws.com"}}


_QUEUED = {**allow(("sqs:SendMessage",), att("Undelivered", "Arn"), Condition=_OWN), "Principal": {"Service": "events.amazonaws.com"}}
_LOGGED = sub(
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["events.amazonaws.com","delivery.logs.amazonaws.com"]},'
    '"Action":["logs:CreateLogStream","logs:PutLogEvents"],'
    f'"Resource":"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:{ENDED_LOG}:*"}}]}}'
)
