"""Is each service on in each region, and is there what the schedule publishes to? One row for each service and account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from reporter.clients.aws import AwsClients, AwsReader
from reporter.core.answers import field
from reporter.core.errors import Denied, NotEnabled, ScopeProblem, Unavailable
from reporter.core.evaluation import CHECKS, rule_name
from reporter.core.permission import partition
from reporter.core.wording import counted
from reporter.preflight.finding import Finding, State, ok, state_of
from reporter.reports.exported import HOME
from reporter.schedule import Schedule
from reporter.scopes import Access

Question: TypeAlias = Callable[[AwsReader], None]
"""Raises ScopeProblem; NotEnabled where it is off or not there."""

_SCANNED = (("ec2", "EC2"), ("ecr", "ECR"), ("lambda", "Lambda"))


def look(schedule: Schedule, aws: AwsClients, access: Access, regions: Sequence[str]) -> list[Finding]:
    """One account. Calls of the sources themselves, without their lists; then what the schedule publishes to."""
    deliver = schedule.deliver
    found = [_service(aws, access, regions, name, question, _ON) for name, question in _QUESTIONS.items()]
    if deliver.security_hub is not None:
        places = sorted({*regions, HOME[partition(schedule)]})  # what is about the whole account is sent to its partition's home
        found.append(_service(aws, access, places, "Security Hub", _security_hub, "switch it on there; its findings are not sent meanwhile"))
    if deliver.config_rules is not None:
        rules = partial(_rules, deliver.config_rules.prefix)
        found.append(_service(aws, access, regions, "rules of AWS Config", rules, "deploy what reporter stack --member prints"))
    return found


def _service(aws: AwsClients, access: Access, regions: Sequence[str], name: str, question: Question, missing: str) -> Finding:
    what = f"{name} in {access.account}"
    problems: list[ScopeProblem] = []
    for region in regions:
        try:
            question(aws.reader(access.account, region, "check", access.role, access.external_id))
        except ScopeProblem as problem:
            problems.append(problem)
    if not problems:
        return ok(what, f"{'there' if name.startswith('rules') else 'on'} in {', '.join(regions)}")
    states = {state_of(problem) for problem in problems}
    grants = sorted({problem.permission for problem in problems if problem.permission})
    off = any(isinstance(problem, NotEnabled) for problem in problems)
    fixes = [f"grant {', '.join(grants)}"] if grants else []
    fixes += [missing] if off else []
    said = "; ".join(dict.fromkeys(problem.message for problem in problems))
    return Finding(what, State.FAIL if State.FAIL in states else State.UNKNOWN, said, "; ".join(fixes) or "run check again")


def _guardduty(reader: AwsReader) -> None:
    detectors = reader.items("guardduty", "list_detectors", "DetectorIds", MaxResults=50)
    status = [field(reader.call("guardduty", "get_detector", DetectorId=one), "Status", "guardduty GetDetector") for one in detectors]
    if "ENABLED" not in status:
        raise NotEnabled(f"{'suspended' if status else 'no detector'} in {reader.region}")


def _inspector(reader: AwsReader) -> None:
    where = "inspector2 BatchGetAccountStatus"
    answer = reader.call("inspector2", "batch_get_account_status", accountIds=[reader.account])
    account = next((one for one in answer.get("accounts", []) if one.get("accountId") == reader.account), None)
    if account is None:
        raise Unavailable(f"{where} in {reader.region} does not name the account")
    parts = account.get("resourceState", {})
    off = [name for key, name in _SCANNED if parts.get(key, {}).get("status") != "ENABLED"]
    if field(account.get("state", {}), "status", where) != "ENABLED" or off:
        raise NotEnabled(f"does not scan {', '.join(off) or 'yet'} in {reader.region}")


def _macie(reader: AwsReader) -> None:
    """Needed where the account has a bucket. Macie says that it is off with the code of a refusal; its words tell the two apart."""
    try:
        on = field(reader.call("macie2", "get_macie_session"), "status", "macie2 GetMacieSession") == "ENABLED"
    except Denied as refusal:
        if "macie is not enabled" not in refusal.message.lower():
            raise
        on = False
    if not on and reader.call("s3", "list_buckets", BucketRegion=reader.region, MaxBuckets=1).get("Buckets"):
        raise NotEnabled(f"off in {reader.region}, where the account has a bucket")


def _config(reader: AwsReader) -> None:
    recorders = reader.items("config", "describe_configuration_recorder_status", "ConfigurationRecordersStatus")
    if not any(recorder.get("recording") for recorder in recorders):
        raise NotEnabled(f"{'the recorder is stopped' if recorders else 'no recorder'} in {reader.region}")


def _security_hub(reader: AwsReader) -> None:
    off = ("InvalidAccessException", "ResourceNotFoundException")
    field(reader.call("securityhub", "describe_hub", off=off), "HubArn", "securityhub DescribeHub")


def _rules(prefix: str, reader: AwsReader) -> None:
    """A rule that is not there is answered nowhere. A managed or another owner's rule of the same name does not ask the function."""
    found = reader.items("config", "describe_config_rules", "ConfigRules")
    ours = {rule.get("ConfigRuleName") for rule in found if rule.get("Source", {}).get("Owner") == "CUSTOM_LAMBDA"}
    lacking = sorted({rule_name(prefix, check) for check in CHECKS} - ours)
    if lacking:
        named = lacking[0] + (f" and {len(lacking) - 1} more" if len(lacking) > 1 else "")
        raise NotEnabled(f"{counted(len(lacking), 'rule does', 'rules do')} not stand in {reader.region}: {named}")


_ON = "switch it on there, or take the region out of aws.regions"
_QUESTIONS: dict[str, Question] = {
    "AWS Config": _config,
    "GuardDuty": _guardduty,
    "Inspector": _inspector,
    "Macie": _macie,
}
